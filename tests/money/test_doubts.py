"""Tasks in doubt: what the provider's history proves, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.doubts import CLOCKS_DIFFER_S, Doubtful, Found, NotBilled, Unknown, recognise, settle, verdict
from pipeline.task import Remembered
from tests.money.rig import NOW, Rig

if TYPE_CHECKING:
    from pathlib import Path

SEEDED = Doubtful(1, 1, "ic-light", {"prompt": "dusk", "subject_image": "https://shop.example/1.jpg"}, 42, NOW)
PLAIN = Doubtful(
    2, 2, "segmind-relighting-v2", {"image": "https://shop.example/1.jpg", "light_direction": "left"}, None, NOW
)
UPLOADED = Doubtful(3, 3, "segmind-relighting-v2", {"image": "photos/1.jpg", "light_direction": "left"}, None, NOW)


def entry(body: object, *, at: float | None = NOW + 1, status: str = "COMPLETED", id_: str = "r1") -> Remembered:
    endpoint = "ic-light" if isinstance(body, dict) and "seed" in body else ""
    return Remembered(id_, endpoint, status, body, None, (), at)


@pytest.mark.parametrize(
    ("sentence", "doubtful", "remembered", "is_ours"),
    [
        ("the drawn seed is proof, whatever the time", SEEDED, entry({"seed": 42}, at=0.0), True),
        ("a seed may come back as text", SEEDED, entry({"seed": "42"}), True),
        ("another seed is another call", SEEDED, entry({"seed": 43, **SEEDED.params}), False),
        ("without a seed every parameter counts", PLAIN, entry(dict(PLAIN.params)), True),
        ("another parameter is another call", PLAIN, entry({**PLAIN.params, "light_direction": "right"}), False),
        ("another image is another call", PLAIN, entry({**PLAIN.params, "image": "https://x.example/"}), False),
        ("a file was sent as an uploaded address", UPLOADED, entry({**UPLOADED.params, "image": "https://up/"}), True),
        ("more parameters than ours are defaults", PLAIN, entry({**PLAIN.params, "quality": "high"}), True),
        ("a clock in another time zone", PLAIN, entry(dict(PLAIN.params), at=NOW + CLOCKS_DIFFER_S - 1), True),
        ("last week's call", PLAIN, entry(dict(PLAIN.params), at=NOW - 7 * 86_400), False),
        ("no time is no proof against it", PLAIN, entry(dict(PLAIN.params), at=None), True),
        ("a body that could not be read", PLAIN, entry("{'image': ..."), False),
    ],
)
def test_how_a_call_is_recognised(sentence: str, doubtful: Doubtful, remembered: Remembered, *, is_ours: bool) -> None:
    assert recognise(doubtful, remembered) is is_ours, sentence


OURS = dict(PLAIN.params)
OTHER = {"image": "https://shop.example/other.jpg"}


@pytest.mark.parametrize(
    ("sentence", "history", "known", "age_s", "expected"),
    [
        ("finished there: fetched", [entry(OURS)], set(), 10, Found("r1")),
        ("under way there: its end is awaited", [entry(OURS, status="PENDING")], set(), 10, Found("r1")),
        ("failed there: open again", [entry(OURS, status="FAILED")], set(), 10, NotBilled),
        (
            "failed once and made once: never 'not billed'",
            [entry(OURS, status="FAILED", id_="r1"), entry(OURS, at=NOW + 50, id_="r2")],
            set(),
            100,
            Found("r2"),
        ),
        ("the call of another attempt is not ours", [entry(OURS)], {"r1"}, 10, NotBilled),
        ("the nearest of several", [entry(OURS, at=NOW - 99), entry(OURS, id_="r2")], set(), 10, Found("r2")),
        ("absent, and the history knows a later one", [entry(OTHER, at=NOW + 2)], set(), 10, NotBilled),
        ("absent, and the history is silent", [], set(), 10, Unknown()),
        ("absent, and only an earlier one is known", [entry(OTHER, at=NOW - 2)], set(), 10, Unknown()),
        ("absent for five minutes", [], set(), 300, NotBilled),
    ],
)
def test_what_the_history_proves(
    sentence: str, history: list[Remembered], known: set[str], age_s: float, expected: object
) -> None:
    said = verdict(PLAIN, history, known=known, now=NOW + age_s, settle_after_s=300.0)
    assert isinstance(said, expected) if isinstance(expected, type) else said == expected, sentence


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
