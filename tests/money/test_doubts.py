"""Tasks in doubt: what the provider's history proves, and what it does not."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.doubts import settle
from pipeline.recognition import (
    CLOCKS_AGREE_S,
    CLOCKS_DIFFER_S,
    Doubtful,
    Found,
    NotBilled,
    Unknown,
    addresses,
    recognise,
    verdict,
)
from pipeline.task import Remembered
from pipeline.wish import encode, fingerprint
from tests.money.rig import NOW, FakeProvider, Rig, picture

if TYPE_CHECKING:
    from pathlib import Path

SEEDED = Doubtful(1, 1, "ic-light", {"prompt": "dusk", "subject_image": "https://shop.example/1.jpg"}, 42, NOW)
PLAIN = Doubtful(
    2, 2, "segmind-relighting-v2", {"image": "https://shop.example/1.jpg", "light_direction": "left"}, None, NOW
)
FILE = Doubtful(3, 3, "segmind-relighting-v2", {"image": "photos/1.jpg", "light_direction": "left"}, None, NOW)
UPLOADED = replace(FILE, sent={"image": "https://up.example/1.jpg"})
STORED = replace(FILE, params={**FILE.params, "image": "s3://shop/1.jpg"})
SIGNED = replace(STORED, sent={"image": "https://shop.s3.example/1.jpg"})
PROMPTED = Doubtful(4, 4, "ic-light", {**SEEDED.params, "prompt": "Long dusk", "steps": 15, "seed": 7}, None, NOW)


def entry(body: object, *, at: float | None = NOW + 1, status: str = "COMPLETED", id_: str = "r1") -> Remembered:
    endpoint = "ic-light" if isinstance(body, dict) and "seed" in body else ""
    return Remembered(id_, endpoint, status, body, None, (), at)


def like(doubtful: Doubtful, **changed: object) -> Remembered:
    """An entry that keeps what *doubtful* sent, but for *changed*; what is changed to ``...`` it leaves out."""
    body = {**doubtful.params, **doubtful.sent, **changed}
    return entry({name: value for name, value in body.items() if value is not ...})


@pytest.mark.parametrize(
    ("sentence", "doubtful", "remembered", "is_ours"),
    [
        ("the drawn seed is proof, whatever the time", SEEDED, entry({"seed": 42}, at=0.0), True),
        ("a seed may come back as text", SEEDED, entry({"seed": "42"}), True),
        ("by whatever name the endpoint goes", SEEDED, replace(entry({"seed": 42}), endpoint="IC Light (v1)"), True),
        ("a seed may come back as a fraction", SEEDED, entry({"seed": 42.0}), True),
        ("another seed is another call", SEEDED, entry({"seed": 43, **SEEDED.params}), False),
        ("without its seed nobody can tell", SEEDED, like(SEEDED), None),
        ("without its seed it may still be another call", SEEDED, like(SEEDED, prompt="noon"), False),
        ("without a seed every parameter counts", PLAIN, like(PLAIN), True),
        ("another parameter is another call", PLAIN, like(PLAIN, light_direction="right"), False),
        ("a listed value may be written as the page has it", PLAIN, like(PLAIN, light_direction=" Left"), True),
        ("what is left out says nothing", PLAIN, like(PLAIN, light_direction=...), None),
        ("null says nothing", PLAIN, like(PLAIN, light_direction=None), None),
        ("another image is another call", PLAIN, like(PLAIN, image="https://x.example/"), False),
        ("a history that keeps no images", PLAIN, like(PLAIN, image=...), None),
        ("a word instead of an image", PLAIN, like(PLAIN, image="<image>"), None),
        ("an address that is quoted", PLAIN, like(PLAIN, image="https://shop.example/%31.jpg"), None),
        (
            "an image that it does not keep, and another parameter",
            PLAIN,
            like(PLAIN, image=..., light_direction="right"),
            False,
        ),
        ("a file by the address of its upload", UPLOADED, like(UPLOADED), True),
        ("another file", UPLOADED, like(UPLOADED, image="https://up.example/2.jpg"), False),
        ("a file was sent as nobody knows what", FILE, like(FILE, image="https://up.example/1.jpg"), None),
        (
            "an object in a bucket was sent as nobody knows what",
            STORED,
            like(STORED, image="https://shop.s3.example/1"),
            None,
        ),
        (
            "an object in a bucket by its address",
            SIGNED,
            like(SIGNED, image="https://shop.s3.example/1.jpg?sig=2"),
            True,
        ),
        ("another object", SIGNED, like(SIGNED, image="https://shop.s3.example/2.jpg?sig=1"), False),
        ("numbers as numbers", PROMPTED, like(PROMPTED, steps="15.0", seed=7.0), True),
        ("another number", PROMPTED, like(PROMPTED, steps=16), False),
        ("a text that was cut", PROMPTED, like(PROMPTED, prompt="Long..."), None),
        ("a text in other letters", PROMPTED, like(PROMPTED, prompt="long dusk"), None),
        ("a longer text", PROMPTED, like(PROMPTED, prompt="Long dusk, rain"), False),
        ("more parameters than ours are defaults", PLAIN, like(PLAIN, quality="high"), True),
        ("a clock in another time zone", PLAIN, entry(dict(PLAIN.params), at=NOW + CLOCKS_DIFFER_S - 1), True),
        ("last week's call", PLAIN, entry(dict(PLAIN.params), at=NOW - 7 * 86_400), False),
        ("last week's call, and little is known of it", PLAIN, entry(None, at=NOW - 7 * 86_400), False),
        ("no time is no proof against it", PLAIN, entry(dict(PLAIN.params), at=None), True),
        ("a body that could not be read", PLAIN, entry("{'image': ..."), None),
        ("a body that is not listed", PLAIN, entry(None), None),
        ("another endpoint", PLAIN, replace(like(PLAIN), endpoint="ic-light"), False),
        ("its endpoint in other letters", PLAIN, replace(like(PLAIN), endpoint="Segmind Relighting_v2"), True),
    ],
)
def test_how_a_call_is_recognised(
    sentence: str, doubtful: Doubtful, remembered: Remembered, *, is_ours: bool | None
) -> None:
    assert recognise(doubtful, remembered) is is_ours, sentence


def test_only_addresses_that_a_task_does_not_name_are_kept_and_no_signature_is() -> None:
    params = {
        "main_image": "s3://shop/1.jpg",
        "mask_image": "masks/1.png",
        "object_image": "https://shop.example/1.jpg",
    }
    body = {
        **params,
        "main_image": "https://shop.s3.example/1.jpg?X-Amz-Signature=0",
        "mask_image": "https://up.example/asset?id=1",
    }

    assert addresses("seg-swap", params, body) == {
        "main_image": "https://shop.s3.example/1.jpg",
        "mask_image": "https://up.example/asset?id=1",
    }


OURS = dict(PLAIN.params)
OTHER = {"image": "https://shop.example/other.jpg"}
LATER = {"r1": (PLAIN.attempt + 1, NOW)}
EARLIER = {"r1": (PLAIN.attempt - 1, NOW - 60)}
CLOCK_WAS_AHEAD = {"r1": (PLAIN.attempt - 1, NOW + 86_400)}
SURELY = NOW + CLOCKS_AGREE_S


@pytest.mark.parametrize(
    ("sentence", "history", "known", "age_s", "expected"),
    [
        ("finished there: fetched", [entry(OURS)], {}, 10, Found("r1")),
        ("under way there: its end is awaited", [entry(OURS, status="PENDING")], {}, 10, Found("r1")),
        ("failed there: open again", [entry(OURS, status="FAILED")], {}, 10, NotBilled),
        ("an equal one that failed earlier", [entry(OURS, status="FAILED", at=NOW - 3600)], {}, 10, Unknown()),
        ("an equal one that failed nobody knows when", [entry(OURS, status="FAILED", at=None)], {}, 10, Unknown()),
        (
            "failed once and made once: never 'not billed'",
            [entry(OURS, status="FAILED", id_="r1"), entry(OURS, at=NOW + 50, id_="r2")],
            {},
            100,
            Found("r2"),
        ),
        (
            "failed once, and perhaps made once",
            [entry(OURS, status="FAILED", id_="r1"), entry(None, at=NOW + 50, id_="r2")],
            {},
            400,
            Unknown(),
        ),
        ("the call of another attempt is not ours", [entry(OURS)], LATER, 10, NotBilled),
        ("the nearest of several", [entry(OURS, at=NOW - 99), entry(OURS, id_="r2")], {}, 10, Found("r2")),
        ("perhaps ours: never 'not billed'", [entry(None)], {}, 400, Unknown()),
        ("perhaps ours, but it failed", [entry(None, status="FAILED")], {}, 400, NotBilled),
        ("it says little, and belongs to another attempt", [entry(None)], EARLIER, 400, NotBilled),
        ("one of them is ours, whatever the other is", [entry(None, id_="r2"), entry(OURS)], {}, 10, Found("r1")),
        ("absent, and the history knows a later one of ours", [entry(OTHER, at=NOW - 9999)], LATER, 10, NotBilled),
        ("an earlier one of ours, dated by a wrong clock", [entry(OTHER, at=NOW + 8)], EARLIER, 10, Unknown()),
        ("an earlier one of ours, sent by a wrong clock", [entry(OTHER)], CLOCK_WAS_AHEAD, 10, Unknown()),
        ("absent, and somebody's is surely later", [entry(OTHER, at=SURELY)], {}, 100, NotBilled),
        ("absent, and somebody's is a little later", [entry(OTHER, at=SURELY - 1)], {}, 100, Unknown()),
        ("absent, and somebody's is yet to come", [entry(OTHER, at=NOW + 5 * 3600)], {}, 100, Unknown()),
        ("absent, and the history is silent", [], {}, 10, Unknown()),
        ("absent, and only an earlier one is known", [entry(OTHER, at=NOW - 2)], {}, 10, Unknown()),
        ("absent for five minutes", [], {}, 300, NotBilled),
    ],
)
def test_what_the_history_proves(
    sentence: str, history: list[Remembered], known: dict[str, tuple[int, float]], age_s: float, expected: object
) -> None:
    said = verdict(PLAIN, history, known=known, now=NOW + age_s, settle_after_s=300.0)
    assert isinstance(said, expected) if isinstance(expected, type) else said == expected, sentence


def test_a_failure_with_the_drawn_seed_is_proof_whatever_else_is_listed() -> None:
    history = [entry({"seed": 42}, status="FAILED", at=None), entry(None, id_="r2")]

    assert isinstance(verdict(SEEDED, history, known={}, now=NOW + 10, settle_after_s=300.0), NotBilled)


async def test_the_history_is_asked_only_when_a_sent_call_can_have_arrived(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "out")
    rig.plan("a")
    rig.provider.script.append("lost answer")
    await rig.work()
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    settled = await settle(
        rig.ledger, rig.provider, now=rig.now + 1, settle_after_s=300.0, say=lambda _text: None, nap=nap
    )
    assert naps == [4.0]
    assert settled.found == 1
    rig.abandon()


async def test_a_clock_that_was_set_back_does_not_make_anybody_wait_for_hours(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "out")
    rig.plan("a")
    rig.provider.script.append("lost answer")
    await rig.work()
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    await settle(rig.ledger, rig.provider, now=rig.now - 7200, settle_after_s=300.0, say=lambda _text: None, nap=nap)
    assert naps == [5.0]
    rig.abandon()


class Upstairs(FakeProvider):
    """Takes files, and has a storage beside it."""

    async def upload(self, data: bytes, content_type: str) -> str:
        return f"https://up.example/{len(data)}-{content_type}"


async def presign(url: str, *, expires_s: float) -> str:
    return f"https://shop.s3.example/{url.rpartition('/')[2]}?expires={expires_s}"


def plan_image(rig: Rig, image: str) -> None:
    task = rig.plan(image, endpoint="segmind-relighting-v2")
    text = encode({"image": image, "light_direction": "left"})
    body = fingerprint("segmind-relighting-v2", text)
    rig.ledger.run(
        lambda db: db.execute("UPDATE tasks SET params=?, fingerprint=? WHERE id=?", (text, body, task)).rowcount
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize(
    "image", ["s3://shop/chair.png", "data:image/png;base64," + base64.b64encode(picture(1)).decode()]
)
async def test_a_call_is_known_by_the_address_that_its_image_was_sent_as(
    tmp_path: Path, image: str, share: float
) -> None:
    """Even when the ledger lost the entry and the journal puts it back."""
    rig = Rig(tmp_path / "out", Upstairs(), presign=presign)
    plan_image(rig, image)
    rig.make_durable()
    rig.provider.script.append("lost answer")
    await rig.work()
    rig.lose_log(share)

    settled = await rig.settle_doubts()

    assert (settled.found, settled.left) == (1, 0)


async def test_nobody_takes_the_picture_of_another_folder_whose_call_differs_by_its_image_alone(tmp_path: Path) -> None:
    provider = Upstairs()
    lamps, chairs = (Rig(tmp_path / name, provider, presign=presign) for name in ("lamps", "chairs"))
    plan_image(lamps, "s3://shop/lamp.png")
    plan_image(chairs, "s3://shop/chair.png")
    await lamps.work()
    provider.script.append("lost request")
    await chairs.work()

    settled = await chairs.settle_doubts()

    assert (settled.found, settled.reopened) == (0, 1)


async def test_of_two_calls_of_one_run_the_first_is_known_as_lost_by_the_second(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "out")
    for prompt in "ab":
        rig.plan(prompt, endpoint="segmind-relighting-v2")
    rig.provider.script.append("lost request")
    await rig.work()

    settled = await settle(rig.ledger, rig.provider, now=rig.now + 9, settle_after_s=300.0, say=lambda _text: None)

    assert settled.reopened == 1
