"""The results ledger: one line per task, as CSV and Parquet, streamed from SQLite.

The columns are a promise to other programs.  Money is in USD, times are UTC in ISO 8601.  A CSV cell that a
spreadsheet would run as a formula gets a leading apostrophe.  Never knows how a run went, only what the ledger says.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.destination import complete
from pipeline.money import usd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

BATCH = 5000
TEXT, WHOLE, NUMBER = "text", "whole", "number"
COLUMNS: dict[str, str] = {
    "key": TEXT,
    "step": TEXT,
    "endpoint": TEXT,
    "state": TEXT,
    "error_class": TEXT,
    "error": TEXT,
    "http_status": WHOLE,
    "attempts": WHOLE,
    "cost_estimate_usd": NUMBER,
    "cost_billed_usd": NUMBER,
    "request_id": TEXT,
    "image_source": TEXT,
    "output": TEXT,
    "bytes": WHOLE,
    "sha256": TEXT,
    "width": WHOLE,
    "height": WHOLE,
    "content_type": TEXT,
    "seed": WHOLE,
    "planned_at": TEXT,
    "submitted_at": TEXT,
    "finished_at": TEXT,
    "latency_s": NUMBER,
    "run_id": TEXT,
    "provider": TEXT,
    "reused_from": TEXT,
    "task_id": TEXT,
    "params": TEXT,
}
"""The fixed columns; the manifest's own follow as ``row.<column>``."""

QUERY = """
SELECT t.key, t.step, t.endpoint, t.state, t.error_class, t.error, t.http_status, t.attempts, t.estimate_nano,
       t.billed_nano, t.request_id, t.image_source, o.path, o.size_bytes, o.sha256, o.width, o.height,
       o.content_type, t.seed, t.planned_at, t.submitted_at, t.finished_at, t.latency_s, t.run_id, t.reused_from,
       t.id, t.params, r.header_id, r.cells
FROM tasks t JOIN rows r ON r.id = t.row_id LEFT JOIN outputs o ON o.task_id = t.id AND o.n = 1
WHERE t.live {where} ORDER BY t.id
"""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Results:
    """The lines of the results ledger.  ``state`` limits them to one state."""

    def __init__(self, db: sqlite3.Connection, *, state: str | None = None) -> None:
        self._db = db
        self._state = state
        found = db.execute("SELECT value FROM meta WHERE name='provider'").fetchone()
        self._provider = found[0] if found else None
        self._headers: dict[int, list[str]] = {
            id_: json.loads(columns)
            for id_, columns in db.execute(
                "SELECT id, columns FROM headers WHERE id IN (SELECT DISTINCT header_id FROM rows WHERE live)"
            )
        }
        own = list(dict.fromkeys(column for columns in self._headers.values() for column in columns))
        self.columns = [*COLUMNS, *(f"row.{column}" for column in own)]
        self._places = {id_: [own.index(column) for column in columns] for id_, columns in self._headers.items()}
        self._own_count = len(own)

    def __iter__(self) -> Iterator[list[Any]]:
        """One list of values per task, in the order of `columns`."""
        where = "" if self._state is None else "AND t.state = ?"
        cursor = self._db.execute(QUERY.format(where=where), () if self._state is None else (self._state,))
        for record in cursor:
            yield self._line(record)

    def _line(self, record: Sequence[Any]) -> list[Any]:
        line = list(record[:27])
        line[8] = _dollars(line[8])
        line[9] = _dollars(line[9])
        for place in (19, 20, 21):
            line[place] = iso(line[place])
        line[24:27] = [self._provider, _text(record[24]), _text(record[25]), record[26]]
        own = [""] * self._own_count
        for place, cell in zip(self._places[record[27]], json.loads(record[28]), strict=True):
            own[place] = cell
        return line + own


def write_csv(results: Results, path: Path) -> None:
    """Write *results* as CSV, replacing *path* whole."""
    with complete(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        write_csv_to(results, file)


def write_csv_to(results: Results, file: Any) -> None:
    """Write *results* as CSV to an open text file."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([guarded(column) for column in results.columns])
    writer.writerows([guarded(value) for value in line] for line in results)


def write_jsonl(results: Results, path: Path) -> None:
    """Write *results* as JSON lines, replacing *path* whole."""
    with complete(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        write_jsonl_to(results, file)


def write_jsonl_to(results: Results, file: Any) -> None:
    """Write *results* as JSON lines; ``params`` stays JSON text."""
    for line in results:
        file.write(json.dumps(dict(zip(results.columns, line, strict=True)), ensure_ascii=False) + "\n")


def write_parquet(results: Results, path: Path) -> None:
    """Write *results* as Parquet, replacing *path* whole."""
    import pyarrow.parquet as pq

    schema = _schema(results.columns)
    with (
        complete(path) as aside,
        aside.open("wb") as file,  # pyarrow knows only names that are UTF-8
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for batch in _batches(results, schema):
            writer.write_batch(batch)


def guarded(value: Any) -> Any:
    """*value* for a CSV cell: text that a spreadsheet would run gets a leading apostrophe."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def iso(at: float | None) -> str | None:
    """Unix time as UTC, ISO 8601 with milliseconds."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _schema(columns: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    kinds = {TEXT: pa.string(), WHOLE: pa.int64(), NUMBER: pa.float64()}
    return pa.schema([(column, kinds[COLUMNS.get(column, TEXT)]) for column in columns])


def _batches(results: Results, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    lines: list[list[Any]] = []
    for line in results:
        lines.append(line)
        if len(lines) == BATCH:
            yield _batch(lines, schema, pa)
            lines = []
    yield _batch(lines, schema, pa)


def _batch(lines: list[list[Any]], schema: pa.Schema, pa: Any) -> pa.RecordBatch:
    columns = zip(*lines, strict=True) if lines else [()] * len(schema)
    arrays = [
        pa.array([_storable(value) for value in column], type=kind)
        for column, kind in zip(columns, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _storable(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()  # a lone surrogate has no place in a file
    return value


def _dollars(nano: int | None) -> float | None:
    return None if nano is None else usd(nano)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
