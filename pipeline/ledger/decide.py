"""What people decide about outputs, as changes of the ledger: approved ones stay, rejected ones run anew.

A rejected task leaves the results and makes way for a successor that is planned like any other; the usual run pays
for it once.  ``wish`` of the successor says what the manifest had asked for, so that taking the same manifest in
again does not undo the decision.  Every function runs inside a transaction of the caller.  Knows SQL, never what a
parameter means: successors come in ready made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

APPROVE, REJECT = "approve", "reject"


class Judged(NamedTuple):
    """A live task that somebody decides about."""

    id: int
    key: str
    step: str
    endpoint: str
    row_id: int
    state: str
    fingerprint: bytes | None
    wish: bytes | None
    params: str
    """Canonical JSON."""
    image_source: str | None
    estimate_nano: int | None
    reserve_nano: int | None
    decision: str | None
    note: str | None
    replaces: int | None
    reused_from: int | None


JUDGED = f"SELECT {', '.join(Judged._fields)} FROM tasks WHERE live"  # noqa: S608  # names of columns only


@dataclass(frozen=True, slots=True)
class Successor:
    """What is sent instead of a rejected task; money in nano-dollars, None when the price is unknown."""

    fingerprint: bytes
    params: str
    estimate_nano: int | None
    reserve_nano: int | None


def judged(db: sqlite3.Connection, key: str, step: str) -> Judged | None:
    """The live task of *key* at *step*."""
    found = db.execute(f"{JUDGED} AND key=? AND step=?", (key, step)).fetchone()
    return None if found is None else Judged(*found)


def judged_by_id(db: sqlite3.Connection, task_id: int) -> Judged | None:
    """The task *task_id*, unless it was superseded."""
    found = db.execute(f"{JUDGED} AND id=?", (task_id,)).fetchone()
    return None if found is None else Judged(*found)


def steps_of(db: sqlite3.Connection, key: str) -> list[str]:
    """The live steps of *key*."""
    return [step for (step,) in db.execute("SELECT step FROM tasks WHERE live AND key=? ORDER BY id", (key,))]


def keys_like(db: sqlite3.Connection, key: str) -> Iterator[str]:
    """Live keys that may have been meant by *key*, the likeliest first: a spreadsheet takes leading zeros away."""
    for (found,) in db.execute(
        "SELECT DISTINCT key FROM tasks WHERE live AND (lower(key)=lower(?1) OR ltrim(key, '0')=ltrim(?1, '0'))"
        " UNION ALL SELECT DISTINCT key FROM tasks WHERE live AND key LIKE substr(?1, 1, 3) || '%' LIMIT 1000",
        (key,),
    ):
        yield str(found)


def applied_before(db: sqlite3.Connection) -> set[tuple[str, str, str, str, str]]:
    """(key, step, decision, note, changes) of everything that was ever decided and not withdrawn."""
    return set(
        db.execute(
            "SELECT t.key, t.step, d.decision, d.note, d.changes FROM decisions d JOIN tasks t ON t.id = d.task_id"
        )
    )


def approve(db: sqlite3.Connection, task: Judged, *, note: str, now: float) -> None:
    """From now on the output of *task* stays, whatever the manifest asks for."""
    db.execute("UPDATE tasks SET decision=?, note=? WHERE id=?", (APPROVE, note or None, task.id))
    _remember(db, task, APPROVE, note=note, changes={}, now=now)


def reject(
    db: sqlite3.Connection,
    task: Judged,
    successor: Successor,
    *,
    note: str,
    changes: Mapping[str, str],
    now: float,
) -> int:
    """Retire *task* and plan *successor* in its place; returns the successor's id."""
    db.execute("UPDATE tasks SET live=0, rejected=1, decision=?, note=? WHERE id=?", (REJECT, note or None, task.id))
    gives_way = task.id if task.state == "done" else task.replaces
    cursor = db.execute(
        "INSERT INTO tasks (key, step, endpoint, row_id, fingerprint, wish, params, image_source, state, live,"
        " estimate_nano, reserve_nano, planned_at, replaces) VALUES (?,?,?,?,?,?,?,?,'planned',1,?,?,?,?)",
        (
            task.key,
            task.step,
            task.endpoint,
            task.row_id,
            successor.fingerprint,
            task.wish or task.fingerprint,
            successor.params,
            task.image_source,
            successor.estimate_nano,
            successor.reserve_nano,
            now,
            gives_way,
        ),
    )
    new_id = int(cursor.lastrowid or 0)
    _remember(db, task, REJECT, note=note, changes=changes, now=now, successor=new_id)
    return new_id


def withdraw(db: sqlite3.Connection, task_id: int) -> bool:
    """Take back what was decided about the live task *task_id*, or what brought it about; False when too late.

    An approval can always be withdrawn, a rejection until its successor is sent.
    """
    approval = "UPDATE tasks SET decision=NULL, note=NULL WHERE id=? AND live AND decision=?"
    if db.execute(approval, (task_id, APPROVE)).rowcount:
        db.execute("DELETE FROM decisions WHERE task_id=? AND decision=?", (task_id, APPROVE))
        return True
    found = db.execute(
        "SELECT d.id, d.task_id FROM decisions d JOIN tasks t ON t.id = d.successor"
        " WHERE d.successor=? AND t.live AND t.state='planned' AND t.attempts=0",
        (task_id,),
    ).fetchone()
    if found is None:
        return False
    decision_id, older = found
    db.execute("UPDATE tasks SET live=0 WHERE id=?", (task_id,))
    db.execute("UPDATE tasks SET live=1, rejected=0, decision=NULL, note=NULL WHERE id=?", (older,))
    db.execute("DELETE FROM decisions WHERE id=?", (decision_id,))
    return True


def rejected_outputs(db: sqlite3.Connection) -> list[tuple[int, str, str]]:
    """(task, path, sha256) of outputs of rejected tasks that still stand among the good ones."""
    return db.execute(
        "SELECT o.task_id, o.path, o.sha256 FROM outputs o JOIN tasks t ON t.id = o.task_id"
        " WHERE t.rejected AND NOT t.live AND o.path LIKE 'images/%' AND NOT EXISTS"
        " (SELECT 1 FROM tasks w WHERE w.live AND w.key = t.key AND w.step = t.step AND w.state = 'done')"
    ).fetchall()


def _remember(
    db: sqlite3.Connection,
    task: Judged,
    decision: str,
    *,
    note: str,
    changes: Mapping[str, str],
    now: float,
    successor: int | None = None,
) -> None:
    db.execute(
        "INSERT INTO decisions (task_id, decision, note, changes, decided_at, successor) VALUES (?,?,?,?,?,?)",
        (task.id, decision, note, canonical(changes), now, successor),
    )


def canonical(changes: Mapping[str, str]) -> str:
    """*changes* as the ledger keeps them: JSON, sorted by name."""
    return json.dumps(dict(changes), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
