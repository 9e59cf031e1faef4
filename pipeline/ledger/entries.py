"""What happens to a task, as changes of the ledger: one function per event, each a step of the order of writes.

    planned ─ intent ─┬─ not_sent / refused ──▶ planned or failed       nothing was billed
                      ├─ doubt ───────────────▶ in_doubt                perhaps billed
                      └─ accepted ────────────▶ submitted ─┬─ done      billed, output on disk
                                                           ├─ put_off   billed or not, asked for again later
                                                           └─ gave_up   billed or not, no output

Every function takes the connection first and runs inside the writer's transaction.  Knows SQL, never the network.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from pipeline.ledger import uploads
from pipeline.ledger.events import AlreadyPaid, Intent, NotOpen, Receipt, Verdict, kept
from pipeline.ledger.loading import TASK_COLUMNS, load
from pipeline.task import SavedImage, State, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ledger.journal import Journal


NEW_BILL = (
    "billed_nano=CASE WHEN :billed IS NULL THEN billed_nano ELSE coalesce(billed_nano, 0) + :billed"
    " - coalesce((SELECT billed_nano FROM attempts WHERE id=:attempt), 0) END"
)
"""What an attempt was billed, in place of what it was known to be billed so far; NULL changes nothing."""


def intent(db: sqlite3.Connection, journal: Journal, meant: Intent) -> int:
    """Step 3 of the order of writes: nothing is sent before this is on disk.  Returns the attempt's id."""
    task = meant.task
    try:
        changed = db.execute(
            "UPDATE tasks SET state=?, attempts=attempts+1, run_id=?, submitted_at=?, seed=coalesce(?, seed),"
            " error_class=NULL, error=NULL, http_status=NULL, finished_at=NULL WHERE id=? AND state=?",
            (State.INTENT, meant.run_id, meant.at, meant.seed, task.id, State.PLANNED),
        ).rowcount
    except sqlite3.IntegrityError as error:
        raise AlreadyPaid from error
    if changed != 1:
        raise NotOpen
    attempt = db.execute(
        "INSERT INTO attempts (task_id, run_id, intent_at, seed, reservation, held_nano, sent) VALUES (?,?,?,?,?,?,?)",
        (task.id, meant.run_id, meant.at, meant.seed, meant.reservation, meant.held_nano, kept(meant.sent)),
    ).lastrowid
    journal.note(
        event="intent",
        attempt=attempt,
        task=task.id,
        key=task.key,
        step=task.step,
        endpoint=task.endpoint,
        params=task.params,
        fingerprint=task.fingerprint.hex(),
        run=meant.run_id,
        at=meant.at,
        seed=meant.seed,
        held=meant.held_nano,
        reservation=meant.reservation,
        sent=meant.sent,
    )
    return int(attempt or 0)


def accepted(
    db: sqlite3.Connection, journal: Journal, *, task_id: int, attempt: int, request_id: str, at: float
) -> None:
    """Step 5: from here on the task is fetched, never sent again."""
    db.execute(
        "UPDATE tasks SET state=?, request_id=?, submitted_at=? WHERE id=?",
        (State.SUBMITTED, request_id, at, task_id),
    )
    db.execute("UPDATE attempts SET outcome='submitted', request_id=? WHERE id=?", (request_id, attempt))
    journal.note(event="accepted", attempt=attempt, task=task_id, request=request_id, at=at)


def refused(db: sqlite3.Connection, *, task_id: int, attempt: int, verdict: Verdict, final: bool) -> int:
    """The call was answered with a refusal, or never left: not billed, and open again unless *final*.

    Returns how many twins failed with it.
    """
    _close(db, attempt, "refused", verdict, billed=0)
    _end(db, task_id, State.FAILED if final else State.PLANNED, verdict)
    return fail_twins(db, task_id, verdict) if final else 0


def doubt(db: sqlite3.Connection, *, task_id: int, attempt: int, verdict: Verdict) -> None:
    """Sent, no answer, perhaps billed: the reservation stays until somebody knows."""
    db.execute(
        "UPDATE attempts SET outcome='in_doubt', http_status=?, error_class=?, error=? WHERE id=?",
        (verdict.http_status, verdict.error_class, verdict.error, attempt),
    )
    _end(db, task_id, State.IN_DOUBT, verdict)


def gave_up(
    db: sqlite3.Connection,
    *,
    task_id: int,
    attempt: int,
    verdict: Verdict,
    billed_nano: int | None,
    reopen: bool = False,
) -> int:
    """An accepted task without an output: *billed_nano* is 0 when not billed, None when nobody said.

    Returns how many twins failed with it.
    """
    _add_to_bill(db, task_id, attempt, billed_nano)
    _close(db, attempt, "failed", verdict, billed=billed_nano)
    _end(db, task_id, State.PLANNED if reopen else State.FAILED, verdict)
    return 0 if reopen else fail_twins(db, task_id, verdict)


def put_off(db: sqlite3.Connection, *, task_id: int, verdict: Verdict) -> None:
    """An accepted task that cannot be had at present: it stays what it is, and the ledger keeps why."""
    db.execute(
        "UPDATE tasks SET error_class=?, error=?, http_status=? WHERE id=?",
        (verdict.error_class, verdict.error, verdict.http_status, task_id),
    )


def done(
    db: sqlite3.Connection, *, task_id: int, attempt: int, receipt: Receipt, images: Sequence[SavedImage]
) -> list[Task]:
    """Step 7: the output stands on disk under its final name; now the ledger may say so.

    Returns the planned tasks with the same body: the output is theirs as well.
    """
    db.execute(
        "UPDATE tasks SET state=:state, finished_at=:at, latency_s=coalesce(:latency, latency_s),"  # noqa: S608  # constant text
        " request_id=coalesce(:request, request_id),"
        f" {NEW_BILL}, seed=coalesce(:seed, seed), error_class=NULL, error=NULL, http_status=NULL WHERE id=:task",
        {
            "state": State.DONE,
            "at": receipt.at,
            "latency": receipt.latency_s,
            "request": receipt.request_id,
            "billed": receipt.billed_nano,
            "attempt": attempt,
            "seed": receipt.seed,
            "task": task_id,
        },
    )
    db.execute(
        "UPDATE attempts SET outcome='done', closed_at=?, billed_nano=coalesce(?2, billed_nano),"
        " request_id=coalesce(?, request_id),"
        " held_nano=CASE WHEN coalesce(?2, billed_nano) IS NULL THEN held_nano ELSE 0 END, error_class=NULL, error=NULL"
        " WHERE id=?",
        (receipt.at, receipt.billed_nano, receipt.request_id, attempt),
    )
    _outputs(db, task_id, images)
    if receipt.signature is not None and receipt.billed_nano is not None:
        _learn(db, task_id, receipt.signature, receipt.billed_nano)
    return _planned_twins(db, task_id)


def reused(
    db: sqlite3.Connection, *, task_id: int, source_id: int, at: float, run_id: str, images: Sequence[SavedImage]
) -> None:
    """The same body was paid before: its output is this task's as well, at no cost."""
    db.execute(
        "UPDATE tasks SET state=?, finished_at=?, reused_from=?, run_id=?, billed_nano=NULL, error_class=NULL,"
        " error=NULL, http_status=NULL, seed=(SELECT seed FROM tasks WHERE id=?) WHERE id=? AND state=?",
        (State.DONE, at, source_id, run_id, source_id, task_id, State.PLANNED),
    )
    _outputs(db, task_id, images)


def failed_unsent(db: sqlite3.Connection, *, task_id: int, verdict: Verdict) -> list[Task]:
    """The task cannot be sent at all.

    Returns the planned tasks with the same body: they name the same content, perhaps by a better path.
    """
    if db.execute("SELECT 1 FROM tasks WHERE id=? AND state=?", (task_id, State.PLANNED)).fetchone():
        _end(db, task_id, State.FAILED, verdict)  # else it was settled since it was handed out
    return _planned_twins(db, task_id)


def moved(db: sqlite3.Connection, *, old: str, new: str, task_id: int | None = None) -> None:
    """An output was moved aside: ``old`` and ``new`` are relative to the folder.

    Without *task_id*, whose it was has to be looked for: 16 ms among 200,000 outputs.
    """
    if task_id is None:
        db.execute("UPDATE outputs SET path=? WHERE path=?", (new, old))
    else:
        # A task that shares the file has the same body: after its row had left and returned, two tasks name one file.
        db.execute(
            "UPDATE outputs SET path=? WHERE path=? AND (task_id=? OR task_id IN"
            " (SELECT id FROM tasks WHERE fingerprint = (SELECT fingerprint FROM tasks WHERE id=?)))",
            (new, old, task_id, task_id),
        )


def _close(db: sqlite3.Connection, attempt: int, outcome: str, verdict: Verdict, *, billed: int | None) -> None:
    uploads.forget_blamed(db, attempt, verdict.error_class, verdict.error)
    db.execute(
        "UPDATE attempts SET outcome=?, closed_at=?, http_status=?, error_class=?, error=?,"
        " billed_nano=coalesce(?6, billed_nano),"
        " held_nano=CASE WHEN coalesce(?6, billed_nano) IS NULL THEN held_nano ELSE 0 END WHERE id=?",
        (
            outcome,
            verdict.at,
            verdict.http_status,
            verdict.error_class,
            verdict.error,
            billed,
            attempt,
        ),
    )


def _end(db: sqlite3.Connection, task_id: int, state: State, verdict: Verdict) -> None:
    db.execute(
        "UPDATE tasks SET state=?, error_class=?, error=?, http_status=?, finished_at=? WHERE id=?",
        (
            state,
            verdict.error_class,
            verdict.error,
            verdict.http_status,
            verdict.at if state in (State.FAILED, State.IN_DOUBT) else None,
            task_id,
        ),
    )


def _planned_twins(db: sqlite3.Connection, task_id: int) -> list[Task]:
    found = db.execute(
        f"SELECT {TASK_COLUMNS} FROM tasks t WHERE t.state='planned' AND t.live"  # noqa: S608  # constant text
        " AND t.fingerprint=(SELECT fingerprint FROM tasks WHERE id=?)",
        (task_id,),
    )
    return [load(record) for record in found]


def fail_twins(db: sqlite3.Connection, task_id: int, verdict: Verdict) -> int:
    """Tasks with the same body would fail the same way: they fail without being sent."""
    return db.execute(
        "UPDATE tasks SET state='failed', error_class=?, error=?, http_status=?, finished_at=? WHERE state='planned'"
        " AND live AND fingerprint=(SELECT fingerprint FROM tasks WHERE id=?)",
        (verdict.error_class, f"the same call failed: {verdict.error}", verdict.http_status, verdict.at, task_id),
    ).rowcount


def _learn(db: sqlite3.Connection, task_id: int, signature: str, billed: int) -> None:
    db.execute(
        "INSERT INTO prices SELECT endpoint, ?, 1, ?, ?, ? FROM tasks WHERE id=?"
        " ON CONFLICT DO UPDATE SET calls=calls+1, sum_nano=sum_nano+excluded.sum_nano,"
        " least_nano=min(least_nano, excluded.least_nano), most_nano=max(most_nano, excluded.most_nano)",
        (signature, billed, billed, billed, task_id),
    )


def _add_to_bill(db: sqlite3.Connection, task_id: int, attempt: int, billed_nano: int | None) -> None:
    if billed_nano is not None:
        values = {"billed": billed_nano, "attempt": attempt, "task": task_id}
        db.execute(f"UPDATE tasks SET {NEW_BILL} WHERE id=:task", values)  # noqa: S608  # constant text


def _outputs(db: sqlite3.Connection, task_id: int, images: Sequence[SavedImage]) -> None:
    # A path belongs to the task that wrote it last: an older owner's file was moved aside before.
    db.execute("DELETE FROM outputs WHERE task_id=?", (task_id,))
    db.executemany(
        "INSERT INTO outputs VALUES (?,?,?,?,?,?,?,?,?)",
        [output_record(task_id, n, image) for n, image in enumerate(images, 1)],
    )


def output_record(task_id: int, n: int, image: SavedImage) -> tuple[object, ...]:
    """The *n*-th output of a task, as the table has it."""
    return (
        task_id,
        n,
        image.path,
        image.size_bytes,
        image.sha256,
        image.width,
        image.height,
        image.content_type,
        image.ai_label,
    )
