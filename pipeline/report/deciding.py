"""One decision from the served page, written straight into the ledger, whether a run goes on or not.

SQLite lets one process write at a time and the others wait: a decision is one short transaction, and a run's commits
are short as well.  Only planning a long manifest holds the ledger for longer; then the page is told to try again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputError, LedgerError
from pipeline.ledger import FILE, decide, schema
from pipeline.report.decisions import WORDS, Decision
from pipeline.report.redrive import write_decisions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Decided:
    """Which task was decided about, and what its person should know."""

    key: str
    step: str
    warning: str


def decide_one(folder: Path, asked: Mapping[str, Any], *, now: float) -> Decided:
    """Carry out ``{"task": id, "decision": approve | reject | "", "note": text, "set": {name: value}}``.

    An empty decision takes the last one back.  Raises InputError with what is wrong, LedgerError when busy.
    """
    task_id, word = asked.get("task"), asked.get("decision")
    if not isinstance(task_id, int) or isinstance(task_id, bool) or not (word == "" or word in WORDS):
        raise InputError("that is no decision")
    changes = asked.get("set") or {}
    if not isinstance(changes, dict) or not all(isinstance(value, str) for value in changes.values()):
        raise InputError("changes are text by parameter name")
    db = schema.connect(folder / FILE)
    try:
        db.execute("BEGIN IMMEDIATE")
        said = _carry_out(db, task_id, str(word), note=str(asked.get("note") or ""), changes=changes, now=now)
        db.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise LedgerError(f"the ledger is busy ({error})", hint="A run is planning; try again in a moment") from error
    finally:
        db.close()  # rolls back what was not committed
    return said


def _carry_out(
    db: sqlite3.Connection, task_id: int, word: str, *, note: str, changes: Mapping[str, str], now: float
) -> Decided:
    task = decide.judged_by_id(db, task_id)
    if task is None:
        raise InputError("the output was replaced meanwhile: look at the new one")
    if not word:
        if not decide.withdraw(db, task_id):
            raise InputError("it is too late to take that back: it was sent already")
        return Decided(task.key, task.step, "")
    decision = Decision(task.key, task.step, WORDS[word], " ".join(note.split()), changes)
    applied = write_decisions(db, [decision], now=now, again=True)
    if applied.left:
        raise InputError(applied.left[0])
    return Decided(task.key, task.step, " ".join(applied.warnings))
