"""What the files of a run say about the ledger beside them: that it is gone, or older than they are.

Every run leaves ``results.parquet``, ``results.csv``, ``summary.json`` and images.  A ledger that does not know of them
would pay for everything once more, and write over them.  A file that cannot be read says nothing.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pipeline.errors import FolderError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

RESULTS = "results.parquet"
LINES = "results.csv"
SUMMARY = "summary.json"
IMAGES, WORKSHOP = "images", ".part"
"""Images alone may be a user's own; beside the folder in which outputs are written first, they are not."""


def refuse_gone(path: Path) -> None:
    """Refuse a folder with results whose ledger, at *path*, is gone.  Raises FolderError."""
    folder = path.parent
    if not _is_gone(path) or not (found := traces(folder)):
        return
    rebuilt = f"photobatch ledger {folder} --repair rebuilds it"
    put_back = f"put {path.name} back out of a backup, for without {RESULTS} nothing can rebuild it"
    raise FolderError(
        f"{folder} has {', '.join(found)}, but its ledger is gone: everything would be paid for once more",
        hint=f"{rebuilt if RESULTS in found else put_back}; or give another --out folder",
    )


def _is_gone(path: Path) -> bool:
    """Whether nothing is left of the ledger at *path*.  A reader leaves an empty log behind, which says nothing."""
    if not path.exists():
        return True
    log = path.with_name(f"{path.name}-wal")
    return not path.stat().st_size and not (log.exists() and log.stat().st_size)


def traces(folder: Path) -> list[str]:
    """What runs left in *folder* that were paid for something; nothing for one in which none was."""
    found = [name for name in (RESULTS, LINES) if (folder / name).exists()]
    if _was_paid(last_summary(folder)):
        found.append(SUMMARY)
    if (folder / WORKSHOP).exists() and any(names for _, _, names in os.walk(folder / IMAGES)):
        found.append(f"{IMAGES}/")
    return found


def _was_paid(summary: dict[str, Any]) -> bool:
    tasks, cost = summary.get("tasks"), summary.get("cost")
    counts = [tasks.get("done"), tasks.get("in_doubt")] if isinstance(tasks, dict) else []
    sums = [cost.get("billed_usd"), cost.get("reserved_usd")] if isinstance(cost, dict) else []
    return any(counts + sums)


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
