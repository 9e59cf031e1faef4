"""The gallery's data, as the page reads it: columns for lists, one object per entry for its details.

    data/entries-<n>.js   CHUNK entries as columns: all that filtering, sorting and tiles need
    data/details-<n>.js   PAGE entries as objects: what the viewer shows besides, loaded when it is opened
    data/meta.js          the numbers, causes and names; written last

Scripts instead of JSON, because a page opened from disk may load scripts and nothing else.  A column of repeated
text is a list of places in its chunk's own table.  Everything in it is data: the page shows it as text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.ledger import gallery
from pipeline.money import usd
from pipeline.report.causes import Causes, remedy
from pipeline.report.flags import FLAGS, Thresholds, judge
from pipeline.report.pictures import NAME_CHARACTERS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from pipeline.ledger.gallery import Entry
    from pipeline.report.pictures import Pictures

CHUNK = 10_000
PAGE = 500
TABLES = ("step", "endpoint", "state", "before", "cause")
COLUMNS = (
    "id",
    "key",
    "row",
    *TABLES,
    "decision",
    "redo",
    "flags",
    "cost",
    "latency",
    "at",
    "path",
    "thumb",
    "shape",
    "images",
)
NOT_DONE = ("failed", "invalid", "in_doubt")
DECISIONS = {None: 0, "approve": 1, "reject": 2}
LONGEST_VALUE = 4000
"""Characters of one value in the details: an inline image would be megabytes."""


class Dataset:
    """Turns ledger entries into the page's data.  ``pictures`` knows which small copies exist."""

    def __init__(self, db: sqlite3.Connection, pictures: Pictures, limits: Thresholds) -> None:
        self.causes = Causes()
        self.flagged = dict.fromkeys(FLAGS, 0)
        self._db = db
        self._pictures = pictures
        self._limits = limits
        self._headers = gallery.headers(db)
        self._bits = {name: 1 << place for place, name in enumerate(FLAGS)}

    def columns(self, entries: Iterable[Entry]) -> dict[str, Any]:
        """*entries* as a chunk: ``columns`` by name and the ``tables`` that some of them point into."""
        lines = [self._line(each) for each in entries]
        columns: dict[str, list[Any]] = {name: [line[place] for line in lines] for place, name in enumerate(COLUMNS)}
        tables = {}
        for name in TABLES:
            places = {value: place for place, value in enumerate(dict.fromkeys(columns[name]))}
            columns[name] = [places[value] for value in columns[name]]
            tables[name] = list(places)
        return {"columns": columns, "tables": tables}

    def details(self, each: Entry) -> dict[str, Any]:
        """What the viewer shows of one entry besides; values that are not there are left out."""
        params = json.loads(each.params)
        found: dict[str, Any] = {
            "id": each.id,
            "error": each.error,
            "error_class": each.error_class,
            "remedy": remedy(each.state, each.error_class) if _has_cause(each) else None,
            "http_status": each.http_status,
            "note": each.note,
            "attempts": each.attempts,
            "estimate": _dollars(each.estimate_nano),
            "request_id": each.request_id,
            "seed": each.seed,
            "planned_at": each.planned_at,
            "submitted_at": each.submitted_at,
            "bytes": each.size_bytes,
            "type": each.content_type,
            "source": _short(each.image_source),
            "reused_from": each.reused_from,
            "params": {name: _short(value) for name, value in params.items()},
            "row": {name: _short(cell) for name, cell in self._cells(each) if cell},
            "seen": self._seen(each, params),
        }
        if each.images > 1:
            found["more"] = gallery.more_images(self._db, each.id)
        if each.redriven:
            found["rejected"] = gallery.rejected_before(self._db, each.key, each.step)
        return {name: value for name, value in found.items() if value not in (None, {}, [])}

    def _line(self, each: Entry) -> tuple[Any, ...]:
        params = json.loads(each.params)
        origin = self._pictures.input_of(each.endpoint, params)
        flags = self._flags(each, params, origin[1] if origin else None)
        cause = ""
        if _has_cause(each):
            cause = self.causes.of(each.state, each.endpoint, each.error_class, each.error)
        return (
            each.id,
            each.key,
            each.row,
            each.step,
            each.endpoint,
            each.state,
            self._copy_of(origin[1]) if origin else "",
            cause,
            DECISIONS.get(each.decision, 0),
            int(each.redriven and each.state != "done"),
            sum(self._bits[name] for name in flags),
            _dollars(each.billed_nano),
            None if each.latency_s is None else round(each.latency_s, 2),
            None if each.finished_at is None else round(each.finished_at),
            _output(each),
            self._copy_of(each.sha256) if each.sha256 else "",
            None if each.width is None else [each.width, each.height],
            each.images,
        )

    def _flags(self, each: Entry, params: dict[str, Any], before: str | None) -> list[str]:
        if each.state != "done" or not each.sha256 or not each.width or not each.height:
            return []
        seen = self._pictures.seen(before, each.sha256)
        flags = judge(seen, self._limits, size=(each.width, each.height), params=params)
        for name in flags:
            self.flagged[name] += 1
        return flags

    def _seen(self, each: Entry, params: dict[str, Any]) -> dict[str, Any] | None:
        if not each.sha256:
            return None
        origin = self._pictures.input_of(each.endpoint, params)
        seen = self._pictures.seen(origin[1] if origin else None, each.sha256)
        return None if seen is None else {"delta_e": seen.delta_e, "clipped": seen.clipped, "crushed": seen.crushed}

    def _copy_of(self, sha256: str) -> str:
        """The name under which a small copy exists; empty when there is none."""
        return sha256[:NAME_CHARACTERS] if self._pictures.has(sha256) else ""

    def _cells(self, each: Entry) -> Iterator[tuple[str, str]]:
        return zip(self._headers.get(each.header_id, ()), json.loads(each.cells), strict=False)


def script(call: str, *values: Any) -> str:
    """A script that calls ``photobatch.<call>`` with *values*; safe to stand in any page."""
    text = ",".join(json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values)
    # "<" never stands in it, so nothing ends a script element early; the other two end lines in older engines.
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"photobatch.{call}({text});\n"


def _output(each: Entry) -> str:
    """Where the output is: its extension when it stands where its name says, else its path."""
    path = each.path or ""
    plain, dot, extension = path.rpartition(".")
    return extension if dot and plain == f"images/{each.key}/{each.step}" else path


def _has_cause(each: Entry) -> bool:
    return each.state in NOT_DONE or (each.state == "submitted" and each.error is not None)


def _dollars(nano: int | None) -> float | None:
    return None if nano is None else round(usd(nano), 6)


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}… ({len(value)} characters)"
    return value
