"""Reading the provider's request history: its rows, under several names and formats, into Remembered.

Pure.  Knows no page and no window.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.provider.charges import amount, identity
from pipeline.provider.moments import moment
from pipeline.provider.pictures import pictures_named
from pipeline.provider.results import BROKEN, DONE
from pipeline.provider.wording import parsed, words_of
from pipeline.task import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable

IDS = ("request_id", "requestId", "id")
STATUSES = ("model_status", "status", "state")
COSTS = ("credits_deduction", "cost", "credits")
BODIES = ("request_body", "request", "input", "inputs")
OUTPUTS = ("generation_url", "generation_urls", "output", "outputs", "images")
TIMES = ("model_created", "created_at", "createdAt", "created", "timestamp", "request_time", "start_time", "date")
ROWS = ("data", "requests", "results", "items", "history", "generations")
WRAPPERS = (*BODIES, "params", "parameters", "body", "payload")
"""Names under which a body may stand inside another object.  No parameter is an object."""
OWN = ("model_status", "model_name", "request_body", "generation_url")
"""What only a request has, not an answer about its own error."""

LITERAL_MOST = 100_000
"""Characters of a body that are read as a Python literal; longer ones stay text."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the history; ``zoned`` tells whether its time named a zone."""

    entry: Remembered
    zoned: bool

    @property
    def mark(self) -> tuple[Any, ...]:
        """What makes the row differ from others: a request with several outputs has several rows."""
        return (self.entry.request_id, self.entry.pictures, self.entry.created_at, self.entry.status)


def records_in(document: Any) -> list[Record] | None:
    """Give the rows of one page, or of one request; None when *document* is no history, or an error instead of one."""
    rows = _rows(document)
    if rows is None or not all(isinstance(row, dict) for row in rows):
        return None
    return [_record(row) for row in rows]


def is_list(document: Any) -> bool:
    """Whether the rows of *document* stand in a list: null instead of one need not mean that there are none."""
    if isinstance(document, dict):
        return any(is_list(document.get(name)) for name in ROWS)
    return isinstance(document, list)


def merged(records: Iterable[Record], endpoint: str, request_id: str = "") -> list[Record]:
    """Give one record per request: its outputs together, its cost once; empty fields get the arguments."""
    by_id: dict[str, Record] = {}
    for record in records:
        name = record.entry.request_id or request_id
        if not name:
            continue
        entry = replace(record.entry, request_id=name, endpoint=record.entry.endpoint or endpoint)
        known = by_id.get(name)
        by_id[name] = Record(_joined(known.entry, entry) if known else entry, record.zoned)
    return list(by_id.values())


def read_body(value: Any) -> Any:
    """Give what was sent: a dict, from JSON or a Python literal, or the text as it is."""
    body = _literal(value) if isinstance(value, str) else value
    if not isinstance(body, dict):
        return value
    inner = (_literal(text) if isinstance(text := body.get(name), str) else text for name in WRAPPERS)
    return next((found for found in inner if isinstance(found, dict)), body)


def _literal(text: str) -> Any:
    document = parsed(text)
    if document is None and len(text) <= LITERAL_MOST and text.lstrip().startswith("{"):
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return None
    return document


def _rows(document: Any) -> list[Any] | None:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or _is_error(document):
        return None
    inner = [document[name] for name in ROWS if name in document]
    for rows in inner:
        if isinstance(rows, list):
            return rows
    if any(document.get(name) for name in (*IDS, "model_status")):
        return [document]
    return next((_rows(rows) for rows in inner if isinstance(rows, dict)), [] if None in inner else None)


def _is_error(document: dict[str, Any]) -> bool:
    """Whether *document* speaks of an error of its own: then an empty list in it says nothing."""
    if any(name in document for name in OWN):
        return False
    told = document.get("error") or document.get("errors") or document.get("success") is False
    return bool(told) or _status(_first(document, STATUSES)) == "FAILED"


def _record(row: dict[str, Any]) -> Record:
    at = next((found for name in TIMES if (found := moment(row.get(name)))), None)
    entry = Remembered(
        request_id=identity(_first(row, IDS)) or "",
        endpoint=str(row.get("model_name") or row.get("slug") or ""),
        status=_status(_first(row, STATUSES)),
        body=read_body(_first(row, BODIES)),
        billed_nano=_cost(row),
        pictures=tuple(dict.fromkeys(picture for name in OUTPUTS for picture in pictures_named(row.get(name)))),
        created_at=at.unix if at else None,
        error=_error(row.get("error")),
    )
    return Record(entry, at is not None and at.zoned)


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _status(value: Any) -> str:
    word = str(value or "").strip().upper()
    if word in DONE or word == "200":
        return "COMPLETED"
    if word in BROKEN or (word.isascii() and word.isdigit() and int(word[:9]) >= 400):  # noqa: PLR2004  # an HTTP error
        return "FAILED"
    return "PENDING"


def _cost(row: dict[str, Any]) -> int | None:
    cost = amount(_first(row, COSTS))
    return None if cost is None or cost < 0 else cost


def _error(value: Any) -> str:
    if not value:
        return ""
    return words_of(value) if isinstance(value, str) else str(value)[:500]


def _joined(one: Remembered, other: Remembered) -> Remembered:
    return replace(
        one,
        status="COMPLETED" if "COMPLETED" in {one.status, other.status} else one.status,
        billed_nano=one.billed_nano if one.billed_nano is not None else other.billed_nano,
        pictures=tuple(dict.fromkeys((*one.pictures, *other.pictures))),
        created_at=one.created_at if one.created_at is not None else other.created_at,
        error=one.error or other.error,
    )
