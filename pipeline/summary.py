"""The summary of a folder and of the run that ended: one object for screen, file and hooks; and the exit code.

``total = done + failed + in_doubt + invalid + open``, always.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.exits import BY_STOP, DONE, DOUBT, PARTLY
from pipeline.ledger import counts
from pipeline.money import usd

if TYPE_CHECKING:
    import sqlite3

    from pipeline.ledger.counts import TaskCounts


def exit_code(tasks: TaskCounts, stopped_by: str | None, *, doubtful: int = 0, sent: bool = False) -> int:
    """The exit code of a run that ended like this.

    ``sent``: it has sent calls, so a manifest that turned out to be wrong is no reason to say that nothing was spent.
    """
    invalid = stopped_by == "manifest" and sent
    if stopped_by is not None and not invalid:
        return BY_STOP[stopped_by]
    if tasks.in_doubt or doubtful:
        return DOUBT
    return PARTLY if invalid or tasks.failed or tasks.invalid or tasks.open else DONE


def summarise(
    db: sqlite3.Connection,
    *,
    run_id: str | None,
    cap_nano: int | None,
    requests: dict[str, int],
    elapsed_s: float,
    stopped_by: str | None,
    message: str | None = None,
    code: int | None = None,
) -> dict[str, Any]:
    """The summary object of the folder as it stands."""
    tasks, estimate_nano = counts.counts_and_estimate(db)
    billed, held = db.execute(
        "SELECT coalesce(sum(billed_nano), 0), coalesce(sum(held_nano), 0) FROM attempts"
    ).fetchone()
    doubtful, at_stake = counts.doubtful(db)
    summary = {
        "run_id": run_id,
        "rows": counts.rows(db),
        "tasks": asdict(tasks),
        "cost": {
            "estimated_usd": usd(estimate_nano),
            "billed_usd": usd(billed),
            "reserved_usd": usd(held),
            "cap_usd": None if cap_nano is None else usd(cap_nano),
        },
        "requests": requests,
        "elapsed_s": round(elapsed_s, 3),
        "stopped_by": stopped_by,
    }
    sent = requests["submit"] > 0
    summary["exit_code"] = exit_code(tasks, stopped_by, doubtful=doubtful, sent=sent) if code is None else code
    if doubtful:
        summary["in_doubt"] = {"tasks": doubtful, "at_stake_usd": usd(at_stake)}
    waiting, why = counts.unfetched(db)
    if waiting:
        summary["unfetched"] = {"tasks": waiting, "why": why}
    if message:
        summary["message"] = message
    return summary
