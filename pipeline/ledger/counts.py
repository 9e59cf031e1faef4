"""What the ledger adds up to: tasks by state, money, what is still to be paid and what it would cost.

Read-only functions of a connection.  Superseded tasks and rows that left the manifest are not counted, except where
money hangs on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.ledger.schema import AT_RISK, paid_or_at_risk

if TYPE_CHECKING:
    import sqlite3

OPEN = ("planned", "intent", "submitted")


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """Tasks of the folder as it stands; ``done`` includes ``reused``."""

    total: int
    done: int
    reused: int
    failed: int
    in_doubt: int
    invalid: int
    open: int


@dataclass
class EndpointPlan:
    """What one endpoint has to do.  Money in nano-dollars; None when a price is unknown."""

    endpoint: str
    tasks: int = 0
    invalid: int = 0
    done: int = 0
    failed: int = 0
    under_way: int = 0
    """Sent in an earlier run, and neither done nor failed."""
    to_pay: int = 0
    duplicates: int = 0
    typical_nano: int | None = 0
    worst_nano: int | None = 0
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Invalid:
    """A task that cannot be sent, and where in the manifest the reason stands."""

    row: int
    key: str
    step: str
    endpoint: str
    reason: str


def counts_and_estimate(db: sqlite3.Connection) -> tuple[TaskCounts, int]:
    """Tasks by state; and the typical price, in nano-dollars, of all that was or will be paid for, each body once.

    In one pass: of a million tasks each pass takes half a second.
    """
    by_state: dict[str, int] = {}
    reused = estimate_nano = 0
    for state, is_reused, count, typical in db.execute(
        "SELECT state, reused_from IS NOT NULL, count(*), coalesce(sum(estimate_nano), 0)"
        " FROM tasks WHERE live GROUP BY 1, 2"
    ):
        by_state[state] = by_state.get(state, 0) + count
        reused += count if is_reused and state == "done" else 0
        estimate_nano += 0 if is_reused else typical
    waiting = sum((count - 1) * (estimate or 0) for count, estimate in _planned_twins(db))
    tasks = TaskCounts(
        total=sum(by_state.values()),
        done=by_state.get("done", 0),
        reused=reused,
        failed=by_state.get("failed", 0),
        in_doubt=by_state.get("in_doubt", 0),
        invalid=by_state.get("invalid", 0),
        open=sum(by_state.get(state, 0) for state in OPEN),
    )
    return tasks, int(estimate_nano - waiting)


def open_tasks(db: sqlite3.Connection) -> int:
    """Tasks that are neither finished nor in doubt.  From indexes: quick where few of many are left."""
    planned = db.execute("SELECT count(*) FROM tasks WHERE state='planned' AND live").fetchone()[0]
    sent = db.execute(f"SELECT count(*) FROM tasks WHERE {AT_RISK} AND state<>'in_doubt' AND live").fetchone()[0]  # noqa: S608  # constant text
    return int(planned + sent)


def open_estimate(db: sqlite3.Connection) -> int:
    """Typical price, in nano-dollars, of the open tasks whose price is known; each body is paid once."""
    planned = "SELECT coalesce(sum(estimate_nano), 0) FROM tasks WHERE state='planned' AND live"
    sent = f"SELECT coalesce(sum(estimate_nano), 0) FROM tasks WHERE {AT_RISK} AND state<>'in_doubt' AND live"  # noqa: S608  # constant text
    every = sum(int(db.execute(query).fetchone()[0]) for query in (planned, sent))
    return every - sum(count * (typical or 0) for _, count, typical, _ in _repeated(db))


def money(db: sqlite3.Connection) -> tuple[int, int, int]:
    """(billed, held) in nano-dollars over everything this folder ever sent, and how many calls hold."""
    billed, held, holders = db.execute(
        "SELECT coalesce(sum(billed_nano), 0), coalesce(sum(held_nano), 0), count(nullif(held_nano, 0)) FROM attempts"
    ).fetchone()
    return int(billed), int(held), int(holders)


def spent_since(db: sqlite3.Connection, since: float) -> int:
    """What calls sent since *since* (Unix time) were billed or hold, in nano-dollars."""
    query = "SELECT coalesce(sum(coalesce(billed_nano, 0) + held_nano), 0) FROM attempts WHERE intent_at>=?"
    return int(db.execute(query, (since,)).fetchone()[0])


def endpoints_open(db: sqlite3.Connection) -> list[str]:
    """The endpoints that have planned tasks."""
    return [str(slug) for (slug,) in db.execute("SELECT DISTINCT endpoint FROM tasks WHERE state='planned' AND live")]


def any_planned(db: sqlite3.Connection) -> bool:
    """Whether anything is still to be sent."""
    return db.execute("SELECT 1 FROM tasks WHERE state='planned' AND live LIMIT 1").fetchone() is not None


def newest_task(db: sqlite3.Connection) -> int:
    """The highest task id; 0 when there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM tasks").fetchone()[0])


def rows(db: sqlite3.Connection) -> int:
    """Rows of the manifest as it was last taken in."""
    return int(db.execute("SELECT count(*) FROM rows WHERE live").fetchone()[0])


def rows_without_tasks(db: sqlite3.Connection) -> int:
    """Rows that name no image: they make no task."""
    with_tasks = db.execute("SELECT count(*) FROM (SELECT DISTINCT row_id FROM tasks WHERE live)").fetchone()[0]
    return rows(db) - int(with_tasks)


def doubtful(db: sqlite3.Connection) -> tuple[int, int]:
    """(tasks in doubt, nano-dollars at stake), superseded ones included."""
    count = db.execute(f"SELECT count(*) FROM tasks WHERE {AT_RISK} AND state='in_doubt'").fetchone()[0]  # noqa: S608  # constant text
    held = db.execute("SELECT coalesce(sum(held_nano), 0) FROM attempts WHERE outcome='in_doubt'").fetchone()[0]
    return int(count), int(held)


def unfetched(db: sqlite3.Connection) -> tuple[int, str]:
    """(tasks that were accepted and could not be had when they were asked for last, the commonest reason)."""
    found = db.execute(
        f"SELECT count(*), error FROM tasks WHERE {AT_RISK} AND state='submitted' AND live AND error IS NOT NULL"  # noqa: S608  # constant text
        " GROUP BY error ORDER BY 1 DESC"
    ).fetchall()
    return sum(count for count, _ in found), str(found[0][1]) if found else ""


def endpoint_plans(db: sqlite3.Connection) -> list[EndpointPlan]:
    """What each endpoint has to do, and what that costs; each body is paid once."""
    plans: dict[str, EndpointPlan] = {}
    for slug, state, count, typical, worst, priced in db.execute(
        "SELECT endpoint, state, count(*), sum(estimate_nano), sum(reserve_nano), count(reserve_nano)"
        " FROM tasks WHERE live GROUP BY endpoint, state"
    ):
        plan = plans.setdefault(slug, EndpointPlan(slug))
        plan.tasks += count
        if state == "invalid":
            plan.invalid += count
        elif state == "planned":
            plan.to_pay += count
            plan.unpriced += count - priced
            plan.typical_nano = (plan.typical_nano or 0) + (typical or 0)
            plan.worst_nano = (plan.worst_nano or 0) + (worst or 0)
        elif state == "done":
            plan.done += count
        elif state == "failed":
            plan.failed += count
        else:
            plan.under_way += count
    for slug, count, typical, worst in _repeated(db):
        plan = plans[slug]
        plan.to_pay -= count
        plan.duplicates += count
        plan.typical_nano = (plan.typical_nano or 0) - count * (typical or 0)
        plan.worst_nano = (plan.worst_nano or 0) - count * (worst or 0)
    for plan in plans.values():
        if plan.unpriced:
            plan.typical_nano = plan.worst_nano = None
    return sorted(plans.values(), key=lambda plan: plan.endpoint)


def invalid_tasks(db: sqlite3.Connection, limit: int = -1) -> list[Invalid]:
    """Tasks that cannot be sent, in manifest order; all of them for a negative *limit*."""
    found = db.execute(
        "SELECT rows.number, key, step, endpoint, error FROM tasks JOIN rows ON rows.id = row_id"
        " WHERE tasks.live AND state='invalid' ORDER BY rows.number, tasks.id LIMIT ?",
        (limit,),
    )
    return [Invalid(*record) for record in found]


def standing_outputs(
    db: sqlite3.Connection, *, after: tuple[int, int] = (0, 0), limit: int = 10_000
) -> list[tuple[str, int, str, int, int]]:
    """(path, size in bytes, content type, task, n) of outputs that the ledger knows, superseded ones included.

    At most *limit*: go on *after* the last one's task and n.
    """
    query = (
        "SELECT path, size_bytes, content_type, task_id, n FROM outputs WHERE (task_id, n) > (?, ?)"
        " ORDER BY task_id, n LIMIT ?"
    )
    return db.execute(query, (*after, limit)).fetchall()


def marked_outputs(db: sqlite3.Connection) -> tuple[int, int]:
    """(outputs that say themselves that they were made by AI, all outputs) of live tasks."""
    marked, count = db.execute(
        "SELECT coalesce(sum(ai_label), 0), count(*) FROM outputs JOIN tasks ON task_id = id WHERE live"
    ).fetchone()
    return int(marked), int(count)


def _planned_twins(db: sqlite3.Connection) -> list[tuple[int, int | None]]:
    """(count, estimate) of every body that several planned tasks would send."""
    return [(count, typical) for _, count, typical, _ in _planned_groups(db)]


def _planned_groups(db: sqlite3.Connection) -> list[tuple[str, int, int | None, int | None]]:
    found = []
    for (fingerprint,) in _shared_bodies(db):
        endpoint, count, typical, worst = db.execute(
            "SELECT endpoint, count(*), max(estimate_nano), max(reserve_nano) FROM tasks"
            " WHERE fingerprint=? AND live AND state='planned'",
            (fingerprint,),
        ).fetchone()
        if count > 1:
            found.append((endpoint, count, typical, worst))
    return found


def _repeated(db: sqlite3.Connection) -> list[tuple[str, int, int | None, int | None]]:
    """(endpoint, count, typical, worst) of planned tasks that will not be paid: their body is, or was, paid once."""
    found = []
    for (fingerprint,) in _shared_bodies(db):
        planned, endpoint, typical, worst, paid = db.execute(
            "SELECT sum(live AND state='planned'), max(endpoint), max(estimate_nano), max(reserve_nano),"  # noqa: S608  # constant text
            f" max({paid_or_at_risk()}) FROM tasks WHERE fingerprint=?",
            (fingerprint,),
        ).fetchone()
        free = planned if paid else planned - 1
        if free > 0:
            found.append((endpoint, free, typical, worst))
    return found


def _shared_bodies(db: sqlite3.Connection) -> list[tuple[bytes]]:
    # Answered from the index alone: a million tasks without twins cost a fraction of a second.
    query = "SELECT fingerprint FROM tasks WHERE fingerprint IS NOT NULL GROUP BY fingerprint HAVING count(*) > 1"
    return db.execute(query).fetchall()
