"""Outputs of rows that left the manifest: they stay where they are, until somebody asks for them to be moved aside.

Nothing is deleted: they go to ``superseded/``, and should the row come back, they come back with it at no cost.
Blocking.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.ledger import entries

if TYPE_CHECKING:
    import sqlite3

    from pipeline.ledger import Ledger
    from pipeline.outputs import OutputStore


def prune(ledger: Ledger, store: OutputStore) -> int:
    """Move the outputs of departed rows to ``superseded/``; returns how many.  Safe to repeat, also after a crash.

    Raises StorageError.
    """
    count = 0
    for path in ledger.run(outputs):
        moved = store.supersede(path)
        if moved is not None:
            count += 1
            ledger.run(partial(entries.moved, old=path, new=moved))
    return count


def outputs(db: sqlite3.Connection) -> list[str]:
    """Where the outputs of departed rows stand, unless a row of the manifest has the same output."""
    found = db.execute(
        "SELECT o.path FROM outputs o JOIN tasks t ON t.id = o.task_id JOIN rows r ON r.id = t.row_id"
        " WHERE NOT r.live AND NOT t.live AND o.path LIKE 'images/%' AND NOT EXISTS"
        " (SELECT 1 FROM tasks w WHERE w.live AND w.key = t.key AND w.step = t.step)"
    )
    return sorted({str(path) for (path,) in found})
