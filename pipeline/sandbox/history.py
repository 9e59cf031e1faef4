"""The provider's request history: which jobs a query asks for, in which order, on which page.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.sandbox.job import COMPLETED, Job, Output
from pipeline.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PER_PAGE = 20
MAX_PER_PAGE = 100
DEFAULT_DAYS = 7
MAX_DAYS = 31
STATUSES = ("COMPLETED", "FAILED", "PENDING")
SORTS = ("model_created", "model_name", "credits_deduction")
ORDERS = ("desc", "asc")


Line = tuple[Job, Output | None]
"""One line of the history: a job and one of its outputs (None: it has none)."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a history call asks for."""

    page: int
    per_page: int
    since: float
    until: float
    """Unix times; *until* is the end of the last day."""
    model_name: str
    status: str
    sort_by: str
    descending: bool


def parse(asked: Mapping[str, str], now: float) -> Query:
    """The query string *asked* at unix time *now*; raises Refusal (400) for what the provider refuses."""
    today = datetime.fromtimestamp(now, UTC).date()
    last_day = _day(asked, "to_date", today)
    first_day = _day(asked, "from_date", last_day - timedelta(days=DEFAULT_DAYS))
    if first_day > last_day:
        raise Refusal(400, "from_date must not be after to_date")
    if (last_day - first_day).days > MAX_DAYS:
        raise Refusal(400, f"The date window may span at most {MAX_DAYS} days")
    return Query(
        page=_count(asked, "page", 1, None),
        per_page=_count(asked, "per_page", PER_PAGE, MAX_PER_PAGE),
        since=_midnight(first_day),
        until=_midnight(last_day + timedelta(days=1)),
        model_name=asked.get("model_name", ""),
        status=_word(asked, "status", STATUSES, ""),
        sort_by=_word(asked, "sort_by", SORTS, SORTS[0]),
        descending=_word(asked, "sort_order", ORDERS, ORDERS[0]) == "desc",
    )


def page_of(jobs: Iterable[Job], query: Query) -> tuple[list[Line], int]:
    """The lines of the page that *query* asks for, and how many lines there are; *jobs* come oldest first."""
    found = [job for job in jobs if _wanted(job, query)]
    if query.descending:
        found.reverse()
    if query.sort_by != SORTS[0]:
        found.sort(key=lambda job: _sort_value(job, query.sort_by), reverse=query.descending)
    lines: list[Line] = [(job, output) for job in found for output in job.outputs or (None,)]
    start = (query.page - 1) * query.per_page
    return lines[start : start + query.per_page], len(lines)


def envelope(rows: list[dict[str, Any]], total: int, query: Query) -> dict[str, Any]:
    """*rows* of one page in the provider's envelope."""
    pages = -(-total // query.per_page)
    return {"data": rows, "page": query.page, "per_page": query.per_page, "total": total, "total_pages": pages}


def _wanted(job: Job, query: Query) -> bool:
    return (
        query.since <= job.accepted_at < query.until
        and query.model_name in job.endpoint
        and query.status in {"", job.status if job.over else "PENDING"}
    )


def _sort_value(job: Job, by: str) -> Any:
    if by == "model_name":
        return job.endpoint
    return job.cost_nano if job.status == COMPLETED else 0


def _day(asked: Mapping[str, str], name: str, default: date) -> date:
    if not asked.get(name):
        return default
    try:
        return date.fromisoformat(asked[name])
    except ValueError as error:
        raise Refusal(400, f"{name} must be YYYY-MM-DD, not {asked[name]!r}") from error


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _count(asked: Mapping[str, str], name: str, default: int, top: int | None) -> int:
    text = asked.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < 1 or (top is not None and int(text) > top):
        raise Refusal(400, f"{name} must be a whole number from 1{f' to {top}' if top else ' up'}, not {text!r}")
    return int(text)


def _word(asked: Mapping[str, str], name: str, words: tuple[str, ...], default: str) -> str:
    word = asked.get(name) or default
    if word != default and word not in words:
        raise Refusal(400, f"{name} must be one of {', '.join(words)}, not {word!r}")
    return word
