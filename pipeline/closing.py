"""How a run ends, whatever ended it: the results ledger, the summary, the run's own entry."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.destination import complete
from pipeline.exits import first_of
from pipeline.ledger.export import Results, write_csv, write_parquet
from pipeline.ledger.staleness import TRIGGERS
from pipeline.money import usd
from pipeline.summary import summarise

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from pipeline.ledger import Ledger


@dataclass
class Ending:
    """What a run has to say at its end."""

    run_id: str
    began: float
    stopped: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=lambda: {"submit": 0, "poll": 0, "http_429": 0, "http_5xx": 0})
    balance_nano: int | None = None
    this_run: dict[str, Any] = field(default_factory=dict)
    """What this run alone did: counts of rows and tasks, and its money."""

    def because(self, word: str, message: str) -> None:
        """Note one more reason for stopping."""
        self.stopped.add(word)
        if message not in self.messages:
            self.messages.append(message)


def close(ledger: Ledger, ending: Ending, *, cap_nano: int | None, now: float) -> dict[str, Any]:
    """Export and sum up; returns the summary object.  Blocking.

    Files that cannot be written are one more reason to have stopped: the ledger knows everything that is in them.
    """
    try:
        ledger.run(lambda db: export(db, ledger.folder))
    except OSError as error:
        ending.because("storage", f"the results could not be written ({error}): they are with the next run")
    summary, text = _summed_up(ledger, ending, cap_nano, now)
    try:
        with complete(ledger.folder / "summary.json") as aside:
            aside.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        ending.because("storage", f"the summary could not be written ({error})")
        summary, text = _summed_up(ledger, ending, cap_nano, now)
    ledger.finish_run(ending.run_id, stopped_by=summary["stopped_by"], exit_code=summary["exit_code"], summary=text)
    return summary


def _summed_up(ledger: Ledger, ending: Ending, cap_nano: int | None, now: float) -> tuple[dict[str, Any], str]:
    """The summary, and the same as text."""

    def read(db: sqlite3.Connection) -> dict[str, Any]:
        return summarise(
            db,
            run_id=ending.run_id,
            cap_nano=cap_nano,
            requests=ending.requests,
            elapsed_s=now - ending.began,
            stopped_by=first_of(ending.stopped),
            message="; ".join(ending.messages) or None,
        )

    summary = ledger.run(read)
    summary["this_run"] = ending.this_run
    if ending.balance_nano is not None:
        summary["balance_usd"] = usd(ending.balance_nano)
    return summary, json.dumps(summary, ensure_ascii=False, indent=2)


def export(db: sqlite3.Connection, folder: Path) -> None:
    """Write ``results.csv`` and ``results.parquet`` from the ledger, unless they say so already."""
    files = [folder / "results.csv", folder / "results.parquet"]
    known = db.execute("SELECT value FROM meta WHERE name='results'").fetchone()
    if known is not None and known[0] == _written(files):
        return
    write_csv(Results(db), files[0])
    write_parquet(Results(db), files[1])
    for trigger in TRIGGERS:
        db.execute(trigger)
    db.execute("INSERT OR REPLACE INTO meta VALUES ('results', ?)", (_written(files),))


def _written(files: list[Path]) -> str:
    """What tells whether *files* are still as they were written; empty when one is missing."""
    try:
        facts = [path.stat() for path in files]
    except OSError:
        return ""
    return " ".join(f"{fact.st_size}-{fact.st_mtime_ns}" for fact in facts)
