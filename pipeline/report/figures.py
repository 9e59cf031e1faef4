"""The numbers of a folder: tasks, money, latency, rate over time.  One set for page, terminal and notebook.

Money in USD, times in Unix seconds, durations in seconds.  Plain values, ready for JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.ledger import counts, gallery
from pipeline.money import usd

if TYPE_CHECKING:
    import sqlite3

RUNS = 12
EDGES_S = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 90, 120, 150, 180, 240, 300, 600)
"""Lower edges of the latency histogram; the last bin has no upper edge."""
RATE_S = 60.0
"""Seconds over which a live rate is taken."""


def figures(db: sqlite3.Connection) -> dict[str, Any]:
    """Everything that is counted in the folder as it stands."""
    return {**headline(db), "endpoints": endpoints(db), "latency": latency(db), "runs": runs(db)}


def headline(db: sqlite3.Connection) -> dict[str, Any]:
    """Tasks by state and money: what changes while a run goes on."""
    billed, held = gallery.spent(db)
    tasks, estimate_nano = counts.counts_and_estimate(db)
    doubtful, at_stake = counts.doubtful(db)
    return {
        "provider": gallery.facts(db).get("provider", ""),
        "rows": counts.rows(db),
        "tasks": asdict(tasks),
        "cost": {
            "estimated_usd": usd(estimate_nano),
            "billed_usd": usd(billed),
            "superseded_usd": usd(billed - gallery.spent_on_live(db)),
            "reserved_usd": usd(held),
            "at_stake_usd": usd(at_stake),
        },
        "doubtful": doubtful,
    }


def endpoints(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Tasks and money per endpoint; ``saved_usd`` is what sharing outputs of equal calls did not cost."""
    names = ("endpoint", "tasks", "done", "failed", "open", "in_doubt", "paid")
    return [
        {
            **dict(zip(names, line, strict=False)),
            "estimated_usd": usd(line[7]),
            "billed_usd": usd(line[8]),
            "saved_usd": usd(line[9]),
            "invalid": line[10],
        }
        for line in gallery.endpoint_money(db)
    ]


def latency(db: sqlite3.Connection) -> dict[str, Any]:
    """Histogram per endpoint over EDGES_S, with median and 95th percentile."""
    seconds: dict[str, list[float]] = {}
    for endpoint, value in gallery.latencies(db):
        seconds.setdefault(endpoint, []).append(value)
    edges = np.array([*EDGES_S, np.inf])
    found = {}
    for endpoint, values in sorted(seconds.items()):
        median, high = np.percentile(values, (50, 95))
        found[endpoint] = {
            "counts": np.histogram(values, edges)[0].tolist(),
            "median_s": round(float(median), 2),
            "p95_s": round(float(high), 2),
        }
    return {"edges_s": list(EDGES_S), "endpoints": found}


def runs(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """The newest runs, newest first, each with what it sent over time (None when it sent nothing)."""
    return [_run(db, record) for record in gallery.runs(db, RUNS)]


def live(db: sqlite3.Connection, run_id: str, now: float) -> dict[str, Any]:
    """The rates of a run that goes on, over the last minute."""
    calls, limited, done = gallery.sent_since(db, run_id, now - RATE_S)
    return {"calls_per_minute": calls, "limited_per_minute": limited, "done_per_minute": done}


def _run(db: sqlite3.Connection, record: dict[str, Any]) -> dict[str, Any]:
    summary = json.loads(record["summary"] or "{}")
    timeline = gallery.timeline(db, record["id"])
    return {
        "id": record["id"],
        "command": record["command"],
        "started_at": record["started_at"],
        "finished_at": record["finished_at"],
        "stopped_by": record["stopped_by"],
        "cap_reached": summary.get("this_run", {}).get("cap_reached"),
        "exit_code": record["exit_code"],
        "requests": summary.get("requests"),
        "message": summary.get("message"),
        "timeline": timeline and timeline._asdict(),
    }
