"""What the provider itself remembers: the balance, and every request of the last weeks.

The history is the only way to learn whether a call without an answer was billed, so it errs on one side: it may list
requests outside the window, but it never leaves out one inside it.  A history that cannot be read to its end raises.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from pipeline import endpoints
from pipeline.errors import CallError, ErrorClass
from pipeline.provider.charges import amount
from pipeline.provider.promises import Promise, promise_of
from pipeline.provider.records import Record, is_list, merged, records_in
from pipeline.provider.wording import parsed, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.provider.free import FreeRequests
    from pipeline.provider.wire import Reply
    from pipeline.task import Remembered

PAGE_ROWS = 100
"""The most that the provider gives per page."""

WINDOW_DAYS = 31
"""The longest window that the provider accepts."""

PAGES_MOST = 20_000

MARGIN = timedelta(days=1)
"""Days are asked for in a time zone that nobody documents: one more on each side."""

SLACK_S = 3_600.0
"""The provider's clock may differ from ours by this much before a request is taken as outside the window."""

ZONELESS_SLACK_S = 86_400.0
"""The same for a time without a zone."""

PAID = ("credits", "credit", "balance", "remaining_credits")
GIVEN = ("free-credits", "free_credits", "freeCredits")


class Memory:
    """The provider's books about us."""

    def __init__(self, free: FreeRequests) -> None:
        self._free = free

    async def balance(self) -> int:
        """Give what can be spent, paid and given credits together, in nano-dollars."""
        try:
            reply = await self._free.get(self._free.hosts.credits)
        except CallError as error:
            # An account that never had credits has no record of them.
            if error.error_class is ErrorClass.NOT_FOUND and "credit" in str(error).lower():
                return 0
            raise
        parts = _balances(parsed(self._free.wire.text(reply)))
        if not parts:
            raise self._unreadable(reply, "the balance")
        return sum(parts)

    async def history(self, endpoint: str, since: float, until: float) -> list[Remembered]:
        """Give at least the requests to *endpoint* between two Unix times, one entry per request."""
        found: list[Record] = []
        for first, last in _windows(since, until):
            found += await self._window(endpoint, first, last, since)
        return [entry for record in merged(found, endpoint) if (entry := _inside(record, since, until))]

    async def remembered(self, request_id: str) -> Remembered | None:
        """Give what is remembered of one request; None when nothing is."""
        try:
            reply = await self._free.get(f"{self._free.hosts.requests}/{quote(request_id, safe='')}")
        except CallError as error:
            if error.error_class is ErrorClass.NOT_FOUND:
                return None
            raise
        records = records_in(parsed(self._free.wire.text(reply)))
        if records is None or reply.status != HTTPStatus.OK:
            raise self._unreadable(reply, "the request history")
        mine = [record for record in records if record.entry.request_id in {request_id, ""}]
        entry = next((record.entry for record in merged(mine, "", request_id)), None)
        return await self._completed(entry) if entry else None

    async def _completed(self, entry: Remembered) -> Remembered:
        """Add the further outputs of *entry*: asked for alone, a request may be told by its first row only."""
        if entry.created_at is None or not 0 < len(entry.pictures) < _images_made(entry):
            return entry
        others = await self.history(entry.endpoint, entry.created_at, entry.created_at)
        return next((other for other in others if other.request_id == entry.request_id), entry)

    async def _window(self, endpoint: str, first: date, last: date, since: float) -> list[Record]:
        found: list[Record] = []
        seen: set[Any] = set()
        order = _Order()
        whole = Promise()
        for page in range(1, PAGES_MOST + 1):
            records, told = await self._page(endpoint, first, last, page)
            whole = told if page == 1 else whole  # what came while we read is not missing
            new = [record for record in records if record.mark not in seen]
            # A short page is no end: the provider may allow fewer rows than we asked for.  One without news is.
            if not new:
                if told.more or not whole.kept(rows=len(found), pages=page - 1):
                    raise CallError(f"the request history of {endpoint} is not whole", ErrorClass.BAD_OUTPUT)
                return found
            seen.update(record.mark for record in new)
            found += new
            order.add(new)
            if order.newest_first and all(_before(record, since) for record in records):
                return found
        raise CallError(f"the request history of {endpoint} has no end", ErrorClass.BAD_OUTPUT)

    async def _page(self, endpoint: str, first: date, last: date, page: int) -> tuple[list[Record], Promise]:
        asked = {
            "page": page,
            "per_page": PAGE_ROWS,
            "from_date": first.isoformat(),
            "to_date": last.isoformat(),
            "model_name": endpoint,
            "sort_by": "model_created",
            "sort_order": "desc",
        }
        reply = await self._free.get(f"{self._free.hosts.requests}?{urlencode(asked)}")
        document = parsed(self._free.wire.text(reply))
        records, told = records_in(document), promise_of(document)
        if (
            records is None
            or not all(record.entry.request_id for record in records)
            or not (records or told.rows == 0 or is_list(document))
            or reply.status != HTTPStatus.OK  # 206 is a part, 202 comes later
        ):
            raise self._unreadable(reply, "the request history")
        return records, told

    def _unreadable(self, reply: Reply, what: str) -> CallError:
        return CallError(
            f"{what} cannot be read from the provider's answer",
            ErrorClass.BAD_OUTPUT,
            http_status=reply.status,
            body_start=start_of(self._free.wire.text(reply)),
        )


def _images_made(entry: Remembered) -> int:
    endpoint = endpoints.every().get(entry.endpoint)
    if endpoint is None or endpoint.images_by is None or not isinstance(entry.body, dict):
        return 1
    asked = entry.body.get(endpoint.images_by)
    return asked if isinstance(asked, int) else 1


def _balances(document: Any) -> list[int]:
    if isinstance(document, dict) and isinstance(document.get("data"), dict):
        document = document["data"]
    if not isinstance(document, dict):
        return []
    said = ((amount(document[name]) for name in names if name in document) for names in (PAID, GIVEN))
    return [found for values in said if (found := next(values, None)) is not None]


def _windows(since: float, until: float) -> Iterator[tuple[date, date]]:
    first = (datetime.fromtimestamp(since, UTC) - MARGIN).date()
    end = (datetime.fromtimestamp(max(since, until), UTC) + MARGIN).date()
    while first <= end:
        last = min(end, first + timedelta(days=WINDOW_DAYS - 1))
        yield first, last
        first = last + timedelta(days=1)


def _slack_s(record: Record) -> float:
    return SLACK_S if record.zoned else ZONELESS_SLACK_S


def _inside(record: Record, since: float, until: float) -> Remembered | None:
    at = record.entry.created_at
    if at is not None and not since - _slack_s(record) <= at <= until + _slack_s(record):
        return None
    return record.entry


def _before(record: Record, since: float) -> bool:
    at = record.entry.created_at
    return at is not None and at + _slack_s(record) < since


class _Order:
    """Tells whether the rows so far are plainly newest first: then all that follows is older still."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = math.inf
        self._sorted = True

    @property
    def newest_first(self) -> bool:
        return self._sorted and self._first is not None and self._first > self._last

    def add(self, records: list[Record]) -> None:
        for record in records:
            at = record.entry.created_at
            if at is None or at > self._last:
                self._sorted = False
                return
            self._first = at if self._first is None else self._first
            self._last = at
