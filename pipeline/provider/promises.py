"""What a page of the history says of its size and of the pages after it.

Pure.  Knows no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.provider.records import ROWS

TOTALS = ("total", "total_count", "totalCount", "total_items", "totalItems", "total_records", "count")
PAGES = ("total_pages", "totalPages", "page_count", "pageCount", "last_page", "pages")
MORE = ("has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage", "more")
NEXT = ("next", "next_page", "nextPage", "next_cursor", "nextCursor", "next_url", "next_token", "next_page_token")
AROUND = ("meta", "metadata", "pagination", "paging", "page_info", "pageInfo", "links", "_links", *ROWS)
"""Objects of an answer in which that may stand."""


@dataclass(frozen=True, slots=True)
class Promise:
    """So many rows over all pages, so many pages, and whether others follow this one.  None: it does not say."""

    rows: int | None = None
    pages: int | None = None
    more: bool = False

    def kept(self, *, rows: int, pages: int) -> bool:
        """Whether *rows* on *pages* with rows are all that there is."""
        return (self.rows or 0) <= rows and (self.pages or 0) <= max(1, pages)


def promise_of(document: Any) -> Promise:
    """Give what *document*, one page, promises."""
    if not isinstance(document, dict):
        return Promise()
    told = [document, *(inner for name in AROUND if isinstance(inner := document.get(name), dict))]
    more = any(_is_true(each.get(name)) for each in told for name in MORE)
    follows = any(each.get(name) for each in told for name in NEXT)
    return Promise(_most(told, TOTALS), _most(told, PAGES), more=more or follows)


def _is_true(value: Any) -> bool:
    return value.strip().lower() in {"true", "1", "yes"} if isinstance(value, str) else bool(value)


def _most(told: list[dict[str, Any]], names: tuple[str, ...]) -> int | None:
    counts = (_count(each.get(name)) for each in told for name in names)
    return max((count for count in counts if count is not None), default=None)


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value.strip()[:18])
    return value if isinstance(value, int) and not isinstance(value, bool) else None
