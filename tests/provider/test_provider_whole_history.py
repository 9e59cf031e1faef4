"""A history that says of itself that it is not whole: what it does not list may have been paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.provider.promises import Promise, promise_of
from tests.provider.scripted import Script, http

if TYPE_CHECKING:
    from pipeline.provider.queue import QueueProvider

BOOK = "/inference-request/request-history"
SINCE, UNTIL = 1_790_000_000.0, 1_790_003_600.0  # 2026-09-21, 14:13 to 15:13 UTC


def row(number: int) -> dict[str, Any]:
    return {"request_id": f"r-{number}", "model_status": "COMPLETED", "model_created": "2026-09-21T14:30:00.000Z"}


ROWS = [row(1), row(2)]


@pytest.mark.parametrize(
    "page",
    [
        {"data": ROWS, "has_more": True},
        {"data": ROWS, "total": 4},
        {"data": ROWS, "total": "4"},
        {"data": ROWS, "total_pages": 2},
        {"data": ROWS, "meta": {"next_cursor": "abc"}},
        {"data": {"items": ROWS, "hasNext": "true"}},
        {"data": [], "total": 1},
        {"data": [], "next": "/inference-request/request-history?page=2"},
        {"data": None},
        {"data": {"items": None}},
    ],
)
async def test_a_history_that_ends_before_it_says_is_not_read(
    server: Script, queue: QueueProvider, page: dict[str, Any]
) -> None:
    server.at(BOOK, http(200, page))

    with pytest.raises(CallError) as caught:
        await queue.history("ic-light", SINCE, UNTIL)

    assert caught.value.error_class is ErrorClass.BAD_OUTPUT


@pytest.mark.parametrize("status", [201, 202, 203, 206])
async def test_only_200_is_a_history(server: Script, queue: QueueProvider, status: int) -> None:
    answer = http(status, {"message": "temporarily unavailable", "data": []})
    server.at(BOOK, answer)
    server.at(f"{BOOK}/r-1", answer)

    for asked in (queue.history("ic-light", SINCE, UNTIL), queue.remembered("r-1")):
        with pytest.raises(CallError) as caught:
            await asked
        assert caught.value.error_class is ErrorClass.BAD_OUTPUT


async def test_a_history_that_keeps_its_word_is_read(server: Script, queue: QueueProvider) -> None:
    sizes = {"total": 3, "total_pages": 2}
    server.at(
        BOOK,
        http(200, {"data": ROWS, **sizes, "has_more": True, "next_page": 2}),
        http(200, {"data": [row(3)], **sizes, "has_more": False, "next_page": None}),
        http(200, {"data": [], **sizes, "has_more": False}),
    )

    assert len(await queue.history("ic-light", SINCE, UNTIL)) == 3


async def test_a_call_that_comes_while_the_history_is_read_is_not_missing(server: Script, queue: QueueProvider) -> None:
    server.at(BOOK, http(200, {"data": ROWS, "total": 2}), http(200, {"data": [row(2)], "total": 3}))

    assert len(await queue.history("ic-light", SINCE, UNTIL)) == 2


@pytest.mark.parametrize(
    ("page", "promise"),
    [
        ([row(1)], Promise()),
        ({"data": [], "total": True, "pages": None, "next": ""}, Promise()),
        ({"data": [], "count": 7, "pagination": {"pages": 2, "has_more": "false"}}, Promise(7, 2)),
        ({"data": [], "_links": {"next": {"href": "/2"}}}, Promise(more=True)),
    ],
)
def test_what_a_page_promises_is_read_in_every_shape(page: Any, promise: Promise) -> None:
    assert promise_of(page) == promise
