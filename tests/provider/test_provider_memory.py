"""The balance and the request history, in every shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import CallError, ErrorClass
from pipeline.provider.records import merged, read_body, records_in
from pipeline.task import Picture
from tests.provider.scripted import Script, http

if TYPE_CHECKING:
    from pipeline.provider.queue import QueueProvider

CREDITS = "/v1/get-user-credits"
BOOK = "/inference-request/request-history"
SINCE, UNTIL = 1_790_000_000.0, 1_790_003_600.0  # 2026-09-21, 14:13 to 15:13 UTC


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "request_id": f"r-{number}",
        "model_name": "ic-light",
        "model_status": "COMPLETED",
        "credits_deduction": 0.037,
        "request_body": {"seed": number},
        "generation_url": f"https://images.segmind.com/{number}.png",
        "model_created": "2026-09-21T14:30:00.000Z",
        **fields,
    }


@pytest.mark.parametrize(
    ("answer", "nano"),
    [
        ({"credits": 0.0, "free-credits": 0.0184921035}, 18_492_104),
        ({"credits": 12.5, "free-credits": 0.5}, 13_000_000_000),
        ({"credits": "3"}, 3_000_000_000),
        ({"data": {"credits": 1, "free_credits": 2}}, 3_000_000_000),
        ({"free-credits": 1}, 1_000_000_000),
    ],
)
async def test_the_balance_is_paid_and_given_credits(
    server: Script, queue: QueueProvider, answer: dict[str, Any], nano: int
) -> None:
    server.at(CREDITS, http(503), http(200, answer))

    assert await queue.balance() == nano


async def test_an_account_that_never_had_credits_has_none(server: Script, queue: QueueProvider) -> None:
    server.at(CREDITS, http(404, {"error": "No credits found for the user"}))

    assert await queue.balance() == 0


@pytest.mark.parametrize(
    ("status", "expected"), [(401, ErrorClass.BAD_KEY), (404, ErrorClass.NOT_FOUND), (200, ErrorClass.BAD_OUTPUT)]
)
async def test_a_balance_that_cannot_be_had_is_told(
    server: Script, queue: QueueProvider, status: int, expected: ErrorClass
) -> None:
    server.at(CREDITS, http(status, "<html>what?</html>"))

    with pytest.raises(CallError) as caught:
        await queue.balance()

    assert caught.value.error_class is expected


async def test_every_page_is_read_and_every_request_comes_once(server: Script, queue: QueueProvider) -> None:
    several = row(2, generation_url="https://images.segmind.com/2b.png")
    server.at(
        BOOK, http(200, {"data": [row(1), row(2)]}), http(200, {"data": [several, row(3)]}), http(200, {"data": []})
    )

    found = await queue.history("ic-light", SINCE, UNTIL)

    assert [entry.request_id for entry in found] == ["r-1", "r-2", "r-3"]
    assert found[1].billed_nano == 37_000_000
    assert [picture.url for picture in found[1].pictures] == [
        "https://images.segmind.com/2.png",
        "https://images.segmind.com/2b.png",
    ]
    asked = [parse_qs(urlsplit(request.path).query) for request in server.asked]
    assert [query["page"] for query in asked] == [["1"], ["2"], ["3"]]
    assert asked[0]["per_page"] == ["100"]
    assert asked[0]["model_name"] == ["ic-light"]
    assert (asked[0]["from_date"], asked[0]["to_date"]) == (["2026-09-20"], ["2026-09-22"])


async def test_a_server_that_ignores_the_page_does_not_keep_us(server: Script, queue: QueueProvider) -> None:
    server.at(BOOK, http(200, {"data": [row(1)]}))

    assert len(await queue.history("ic-light", SINCE, UNTIL)) == 1
    assert len(server.asked) == 2


async def test_reading_stops_where_everything_older_follows(server: Script, queue: QueueProvider) -> None:
    pages = [[row(9)], [row(8, model_created="2026-09-21T09:00:00Z")], [row(7, model_created="2026-09-21T08:00:00Z")]]
    server.at(BOOK, *[http(200, {"data": page}) for page in pages])

    found = await queue.history("ic-light", SINCE, UNTIL)

    assert [entry.request_id for entry in found] == ["r-9"]
    assert len(server.asked) == 2


@pytest.mark.parametrize("old", ["2026-09-21 09:00:00", None, "yesterday"])
async def test_times_that_are_not_certain_leave_nothing_out(server: Script, queue: QueueProvider, old: Any) -> None:
    pages = [[row(9)], [row(8, model_created=old)], []]
    server.at(BOOK, *[http(200, {"data": page}) for page in pages])

    found = await queue.history("ic-light", SINCE, UNTIL)

    assert [entry.request_id for entry in found] == ["r-9", "r-8"]


@pytest.mark.parametrize("numbers", [[1], [1, 2], [2, 3, 1]])
async def test_a_history_that_is_not_newest_first_is_read_to_its_end(
    server: Script, queue: QueueProvider, numbers: list[int]
) -> None:
    # The first page is older than the window, but that does not say that the second is older still.
    pages = [[row(n, model_created=f"2026-09-21T0{n}:00:00Z") for n in numbers], [row(9)], []]
    server.at(BOOK, *[http(200, {"data": page}) for page in pages])

    found = await queue.history("ic-light", SINCE, UNTIL)

    assert [entry.request_id for entry in found] == ["r-9"]


async def test_a_long_window_is_asked_for_in_parts(server: Script, queue: QueueProvider) -> None:
    server.at(BOOK, http(200, {"data": []}))

    await queue.history("ic-light", UNTIL - 60 * 86_400, UNTIL)

    windows = [parse_qs(urlsplit(request.path).query) for request in server.asked]
    assert [(query["from_date"][0], query["to_date"][0]) for query in windows] == [
        ("2026-07-22", "2026-08-21"),
        ("2026-08-22", "2026-09-21"),
        ("2026-09-22", "2026-09-22"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        "<html>login</html>",
        "{}",
        '{"message": "ok"}',
        '{"data": [{"model_name": "ic-light"}]}',
        '{"data": null, "error": "internal"}',
        '{"data": [], "error": "search unavailable"}',
        '{"data": {"items": [], "errors": ["one shard of five"]}}',
        '{"data": [], "success": false}',
        '{"data": [], "status": "error"}',
        '{"data": [], "status": 503}',
        '{"request_id": "trace-1", "error": "internal"}',
        '{"data": ["{"request_id": "r-1"}"]}',
        "[null]",
    ],
)
async def test_a_history_that_cannot_be_read_is_no_empty_history(
    server: Script, queue: QueueProvider, body: str
) -> None:
    server.at(BOOK, http(200, body))

    with pytest.raises(CallError) as caught:
        await queue.history("ic-light", SINCE, UNTIL)

    assert caught.value.error_class is ErrorClass.BAD_OUTPUT


async def test_a_page_that_fails_fails_the_history(server: Script, queue: QueueProvider) -> None:
    server.at(BOOK, http(200, {"data": [row(1)]}), http(502))

    with pytest.raises(CallError) as caught:
        await queue.history("ic-light", SINCE, UNTIL)

    assert caught.value.error_class is ErrorClass.GATEWAY


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"data": None, "total": 0},
        {"data": [], "total_pages": 1, "next": None},
        {"data": [], "error": None, "success": True, "status": "success"},
        [],
    ],
)
async def test_an_empty_history_is_one(server: Script, queue: QueueProvider, answer: Any) -> None:
    server.at(BOOK, http(200, answer))

    assert await queue.history("ic-light", SINCE, UNTIL) == []


@pytest.mark.parametrize("shape", [lambda it: it, lambda it: {"data": it}, lambda it: {"data": [it]}, lambda it: [it]])
async def test_one_request_is_remembered_in_every_shape(server: Script, queue: QueueProvider, shape: Any) -> None:
    server.at(f"{BOOK}/r-1", http(200, shape(row(1))))

    entry = await queue.remembered("r-1")

    assert entry is not None
    assert (entry.request_id, entry.endpoint, entry.status) == ("r-1", "ic-light", "COMPLETED")
    assert entry.pictures == (Picture(url="https://images.segmind.com/1.png"),)
    assert entry.created_at == 1_790_001_000.0


@pytest.mark.parametrize("answer", [http(404, {"error": "no"}), http(200, {"data": []}), http(200, {"data": None})])
async def test_one_request_may_be_unknown(server: Script, queue: QueueProvider, answer: Any) -> None:
    server.at(f"{BOOK}/r-1", answer)

    assert await queue.remembered("r-1") is None


async def test_somebody_elses_request_is_not_ours(server: Script, queue: QueueProvider) -> None:
    server.at(f"{BOOK}/r-1", http(200, {"data": [row(2)]}))

    assert await queue.remembered("r-1") is None


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ({"prompt": "fox"}, {"prompt": "fox"}),
        ('{"prompt": "fox", "base64": false}', {"prompt": "fox", "base64": False}),
        ("{'prompt': 'fox', 'base64': False, 'x': None}", {"prompt": "fox", "base64": False, "x": None}),
        ({"input": {"prompt": "fox"}, "webhook": None}, {"prompt": "fox"}),
        ("{\"input\": \"{'prompt': 'fox'}\"}", {"prompt": "fox"}),
        ({"input": "fox"}, {"input": "fox"}),
        ("{'prompt': 'it''s", "{'prompt': 'it''s"),
        ("fox", "fox"),
        ("{" * 5000, "{" * 5000),
        (None, None),
    ],
)
def test_what_was_sent_is_read_from_json_and_from_python(kept: Any, read: Any) -> None:
    assert read_body(kept) == read


def test_a_very_long_body_stays_text() -> None:
    text = "{'image': '" + "a" * 200_000 + "'}"

    assert read_body(text) == text


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("completed", "COMPLETED"),
        ("Success", "COMPLETED"),
        (200, "COMPLETED"),
        ("FAILED", "FAILED"),
        (500, "FAILED"),
        ("PENDING", "PENDING"),
        ("QUEUED", "PENDING"),
        (None, "PENDING"),
    ],
)
def test_every_status_becomes_one_of_three(status: Any, word: str) -> None:
    records = records_in([row(1, model_status=status)])

    assert records is not None
    assert records[0].entry.status == word


@pytest.mark.parametrize(
    "fields",
    [
        {"model_created": None, "created_at": "2026-09-21T14:30:00+00:00"},
        {"model_created": None, "timestamp": 1_790_001_000},
        {"model_created": None, "createdAt": 1_790_001_000_000},
        {"model_created": "Mon, 21 Sep 2026 14:30:00 GMT"},
    ],
)
def test_the_time_is_found_under_every_name(fields: dict[str, Any]) -> None:
    records = records_in([row(1, **fields)])

    assert records is not None
    assert records[0].entry.created_at == 1_790_001_000.0


@pytest.mark.parametrize("urls", [["https://x/1.png", "https://x/2.png"], '["https://x/1.png", "https://x/2.png"]'])
def test_outputs_may_be_a_list(urls: Any) -> None:
    records = records_in([row(1, generation_url=urls)])

    assert records is not None
    assert [picture.url for picture in records[0].entry.pictures] == ["https://x/1.png", "https://x/2.png"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*row(1), "data", "id", "status", "cost", "error"]), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_history_is_too_odd_to_be_read(document: Any) -> None:
    records = records_in(document)

    assert records is None or all(record.entry.request_id for record in merged(records, "ic-light"))
