"""Outputs not wanted where they stand: of rows that left the manifest, once somebody asks, and of rejected tasks.

Nothing is deleted: they go to ``superseded/``, and should the row come back, they come back with it at no cost.
Blocking.
"""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.ledger import entries

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from typing import Protocol, TypeVar

    from pipeline.ledger import Ledger
    from pipeline.outputs import OutputStore

    Result = TypeVar("Result")

    class Memory(Protocol):
        """A ledger, as far as it is needed here."""

        def run(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
            """Run *operation* in a transaction."""


TOGETHER = 256
"""Files that are moved before the ledger hears of them: each commit is a sync of the disk."""


def prune(ledger: Ledger, store: OutputStore) -> int:
    """Move the outputs of departed rows to ``superseded/``; returns how many.  Safe to repeat, also after a crash.

    Raises StorageError.
    """
    standing = ledger.run(outputs)
    count = move_aside(ledger, store, standing)
    folders = {ledger.folder / each for _, path, _ in standing for each in PurePosixPath(path).parents[:-2]}
    for folder in sorted(folders, reverse=True):  # the inner ones first
        with contextlib.suppress(OSError):  # somebody's file is in it, or it is gone
            folder.rmdir()
    return count


def move_aside(ledger: Memory, store: OutputStore, standing: Iterable[tuple[int, str, str]]) -> int:
    """Move *standing* outputs, each (task, path, sha256), to ``superseded/``; the ledger follows.  How many files.

    What a crash left moved and untold is found there by its content.  Raises StorageError.
    """
    owners: dict[tuple[str, str], list[int]] = {}
    for task, path, sha256 in standing:
        owners.setdefault((path, sha256), []).append(task)
    files = sorted(owners)
    count = 0
    for start in range(0, len(files), TOGETHER):
        moves: list[tuple[int, str, str]] = []
        try:
            for path, sha256 in files[start : start + TOGETHER]:
                if (new := store.supersede(path, sha256=sha256)) is not None:
                    count += 1
                    moves += [(task, path, new) for task in owners[path, sha256]]
        finally:
            if moves:
                ledger.run(partial(_follow, moves=moves))
    return count


def outputs(db: sqlite3.Connection) -> list[tuple[int, str, str]]:
    """(task, path, sha256) of the outputs of departed rows, unless a row of the manifest has the same output."""
    return db.execute(
        "SELECT o.task_id, o.path, o.sha256 FROM outputs o JOIN tasks t ON t.id = o.task_id JOIN rows r"
        " ON r.id = t.row_id WHERE NOT r.live AND NOT t.live AND o.path LIKE 'images/%' AND NOT EXISTS"
        " (SELECT 1 FROM tasks w WHERE w.live AND w.key = t.key AND w.step = t.step)"
    ).fetchall()


def _follow(db: sqlite3.Connection, moves: Iterable[tuple[int, str, str]]) -> None:
    for task, old, new in moves:
        entries.moved(db, old=old, new=new, task_id=task)
