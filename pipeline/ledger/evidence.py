"""What the files of a run say about the ledger beside them: that it is gone, or older than they are.

Every run leaves ``results.parquet`` and ``summary.json``.  A ledger that does not know of them would pay for everything
once more, and write over them.  A file that cannot be read says nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.errors import FolderError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

RESULTS = "results.parquet"
SUMMARY = "summary.json"


def refuse_gone(path: Path) -> None:
    """Refuse a folder with results whose ledger, at *path*, is gone.  Raises FolderError."""
    exists = path.exists()  # a reader may leave a log behind, which says nothing by itself
    gone = not exists or not (path.stat().st_size or path.with_name(f"{path.name}-wal").exists())
    if gone and (path.parent / RESULTS).exists():
        raise FolderError(
            f"{path.parent} has results, but its ledger is gone: everything would be paid for once more",
            hint=f"photobatch ledger {path.parent} --repair rebuilds it; or give another --out folder",
        )


def refuse_outdated(db: sqlite3.Connection, folder: Path) -> None:
    """Refuse a ledger that came out of a backup older than the results beside it.  Raises FolderError."""
    if (run_id := forgotten_run(db, folder)) is not None:
        raise FolderError(
            f"{folder}: the ledger is older than the results beside it: it does not know the run {run_id}, and what was"
            " done since would be paid for once more",
            hint="put the newest ledger.db back; without one, photobatch ledger"
            f" {folder} --repair takes over what the results know",
        )


def forgotten_run(db: sqlite3.Connection, folder: Path) -> str | None:
    """The last run that left results, when the ledger knows runs, but not this one."""
    run_id = last_summary(folder).get("run_id")
    if not isinstance(run_id, str) or not (folder / RESULTS).exists():
        return None
    runs, known = db.execute("SELECT count(*), coalesce(sum(id=?), 0) FROM runs", (run_id,)).fetchone()
    return run_id if runs and not known else None  # none at all: rebuilt from these very results


def last_summary(folder: Path) -> dict[str, Any]:
    """The summary that the last run left; empty when there is none, or no whole one."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}
