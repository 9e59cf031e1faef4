"""Looking at a result folder without working on it: its summary, its causes, its lines.

Opens the ledger read-only, also while a run goes on; nothing here changes a folder but `settle_by_hand`, which takes
the lock.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import doubts
from pipeline.amend import Cost, cost
from pipeline.closing import export
from pipeline.ledger import FILE, Ledger, attempts, counts, schema
from pipeline.ledger.export import iso
from pipeline.lock import abandoned, hold
from pipeline.money import usd
from pipeline.planning import scratch
from pipeline.recipe import Recipe
from pipeline.report.redrive import write_decisions
from pipeline.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.report.decisions import Decision


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """The folder's ledger, read-only; raises FolderError for a newer schema and LedgerError for a damaged one."""
    path = folder / FILE
    with contextlib.closing(schema.connect(path, read_only=True)) as db:
        try:
            schema.check_version(int(db.execute("PRAGMA user_version").fetchone()[0]), path)
            yield db
        except sqlite3.Error as error:
            raise schema.unusable(path, error) from error


def summary_of(folder: Path) -> dict[str, Any]:
    """The summary object of the folder as it stands; what only a run knows is that of the last one."""
    with reading(folder) as db:
        last = _last_summary(db)
        cap = last.get("cost", {}).get("cap_usd")
        summary = summarise(
            db,
            run_id=last.get("run_id"),
            cap_nano=None,
            requests=last.get("requests", {"submit": 0, "poll": 0, "http_429": 0, "http_5xx": 0}),
            elapsed_s=last.get("elapsed_s", 0.0),
            stopped_by=last.get("stopped_by"),
            message=last.get("message"),
        )
    summary["cost"]["cap_usd"] = cap
    return summary


def last_recipe(folder: Path) -> Recipe | None:
    """The recipe of the newest run that had one; its key template included."""
    with reading(folder) as db:
        query = "SELECT recipe FROM runs WHERE recipe IS NOT NULL ORDER BY started_at DESC, id DESC LIMIT 1"
        found = db.execute(query).fetchone()
    return None if found is None else Recipe.from_json(found[0])


@dataclass(frozen=True, slots=True)
class Past:
    """One run of the folder's history.  Times are Unix seconds, money in nano-dollars."""

    run_id: str
    command: str
    started_at: float
    finished_at: float | None
    """None for a run that was killed, or is still going on."""
    cut_off: bool
    """It was killed: nobody counted what it did."""
    exit_code: int | None
    stopped_by: str | None
    done: int | None
    failed: int | None
    billed_nano: int
    rows: int | None

    def as_json(self) -> dict[str, Any]:
        """The run as plain JSON values; money in USD, times in ISO 8601."""
        return {
            "run_id": self.run_id,
            "command": self.command,
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "cut_off": self.cut_off,
            "exit_code": self.exit_code,
            "stopped_by": self.stopped_by,
            "rows": self.rows,
            "done": self.done,
            "failed": self.failed,
            "billed_usd": usd(self.billed_nano),
        }


def history(folder: Path, newest: int) -> list[Past]:
    """The *newest* runs, the oldest of them first."""
    with reading(folder) as db:
        found = db.execute(
            "SELECT id, command, started_at, finished_at, exit_code, stopped_by, summary FROM runs"
            " ORDER BY started_at DESC, id DESC LIMIT ?",
            (newest,),
        ).fetchall()
        bills = attempts.billed_by_run(db, [record[0] for record in found])
    newest_id, left = found[0][0] if found else "", abandoned(folder)
    past = []
    for run_id, command, started, finished, code, stopped, summary in reversed(found):
        said = json.loads(summary or "{}")
        ours = said.get("this_run", {})
        cut_off = finished is None and (left or run_id != newest_id)
        done, failed = (None if finished is None else ours.get(word, 0) for word in ("done", "failed"))
        past.append(
            Past(
                run_id,
                command,
                started,
                finished,
                cut_off,
                code,
                stopped,
                done,
                failed,
                bills.get(run_id, 0),
                said.get("rows"),
            )
        )
    return past


def what_if(folder: Path, reopen: Callable[[sqlite3.Connection], object], decisions: Sequence[Decision] = ()) -> Cost:
    """What a resume with this *reopen* would send and cost; changes nothing in *folder*."""
    with scratch(folder) as db:
        write_decisions(db, decisions, now=time.time())
        reopen(db)
        return cost(db)


def settle_by_hand(folder: Path, *, billed: Sequence[str], unbilled: Sequence[str]) -> int:
    """Settle tasks in doubt as the user says, and export anew; how many stay.  Raises RecipeError and FolderBusy."""
    with hold(folder, "settle"):
        ledger = Ledger(folder)
        try:
            now = time.time()

            def settle(db: sqlite3.Connection) -> int:
                doubts.settle_by_hand(db, billed, billed=True, now=now)
                doubts.settle_by_hand(db, unbilled, billed=False, now=now)
                export(db, folder)
                return counts.doubtful(db)[0]

            return ledger.run(settle)
        finally:
            ledger.close()


def _last_summary(db: sqlite3.Connection) -> dict[str, Any]:
    found = db.execute(
        "SELECT summary FROM runs WHERE summary IS NOT NULL AND summary <> '{}' ORDER BY started_at DESC LIMIT 1"
    ).fetchone()
    last: dict[str, Any] = json.loads(found[0]) if found else {}
    return last
