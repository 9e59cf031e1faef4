"""Take back a result folder that a run made and could not use: wrong input leaves nothing behind.

Only what the program itself writes into a new folder is removed, and only while no task stands in its ledger.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING

from pipeline import lock
from pipeline.ledger import FILE, schema
from pipeline.ledger.ledger import JOURNAL

if TYPE_CHECKING:
    from pathlib import Path

MADE = (FILE, f"{FILE}-wal", f"{FILE}-shm", JOURNAL, lock.FILE, lock.NOTE, "run.log")
SANDBOX = ".sandbox"
"""Where the embedded sandbox keeps its memory."""


def take_back(folder: Path) -> None:
    """Remove the empty ledger in *folder* and what belongs to it; the folder too when nothing else is in it."""
    if not _is_empty(folder):
        return
    with contextlib.suppress(OSError):  # a file that is still open on Windows, a folder with other files in it
        for name in MADE:
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / SANDBOX, ignore_errors=True)
        folder.rmdir()


def _is_empty(folder: Path) -> bool:
    """Whether the ledger in *folder* holds no task; False when nobody can tell."""
    if not (folder / FILE).exists():
        return True
    try:
        with contextlib.closing(schema.connect(folder / FILE, read_only=True)) as db:
            return not db.execute("SELECT count(*) FROM tasks").fetchone()[0]
    except sqlite3.Error:
        return False
