"""Build a ledger anew from what is left of a folder: the damaged or outdated ledger's rows, and ``results.parquet``.

What was sent after the run that wrote the results is in the journal, which the next opening puts back.  Blocking.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from pipeline.capfile import FOLDER_ID
from pipeline.errors import LedgerError
from pipeline.ledger import FILE, schema
from pipeline.ledger.evidence import RESULTS, SUMMARY, last_summary, traces
from pipeline.ledger.salvage import NEW, PARTS, copy_rows, cut_off, set_aside
from pipeline.refill import Refill

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def rebuild(folder: Path, now: float, *, outdated: bool = False) -> list[str]:
    """Replace a ledger by what can be saved; sentences about it.  The caller holds the folder's lock.

    Raises LedgerError when nothing can, although runs have left something behind.
    *outdated*: it is whole and came out of a backup, so the results have the last word; a damaged one knows more.
    """
    made = folder / NEW
    aside = cut_off(folder) if made.exists() else None
    _remove(made)
    try:
        copied, refilled = _build(made, aside or folder / FILE, now, outdated=outdated)
    except BaseException:
        if aside is None:
            _remove(made)
        raise
    aside = aside or set_aside(folder)  # from here to the next line `cut_off` finds it
    made.rename(folder / FILE)
    said = []
    if aside.exists():
        what = "outdated" if outdated else "damaged"
        said.append(f"the {what} ledger was kept as {aside.name}; {copied} of its entries could be read")
    if refilled:
        said.append(f"{refilled} tasks were taken from {RESULTS}; see `photobatch explain` before you pay for anything")
    return said


def _build(made: Path, source: Path, now: float, *, outdated: bool) -> tuple[int, int]:
    """Fill a new ledger at *made*; how many entries came from *source*, and how many tasks from the results."""
    folder = made.parent
    with contextlib.closing(schema.connect(made)) as db:
        schema.prepare(db, made)
        db.execute("BEGIN")
        copied = copy_rows(source, db)
        refill = Refill(db, folder, now)
        if outdated:
            refill.overtake()
        refilled = refill.work() if (folder / RESULTS).exists() else 0
        _refuse_empty(db, folder)
        _remember_run(db, folder)
        db.execute("DELETE FROM meta WHERE name='results'")
        # What it no longer knows may have been sent: under another name it cannot let go of money in a cap file.
        db.execute("DELETE FROM meta WHERE name=?", (FOLDER_ID,))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return copied, refilled


def _remove(made: Path) -> None:
    for part in PARTS:
        made.with_name(f"{made.name}{part}").unlink(missing_ok=True)


def _refuse_empty(db: sqlite3.Connection, folder: Path) -> None:
    """Leave what is there rather than a ledger that forgot everything: a run would pay for all of it once more."""
    if not db.execute("SELECT 1 FROM tasks LIMIT 1").fetchone() and traces(folder):
        raise LedgerError(
            f"{folder}: nothing could be read of the damaged ledger, nor of {RESULTS}",
            hint=f"put {FILE} back out of a backup, or give another --out folder",
        )


def _remember_run(db: sqlite3.Connection, folder: Path) -> None:
    """The run that left the results, as its summary tells it: without it the new ledger would count as outdated."""
    summary = last_summary(folder)
    if isinstance(run_id := summary.get("run_id"), str):
        ended = (folder / SUMMARY).stat().st_mtime
        db.execute(
            "INSERT OR IGNORE INTO runs (id, command, started_at, finished_at, stopped_by, exit_code, summary)"
            " VALUES (?,'run',?,?,?,?,?)",
            (
                run_id,
                ended - float(summary.get("elapsed_s") or 0.0),
                ended,
                summary.get("stopped_by"),
                summary.get("exit_code"),
                json.dumps(summary, ensure_ascii=False),
            ),
        )
