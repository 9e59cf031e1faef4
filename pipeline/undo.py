"""Take back a result folder that a run made and could not use: wrong input leaves nothing behind.

Only what the program itself writes into a new folder is removed, and only while no task stands in its ledger.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING

from pipeline import lock
from pipeline.errors import PipelineError
from pipeline.ledger import FILE, evidence, schema
from pipeline.ledger.ledger import JOURNAL

if TYPE_CHECKING:
    from pathlib import Path

MADE = (FILE, f"{FILE}-wal", f"{FILE}-shm", JOURNAL, "run.log", lock.NOTE)
SANDBOX = ".sandbox"
"""Where the embedded sandbox keeps its memory."""


def take_back(folder: Path) -> None:
    """Remove the empty ledger in *folder* and what belongs to it; the folder too when nothing else is in it.

    Leaves everything alone while another run holds the folder.
    """
    if not folder.is_dir():
        return
    with contextlib.suppress(PipelineError, OSError), lock.hold(folder, "run"):
        if _is_empty(folder):
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove what the program wrote; the lock last, while it is held: who opened it by then asks for it anew.

    A file of somebody else's keeps the folder; on Windows, so does the lock.
    """
    for name in MADE:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / SANDBOX, ignore_errors=True)
    (folder / lock.FILE).unlink()
    folder.rmdir()


def _is_empty(folder: Path) -> bool:
    """Whether the ledger in *folder* holds no task; False when nobody can tell."""
    if not (folder / FILE).exists():
        return not evidence.traces(folder)  # else it was deleted, and its journal is all that is left of it
    try:
        with contextlib.closing(schema.connect(folder / FILE, read_only=True)) as db:
            return not db.execute("SELECT count(*) FROM tasks").fetchone()[0]
    except sqlite3.Error:
        return False
