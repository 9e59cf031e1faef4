"""Tasks that were paid for and whose output is gone, or never came: open again in the way that costs least.

A task that shared another's output copies it again.  What the provider made in the last days it still has, so the
task becomes accepted again and is fetched at no cost.  Only what is older has to be paid for once more.  Every
function runs inside a transaction of the caller.  Knows SQL, never files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import ErrorClass
from pipeline.task import State

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

KEPT_S = 6.5 * 86_400
"""Seconds for which an output can surely be fetched again: the provider keeps outputs for seven days."""

ASKED_AGAIN = (ErrorClass.LOST, ErrorClass.BAD_OUTPUT)
"""Causes for which an accepted task failed although it may have been billed."""

STANDING = "FROM outputs o CROSS JOIN tasks t ON t.id = o.task_id WHERE t.state='done' AND t.live"
NEEDED = (
    "FROM tasks w JOIN outputs o ON o.task_id = w.id WHERE w.state='done' AND NOT w.live AND w.reused_from IS NULL"
    " AND NOT w.rejected AND w.fingerprint IN (SELECT fingerprint FROM tasks WHERE live AND state='planned')"
)
"""Outputs of superseded tasks that a planned task is to get a copy of."""


class Reopened(NamedTuple):
    """How many tasks were opened again, by what that costs."""

    fetch: int = 0
    """Fetched again from the provider, at no cost."""
    copy: int = 0
    """Copied again from the task with the same body."""
    pay: int = 0
    """Paid for again: the provider has forgotten them."""
    lost: int = 0
    """Superseded, and not to be had any more."""

    def __bool__(self) -> bool:
        return any(tuple(self))

    def __str__(self) -> str:
        words = (
            (self.fetch, "to be fetched again, at no cost"),
            (self.copy, "copied again"),
            (self.pay, "paid for again, for the provider keeps outputs for a week"),
        )
        said = ", ".join(f"{count} {what}" for count, what in words if count)
        return f"outputs are missing or altered: {said or 'superseded ones only'}"

    def plus(self, other: Reopened) -> Reopened:
        """Both together."""
        return Reopened(*(mine + its for mine, its in zip(self, other, strict=True)))


class Standing(NamedTuple):
    """An output that should be there."""

    task: int
    path: str
    size_bytes: int
    sha256: str
    n: int


def standing(db: sqlite3.Connection) -> Iterator[Standing]:
    """The outputs of finished tasks of the manifest."""
    query = f"SELECT o.task_id, o.path, o.size_bytes, o.sha256, o.n {STANDING}"
    return map(Standing._make, db.execute(query))


def sizes(db: sqlite3.Connection) -> Iterator[tuple[int, str, int]]:
    """(task, path, size in bytes) of the same outputs: a million of them are looked at before every run."""
    return db.execute(f"SELECT o.task_id, o.path, o.size_bytes {STANDING}")


def sizes_needed(db: sqlite3.Connection) -> Iterator[tuple[int, str, int]]:
    """The same for outputs of superseded tasks that planned ones are to share."""
    return db.execute(f"SELECT o.task_id, o.path, o.size_bytes {NEEDED}")


def reopen(db: sqlite3.Connection, tasks: Iterable[int], now: float) -> Reopened:
    """Open finished *tasks* again, whose outputs are gone.  ``now`` is Unix time."""
    gone = set(tasks)
    counted = Reopened()
    for task in sorted(gone):
        counted = counted.plus(_reopen(db, task, gone, now))
    return counted


def ask_again(db: sqlite3.Connection, now: float) -> int:
    """Take up again, at no cost, what was accepted and gave no usable output; returns how many tasks that are.

    The provider still has what it made in the last days.  A storage that was down for a minute has lost nothing.
    """
    found = db.execute(
        "SELECT t.id FROM tasks t JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE task_id = t.id)"
        " WHERE t.state=? AND t.live AND NOT t.rejected AND t.error_class IN (?,?) AND t.request_id IS NOT NULL"
        " AND a.outcome='failed' AND a.request_id = t.request_id AND a.intent_at > ? ORDER BY t.id",
        (State.FAILED, *ASKED_AGAIN, now - KEPT_S),
    )
    tasks = [int(task) for (task,) in found]
    for task in tasks:
        _accept(db, task, "failed")
        db.execute(
            "UPDATE tasks SET state=?, error_class=NULL, error=NULL, http_status=NULL, finished_at=NULL WHERE state=?"
            " AND live AND NOT rejected AND attempts=0 AND fingerprint=(SELECT fingerprint FROM tasks WHERE id=?)",
            (State.PLANNED, State.FAILED, task),
        )
    return len(tasks)


def _reopen(db: sqlite3.Connection, task: int, gone: set[int], now: float) -> Reopened:
    reused_from, request_id, finished_at, live = db.execute(
        "SELECT reused_from, request_id, finished_at, live FROM tasks WHERE id=?", (task,)
    ).fetchone()
    if reused_from is not None:
        _plan(db, task)
        return Reopened(copy=1)
    if request_id is not None and now - (finished_at or 0.0) < KEPT_S:
        _accept(db, task, "done")
        return Reopened(fetch=1)
    if not live:
        _lose(db, task, now)
        return Reopened(lost=1)
    _plan(db, task)
    return Reopened(copy=1) if _hand_over(db, task, gone) else Reopened(pay=1)


def _plan(db: sqlite3.Connection, task: int) -> None:
    db.execute(
        "UPDATE tasks SET state=?, reused_from=NULL, finished_at=NULL, request_id=NULL WHERE id=?",
        (State.PLANNED, task),
    )
    db.execute("DELETE FROM outputs WHERE task_id=?", (task,))


def _accept(db: sqlite3.Connection, task: int, outcome: str) -> None:
    """As before its end, whose *outcome* stands: the bill becomes a reservation until it is told again."""
    found = db.execute(
        "SELECT id, coalesce(billed_nano, 0) FROM attempts WHERE task_id=? AND outcome=? ORDER BY id DESC LIMIT 1",
        (task, outcome),
    ).fetchone()
    attempt, billed = found or (0, 0)
    db.execute(
        "UPDATE tasks SET state=?, finished_at=NULL, billed_nano=nullif(coalesce(billed_nano, 0) - ?, 0) WHERE id=?",
        (State.SUBMITTED, billed, task),
    )
    db.execute(
        "UPDATE attempts SET outcome='submitted', held_nano=held_nano + ?, billed_nano=NULL WHERE id=?",
        (billed, attempt),
    )


def _lose(db: sqlite3.Connection, task: int, now: float) -> None:
    db.execute(
        "UPDATE tasks SET state=?, error_class=?, error='its file is gone, and the provider keeps outputs for a week',"
        " finished_at=? WHERE id=?",
        (State.FAILED, ErrorClass.LOST, now, task),
    )


def _hand_over(db: sqlite3.Connection, task: int, gone: set[int]) -> bool:
    """Let a task that has a copy of the lost output be the one that others copy from; False when there is none."""
    for (twin,) in db.execute("SELECT id FROM tasks WHERE reused_from=? AND state='done' ORDER BY id", (task,)):
        if twin not in gone:
            db.execute("UPDATE tasks SET reused_from=NULL WHERE id=?", (twin,))
            return True
    return False
