"""Images on their way to the provider: slow drives, and several tasks that wait for one upload."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.ledger import Ledger
from pipeline.ledger.uploads import blamed
from pipeline.staging import Staging
from tests.money.rig import FakeProvider, picture
from tests.run.conftest import MOOD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.run.conftest import Open

RELIGHT = "segmind-relighting-v2"
URL = "https://provider.example/1.png"


class Uploads(FakeProvider):
    """Takes uploads; never answers the first ``silent`` of them."""

    silent = 0

    async def upload(self, data: bytes, content_type: str) -> str:
        assert data
        assert content_type == "image/png"
        if self.silent:
            self.silent -= 1
            await asyncio.Event().wait()
        return URL


class Asked(Ledger):
    """A ledger that tells when one and when two have asked it whether an image was uploaded before."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = 0
        self.once = asyncio.Event()
        self.twice = asyncio.Event()

    async def upload(self, sha256: str, not_before: float) -> str | None:
        found = await super().upload(sha256, not_before)
        self.asked += 1
        (self.once if self.asked == 1 else self.twice).set()
        return found


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Asked]:
    ledger = Asked(tmp_path / "out")
    yield ledger
    ledger.close()


@pytest.fixture
def photo(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "photo.png"
    path.write_bytes(picture(1))
    return {"image": str(path)}


def staging(ledger: Ledger, provider: FakeProvider, **settings: Any) -> Staging:
    return Staging(ledger, provider, clock=lambda: 0.0, **settings)  # type: ignore[arg-type]  # its name is a field


async def test_who_waits_for_an_upload_that_is_given_up_is_told_so(ledger: Asked, photo: dict[str, Any]) -> None:
    provider = Uploads()
    provider.silent = 1
    stage = staging(ledger, provider)
    first = asyncio.create_task(stage.body(RELIGHT, photo))
    await ledger.once.wait()  # so that it is the first that uploads
    second = asyncio.create_task(stage.body(RELIGHT, photo))
    await ledger.twice.wait()

    first.cancel()
    cancelled, waiting = await asyncio.gather(first, second, return_exceptions=True)

    assert isinstance(cancelled, asyncio.CancelledError)
    assert isinstance(waiting, CallError)
    assert (waiting.error_class, waiting.sent) == (ErrorClass.TIMEOUT, False)
    assert await stage.body(RELIGHT, photo) == {"image": URL}


async def test_a_dead_drive_takes_no_thread_that_others_need(ledger: Asked, photo: dict[str, Any]) -> None:
    answers = threading.Event()
    stage = staging(ledger, Uploads(), longest_s=0.01, read=lambda *_path, **_limits: answers.wait())
    count = 2 * ((os.cpu_count() or 1) + 4)

    ended = await asyncio.gather(*(stage.body(RELIGHT, photo) for _ in range(count)), return_exceptions=True)

    assert {(type(each), getattr(each, "error_class", None)) for each in ended} == {(CallError, ErrorClass.TIMEOUT)}
    assert await asyncio.to_thread(lambda: "still here") == "still here"
    answers.set()


ONE, OTHER = "https://assets.example/u/1a2b3c.jpg", "https://assets.example/u/4d%205e.png?v=1"


@pytest.mark.parametrize(
    ("error_class", "text", "is_blamed"),
    [
        (ErrorClass.INFERENCE_FAILED, f"Invalid input image: image: {ONE} answered 404", True),
        (ErrorClass.BAD_REQUEST, "HTTP 400: no such file: 1a2b3c.jpg", True),
        (ErrorClass.BAD_REQUEST, "HTTP 400: https://assets.example/u/4d 5e.png is no image", True),
        (ErrorClass.REJECTED, "HTTP 406: Failed to download image", True),
        (ErrorClass.INFERENCE_FAILED, "the endpoint ran and failed: could not fetch the URL", True),
        (ErrorClass.INFERENCE_FAILED, "the endpoint ran and failed: CUDA out of memory", False),
        (ErrorClass.REJECTED, "HTTP 406: the image violates our content policy", False),
        (ErrorClass.GATEWAY, f"HTTP 502: {ONE} could not be fetched", False),
        (ErrorClass.LOST, f"the output made of {ONE} is not there any more", False),
    ],
)
def test_an_upload_is_blamed_where_the_error_names_it_or_an_image_that_could_not_be_had(
    error_class: ErrorClass, text: str, *, is_blamed: bool
) -> None:
    assert blamed(error_class, text, [ONE, OTHER]) is is_blamed


@pytest.mark.parametrize(
    ("rule", "error_class"),
    [
        ({"match": {"kind": "submit"}, "status": 400, "body": {"error": "cannot access image"}}, "bad_request"),
        (
            {"match": {"kind": "status"}, "status": 200, "body": {"status": "FAILED", "error": "no such image: 404"}},
            "inference_failed",
        ),
    ],
    ids=["refused", "failed"],
)
async def test_an_upload_that_the_provider_has_forgotten_is_uploaded_anew_by_the_next_try(
    open_shop: Open, photo: dict[str, Any], rule: dict[str, Any], error_class: str
) -> None:
    shop = await open_shop({**rule, "fault": "status", "times": 1})
    rows = [{"sku": "A", "title": "A", "image_url": photo["image"]}]

    await shop.run(rows, MOOD)
    refused = shop.results()[0]["error_class"]
    again = await shop.run([{**rows[0], "title": "B"}], MOOD)

    assert (refused, again["tasks"]["done"], shop.asked("upload")) == (error_class, 1, 2)
    await shop.run([{**rows[0], "title": "C"}], MOOD)
    assert shop.asked("upload") == 2, "the new one is kept"
