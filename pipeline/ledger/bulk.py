"""A first planning: rows and tasks into empty tables, where nothing can collide with what is there.

Two things make it quick.  Many records go into one statement, which holds what they share.  Indexes are built at the
end, since sorting once is much cheaper than finding the place of each.
"""

from __future__ import annotations

import sqlite3
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pipeline.ledger import schema
from pipeline.task import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.alike import Alike
    from pipeline.wish import Wish


class Cells(NamedTuple):
    """A row as the ledger keeps it."""

    number: int
    digest: bytes
    cells: str


class Statement(NamedTuple):
    """An INSERT up to ``VALUES``, and its record: a question mark for each value that varies."""

    head: str
    record: str

    def run(self, db: sqlite3.Connection, records: Sequence[Sequence[object]]) -> None:
        """Insert *records* in as few steps as SQLite takes: a third cheaper than one step per record."""
        if not records:
            return
        most = db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // len(records[0])
        for start in range(0, len(records), most):
            part = records[start : start + most]
            marks = ",".join([self.record] * len(part))
            db.execute(f"{self.head} VALUES {marks}", list(chain.from_iterable(part)))


ROW = Statement("INSERT INTO rows (id, number, digest, cells, header_id, local, live)", "(?,?,?,?,?,?,1)")
TASK = Statement(
    "INSERT INTO tasks (key, step, endpoint, state, fingerprint, params, estimate_nano, reserve_nano, image_source,"
    " error_class, error, row_id, live, planned_at)",
    "(?,?,?,?,?,?,?,?,?,?,?,?,1,?)",
)
ALIKE_ROW = "INSERT INTO rows (header_id, local, live, id, number, digest, cells)"
ALIKE_TASK = (
    "INSERT INTO tasks (step, endpoint, estimate_nano, reserve_nano, state, live, planned_at,"
    " row_id, key, fingerprint, params, image_source)"
)


class BulkInsert:
    """Fills a ledger that has no rows yet, inside a transaction of the caller.

    ``kept``: False for a ledger to throw away.  It has the indexes that a plan asks for and no others, and of plain
    rows it remembers neither cells nor bodies: nobody will send them, and they are five sixths of a ledger.
    """

    def __init__(self, db: sqlite3.Connection, *, header_id: int, planned_at: float, kept: bool = True) -> None:
        self._db = db
        self._header_id = header_id
        self._planned_at = planned_at
        self._kept = kept
        self._next_row = 1
        self._statements: dict[tuple[object, ...], tuple[Statement, Statement]] = {}
        for name in schema.BULK_INDEXES:
            db.execute(f"DROP INDEX IF EXISTS {name}")

    def alike(self, rows: Sequence[Cells], keys: Sequence[str], asked: Sequence[Alike]) -> None:
        """Put plain *rows* in, with the key of each and what they ask of each step."""
        of_rows, of_tasks = self._shared(asked)
        ids = self._ids(len(rows))
        columns: list[Sequence[object]] = []
        for each in asked:
            columns += (ids, keys, each.fingerprints)
            if self._kept:
                columns += (each.bodies, each.sources)
        used = None if self._kept else -1
        of_rows.run(self._db, [(row_id, *row[:used]) for row_id, row in zip(ids, rows, strict=True)])
        of_tasks.run(self._db, list(zip(*columns, strict=True)))

    def each(self, rows: Sequence[Cells], wishes: Sequence[Sequence[Wish]]) -> None:
        """Put any *rows* in, with what each of them asks for."""
        of_rows = []
        of_tasks = []
        for row_id, row, asked in zip(self._ids(len(rows)), rows, wishes, strict=True):
            of_rows.append((row_id, *row, self._header_id, any(wish.local for wish in asked)))
            of_tasks += [(*wish[:9], wish.error_class, wish.error, row_id, self._planned_at) for wish in asked]
        ROW.run(self._db, of_rows)
        TASK.run(self._db, of_tasks)

    def build_indexes(self) -> bool:
        """Sort what came in; False when two tasks have the same key and step."""
        unique = True
        for name in schema.BULK_INDEXES if self._kept else schema.PLAN_INDEXES:
            try:
                self._db.execute(schema.index(name))
            except sqlite3.IntegrityError:
                unique = False
        return unique

    def _ids(self, count: int) -> range:
        first = self._next_row
        self._next_row += count
        return range(first, self._next_row)

    def _shared(self, asked: Sequence[Alike]) -> tuple[Statement, Statement]:
        """INSERTs for rows and for tasks that hold what plain rows share."""
        shared = tuple([(each.step, each.endpoint, each.estimate_nano, each.reserve_nano) for each in asked])
        if shared not in self._statements:
            cells, body = ("?", "?,?") if self._kept else ("''", "'{}',NULL")
            row = f"({self._header_id},0,1,?,?,?,{cells})"
            tasks = [
                f"({','.join(map(self._literal, (*each, State.PLANNED.value, 1, self._planned_at)))},?,?,?,{body})"
                for each in shared
            ]
            self._statements[shared] = Statement(ALIKE_ROW, row), Statement(ALIKE_TASK, ",".join(tasks))
        return self._statements[shared]

    def _literal(self, value: object) -> str:
        return str(self._db.execute("SELECT quote(?)", (value,)).fetchone()[0])
