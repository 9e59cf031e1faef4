"""What a ledger does when it is opened after a crash: nothing that was sent may be forgotten.

An intent without an answer becomes in doubt.  What the journal knows and the database lost (a damaged write-ahead
log) is put back: as submitted when the provider's id is known, else as in doubt; with its task when that was lost as
well.  SQL and journal lines only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import ErrorClass
from pipeline.ledger.events import kept
from pipeline.ledger.schema import paid_or_at_risk
from pipeline.task import State

if TYPE_CHECKING:
    import sqlite3

    from pipeline.ledger.journal import Journal

NO_ANSWER = "the run ended before the provider answered"
FORGOTTEN = "sent, but the ledger lost the entry; put back from the journal"


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many tasks changed when the ledger was opened."""

    in_doubt: int
    put_back: int


def recover(db: sqlite3.Connection, journal: Journal, now: float) -> Recovered:
    """Bring the ledger to a state in which nothing sent is forgotten.  Idempotent."""
    db.execute("BEGIN IMMEDIATE")
    try:
        put_back = _put_back(db, journal)
        in_doubt = _doubt_unanswered(db, now)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return Recovered(in_doubt, put_back)


def _doubt_unanswered(db: sqlite3.Connection, now: float) -> int:
    # Nothing is sent again before somebody knows: of several attempts only the newest may be in doubt.
    db.execute(
        "UPDATE attempts SET outcome='refused', held_nano=0, billed_nano=0, closed_at=?"
        " WHERE (outcome IS NULL OR outcome='in_doubt')"
        " AND EXISTS (SELECT 1 FROM attempts n WHERE n.task_id = attempts.task_id AND n.id > attempts.id)",
        (now,),
    )
    db.execute(
        "UPDATE attempts SET outcome='in_doubt', error_class=?, error=? WHERE outcome IS NULL",
        (ErrorClass.INTERRUPTED, NO_ANSWER),
    )
    return db.execute(
        "UPDATE tasks SET state=?, error_class=?, error=?, finished_at=? WHERE state=?",
        (State.IN_DOUBT, ErrorClass.INTERRUPTED, NO_ANSWER, now, State.INTENT),
    ).rowcount


def _put_back(db: sqlite3.Connection, journal: Journal) -> int:
    intents: dict[int, dict[str, Any]] = {}
    newest: dict[str, int] = {}
    for entry in journal.entries():
        if entry["event"] == "intent":
            intents[entry["attempt"]] = entry
            newest[entry["fingerprint"]] = entry["attempt"]
        elif entry["attempt"] in intents:
            intents[entry["attempt"]]["request"] = entry["request"]
            intents[entry["attempt"]]["accepted_at"] = entry["at"]
    return sum(
        _put_back_one(db, attempt, entry, answered=newest[entry["fingerprint"]] != attempt)
        for attempt, entry in intents.items()
    )


def _put_back_one(db: sqlite3.Connection, attempt: int, entry: dict[str, Any], *, answered: bool) -> bool:
    """*answered*: the same body was sent again later, so this attempt came to an end before."""
    known = db.execute("SELECT outcome FROM attempts WHERE id=? AND intent_at=?", (attempt, entry["at"])).fetchone()
    request = entry.get("request")
    if known is not None and (known[0] is not None or request is None):
        return False
    task = _task_of(db, entry)
    if answered:
        outcome, held = "refused", 0
    else:
        outcome, held = "submitted" if request else "in_doubt", entry["held"]
        _at_risk(db, task, entry)
    if known is None:
        _insert_attempt(db, attempt, entry, task=task, outcome=outcome, held=held)
    else:
        db.execute("UPDATE attempts SET outcome=?, request_id=? WHERE id=?", (outcome, request, attempt))
    return not answered


def _at_risk(db: sqlite3.Connection, task: int, entry: dict[str, Any]) -> None:
    request = entry.get("request")
    db.execute(
        "UPDATE tasks SET state=?, request_id=coalesce(?, request_id), submitted_at=?, seed=coalesce(?, seed),"
        " attempts=max(attempts, 1), error_class=?, error=? WHERE id=?",
        (
            State.SUBMITTED if request else State.IN_DOUBT,
            request,
            entry.get("accepted_at", entry["at"]),
            entry["seed"],
            None if request else ErrorClass.INTERRUPTED,
            None if request else FORGOTTEN,
            task,
        ),
    )


def _insert_attempt(
    db: sqlite3.Connection, attempt: int, entry: dict[str, Any], *, task: int, outcome: str, held: int
) -> None:
    doubt = outcome == "in_doubt"
    db.execute(
        "INSERT OR REPLACE INTO attempts (id, task_id, run_id, outcome, intent_at, seed, reservation, held_nano,"
        " request_id, error_class, error, sent) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            attempt,
            task,
            entry["run"],
            outcome,
            entry["at"],
            entry["seed"],
            entry["reservation"],
            held,
            entry.get("request"),
            ErrorClass.INTERRUPTED if doubt else None,
            FORGOTTEN if doubt else None,
            kept(entry.get("sent")),
        ),
    )


def _task_of(db: sqlite3.Connection, entry: dict[str, Any]) -> int:
    """The task an entry speaks of: by body, then by id and name; made anew when the database lost it."""
    found = db.execute(
        f"SELECT id FROM tasks WHERE fingerprint=? ORDER BY {paid_or_at_risk()} DESC,"  # noqa: S608  # constant text
        " id=? DESC, key=? AND step=? DESC, live DESC LIMIT 1",
        (bytes.fromhex(entry["fingerprint"]), entry["task"], entry["key"], entry["step"]),
    ).fetchone()
    return int(found[0]) if found is not None else _insert_task(db, entry)


def _insert_task(db: sqlite3.Connection, entry: dict[str, Any]) -> int:
    """A task that no manifest asks for at present: its money counts, and its output serves tasks of equal body."""
    return int(
        db.execute(
            "INSERT INTO tasks (key, step, endpoint, row_id, fingerprint, params, state, live, planned_at)"
            " VALUES (?,?,?,0,?,?,'planned',0,?)",
            (
                entry["key"],
                entry["step"],
                entry["endpoint"],
                bytes.fromhex(entry["fingerprint"]),
                json.dumps(entry["params"], ensure_ascii=False, separators=(",", ":")),
                entry["at"],
            ),
        ).lastrowid
        or 0
    )
