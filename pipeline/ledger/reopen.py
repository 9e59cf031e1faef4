"""Tasks that were paid for and whose output is missing or altered, or never came: opened in the way that costs least.

A task that shared another's output copies it again.  What the provider made in the last days it still has, so the
task becomes accepted again and is fetched at no cost.  Only what is older and missing has to be paid for once more,
or is given up as lost until somebody asks for it; what is altered is there, and stays.  Every function runs inside a
transaction of the caller.  Knows SQL, never files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import ErrorClass
from pipeline.ledger.schema import paid_or_at_risk
from pipeline.task import State

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

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
ASIDE = "FROM outputs o JOIN tasks t ON t.id = o.task_id WHERE t.state='done' AND NOT t.live"
GIVEN_UP = "FROM outputs o JOIN tasks t ON t.id = o.task_id WHERE t.live AND t.state='failed' AND t.error_class='lost'"
SAME_BODY = f"w.fingerprint = tasks.fingerprint AND w.id <> tasks.id AND {paid_or_at_risk('w.')}"
"""Another task that has paid for the same body: whoever shares it copies from there."""


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
    given_up: int = 0
    """Failed as lost: paid for again when somebody asks for it."""
    kept: int = 0
    """Altered and left so: only another payment would bring the original back."""
    pay_nano: int = 0
    """What those that are paid for, or cannot be shared any more, will cost in about, in nano-dollars."""

    def __bool__(self) -> bool:
        return any(tuple(self))

    def __str__(self) -> str:
        words = (
            (self.fetch, "to be fetched again, at no cost"),
            (self.copy, "copied again"),
            (self.pay, "paid for again, for the provider keeps outputs for a week"),
            (self.given_up, "given up as lost: `photobatch resume DIR --only lost` pays for them once more"),
            (self.kept, "altered ones left as they are: `photobatch ledger DIR --check` names them"),
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


def reopen(
    db: sqlite3.Connection,
    missing: Collection[int],
    now: float,
    *,
    altered: Collection[int] = (),
    pay: bool = True,
) -> Reopened:
    """Open finished tasks again: with *missing* outputs, and with *altered* ones where that is free.

    ``pay``: what can only be paid for is planned; else it is given up.  ``now`` is Unix time.
    """
    gone = {*missing, *altered}
    counted = Reopened()
    for task in sorted(gone, key=lambda task: (_shares(db, task), task)):  # first those that others copy from
        counted = counted.plus(_reopen(db, task, gone, now, is_there=task not in missing, pay=pay))
    return counted


def ask_again(db: sqlite3.Connection, now: float) -> int:
    """Take up again, at no cost, what was accepted and gave no usable output; returns how many tasks that are.

    The provider still has what it made in the last days.  A storage that was down for a minute has lost nothing.
    One whose body another task has paid for since, or is waiting for, stays as it is: no two may be at risk for it.
    """
    found = db.execute(
        "SELECT t.id FROM tasks t JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE task_id = t.id)"
        " WHERE t.state=? AND t.live AND NOT t.rejected AND t.error_class IN (?,?) AND t.request_id IS NOT NULL"
        " AND a.outcome='failed' AND a.request_id = t.request_id AND a.intent_at > ? ORDER BY t.id",
        (State.FAILED, *ASKED_AGAIN, now - KEPT_S),
    )
    asked = 0
    elsewhere = f"SELECT 1 FROM tasks JOIN tasks w ON {SAME_BODY} WHERE tasks.id=? LIMIT 1"  # noqa: S608  # constant text
    for (task,) in found.fetchall():
        if db.execute(elsewhere, (task,)).fetchone():
            continue
        asked += 1
        _accept(db, task, "failed")
        db.execute(
            "UPDATE tasks SET state=?, error_class=NULL, error=NULL, http_status=NULL, finished_at=NULL WHERE state=?"
            " AND live AND NOT rejected AND attempts=0 AND fingerprint=(SELECT fingerprint FROM tasks WHERE id=?)",
            (State.PLANNED, State.FAILED, task),
        )
    return asked


def given_up(db: sqlite3.Connection) -> Iterator[Standing]:
    """The outputs of tasks that were given up as lost."""
    query = f"SELECT o.task_id, o.path, o.size_bytes, o.sha256, o.n {GIVEN_UP} ORDER BY o.task_id, o.n"
    return map(Standing._make, db.execute(query))


def taken(db: sqlite3.Connection) -> set[str]:
    """Places of superseded outputs at which, as the ledger says, another task's output stands."""
    return {str(path) for (path,) in db.execute(f"SELECT o.path {ASIDE} INTERSECT SELECT o.path {STANDING}")}


def lose_taken(db: sqlite3.Connection, now: float) -> None:
    """Let nobody copy a superseded output from a place where another stands by now."""
    places = taken(db)
    for task in {int(task) for task, path in db.execute(f"SELECT t.id, o.path {ASIDE}") if path in places}:
        _lose(db, task, now)


def returned(db: sqlite3.Connection, task: int) -> None:
    """Finish a task again that was given up: its outputs are there after all.  It shares a body that was paid since."""
    db.execute(
        "UPDATE tasks SET state='done', error_class=NULL, error=NULL,"  # noqa: S608  # constant text
        f" reused_from=(SELECT w.id FROM tasks w WHERE {SAME_BODY} LIMIT 1) WHERE id=?",
        (task,),
    )


def _reopen(db: sqlite3.Connection, task: int, gone: set[int], now: float, *, is_there: bool, pay: bool) -> Reopened:
    reused_from, request_id, finished_at, live, cost = db.execute(
        "SELECT reused_from, request_id, finished_at, live, coalesce(estimate_nano, billed_nano, 0) FROM tasks"
        " WHERE id=?",
        (task,),
    ).fetchone()
    if reused_from is not None:
        return _copy_again(db, task, gone, finished_at, is_there=is_there, pay=pay)
    if request_id is not None and now - (finished_at or 0.0) < KEPT_S:
        _accept(db, task, "done")
        return Reopened(fetch=1)
    if live and (twin := _whole_twin(db, task, gone)) is not None:
        _plan(db, task)
        db.execute("UPDATE tasks SET reused_from=NULL WHERE id=?", (twin,))
        return Reopened(copy=1)
    if is_there:
        return Reopened(kept=1)
    if live and pay:
        _plan(db, task)
        return Reopened(pay=1, pay_nano=cost)
    _lose(db, task, finished_at if live else now)
    return Reopened(given_up=1) if live else Reopened(lost=1, pay_nano=cost)


def _copy_again(
    db: sqlite3.Connection, task: int, gone: set[int], finished_at: float | None, *, is_there: bool, pay: bool
) -> Reopened:
    """The same for a task that shares another's output, once that one was seen to."""
    paid = f"SELECT w.id, w.state FROM tasks JOIN tasks w ON {SAME_BODY} WHERE tasks.id=?"  # noqa: S608  # constant text
    sources = db.execute(paid, (task,)).fetchall()
    if is_there and all(source in gone and state == State.DONE for source, state in sources):
        return Reopened(kept=1)
    if not (is_there or pay or sources):
        _lose(db, task, finished_at)
        return Reopened(given_up=1)
    _plan(db, task)
    return Reopened(copy=1)


def _plan(db: sqlite3.Connection, task: int) -> None:
    db.execute(
        "UPDATE tasks SET state=?, reused_from=NULL, finished_at=NULL, request_id=NULL WHERE id=?",
        (State.PLANNED, task),
    )
    db.execute("DELETE FROM outputs WHERE task_id=?", (task,))


def _accept(db: sqlite3.Connection, task: int, outcome: str) -> None:
    """As before its end, whose *outcome* stands.  What it was billed stays billed, whatever comes of it now."""
    db.execute("UPDATE tasks SET state=?, finished_at=NULL WHERE id=?", (State.SUBMITTED, task))
    db.execute(
        "UPDATE attempts SET outcome='submitted' WHERE id=(SELECT max(id) FROM attempts WHERE task_id=? AND outcome=?)",
        (task, outcome),
    )


def _lose(db: sqlite3.Connection, task: int, at: float | None) -> None:
    """Where its outputs stood is not forgotten: a disk may come back."""
    db.execute(
        "UPDATE tasks SET state=?, error_class=?, error='its file is gone, and the provider keeps outputs for a week',"
        " finished_at=?, reused_from=NULL WHERE id=?",
        (State.FAILED, ErrorClass.LOST, at, task),
    )


def _shares(db: sqlite3.Connection, task: int) -> bool:
    return bool(db.execute("SELECT reused_from IS NOT NULL FROM tasks WHERE id=?", (task,)).fetchone()[0])


def _whole_twin(db: sqlite3.Connection, task: int, gone: set[int]) -> int | None:
    """A task that has a copy of the harmed output: others may copy from it."""
    twins = db.execute("SELECT id FROM tasks WHERE reused_from=? AND state='done' ORDER BY id", (task,))
    return next((int(twin) for (twin,) in twins if twin not in gone), None)
