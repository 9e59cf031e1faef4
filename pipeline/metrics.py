"""The state of a folder in Prometheus' text format.  The names are a promise to dashboards.

Reads the ledger; what only a run knows comes in as `Running`.  Writes no file and opens no port.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pipeline.money import usd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

BUCKETS_S = (1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600)
"""Upper bounds of the latency histogram: the five endpoints take 2 to 70 seconds on average."""


class Metric(NamedTuple):
    """What a metric is called, its type, and what it says."""

    name: str
    kind: str
    help: str


METRICS = (
    Metric("photobatch_tasks", "gauge", "Tasks of the manifest by endpoint and state."),
    Metric("photobatch_rows", "gauge", "Rows of the manifest."),
    Metric("photobatch_billed_usd", "gauge", "What the folder was billed in all, by endpoint."),
    Metric("photobatch_reserved_usd", "gauge", "What is set aside for calls whose bill is not known."),
    Metric("photobatch_balance_usd", "gauge", "The account's balance, as the provider told it last."),
    Metric("photobatch_call_seconds", "histogram", "From sending a call to having its image, by endpoint."),
    Metric("photobatch_run_calls", "gauge", "Calls sent by this run, or the last one."),
    Metric("photobatch_run_http_429", "gauge", "Answers 'too many requests' of this run, or the last one."),
    Metric("photobatch_run_http_5xx", "gauge", "Answers 5xx of this run, or the last one."),
    Metric("photobatch_run_in_flight", "gauge", "Calls under way."),
    Metric("photobatch_run_seconds", "gauge", "How long this run has lasted, or the last one did."),
    Metric("photobatch_run_billed_usd", "gauge", "What this run was billed, or the last one."),
    Metric("photobatch_last_run_timestamp_seconds", "gauge", "When the last run ended, as Unix time."),
    Metric("photobatch_last_success_timestamp_seconds", "gauge", "When a run last ended with exit code 0."),
    Metric("photobatch_last_exit_code", "gauge", "Exit code of the last run that ended."),
)
"""Every metric, in the order in which they are written."""

STATES = ("planned", "intent", "submitted", "done", "failed", "in_doubt", "invalid")


@dataclass(frozen=True)
class Running:
    """What a run knows of itself.  Money in nano-dollars, times in seconds."""

    calls: int = 0
    http_429: int = 0
    http_5xx: int = 0
    in_flight: int = 0
    elapsed_s: float = 0.0
    billed_nano: int = 0
    balance_nano: int | None = None


@dataclass
class Samples:
    """Lines of values by metric."""

    by_name: dict[str, list[str]] = field(default_factory=dict)

    def put(self, name: str, value: float, *, suffix: str = "", **labels: str) -> None:
        """One value of the metric *name*."""
        words = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        line = f"{name}{suffix}{{{words}}} {value:.10g}" if words else f"{name}{suffix} {value:.10g}"
        self.by_name.setdefault(name, []).append(line)


def exposition(db: sqlite3.Connection, running: Running) -> str:
    """The whole text, of the folder behind *db* and the run."""
    samples = Samples()
    _folder(db, samples)
    _latencies(db, samples)
    _run(running, samples)
    _ends(db, samples)
    return "".join(_text(samples.by_name))


def _folder(db: sqlite3.Connection, samples: Samples) -> None:
    counted = {
        (slug, state): count
        for slug, state, count in db.execute("SELECT endpoint, state, count(*) FROM tasks WHERE live GROUP BY 1, 2")
    }
    for slug in sorted({slug for slug, _ in counted}):
        for state in STATES:  # zeros as well: a series that comes and goes cannot be alerted on
            samples.put("photobatch_tasks", counted.get((slug, state), 0), endpoint=slug, state=state)
    samples.put("photobatch_rows", db.execute("SELECT count(*) FROM rows WHERE live").fetchone()[0])
    for slug, billed in db.execute(
        "SELECT endpoint, coalesce(sum(billed_nano), 0) FROM tasks WHERE billed_nano IS NOT NULL GROUP BY 1 ORDER BY 1"
    ):
        samples.put("photobatch_billed_usd", usd(billed), endpoint=slug)
    held = db.execute("SELECT coalesce(sum(held_nano), 0) FROM attempts").fetchone()[0]
    samples.put("photobatch_reserved_usd", usd(held))


def _latencies(db: sqlite3.Connection, samples: Samples) -> None:
    below = ", ".join("sum(latency_s <= ?)" for _ in BUCKETS_S)
    name = "photobatch_call_seconds"
    query = f"SELECT endpoint, count(*), sum(latency_s), {below} FROM tasks WHERE latency_s IS NOT NULL GROUP BY 1"  # noqa: S608  # question marks only
    for slug, count, total_s, *counts in db.execute(query, BUCKETS_S):
        for bound, value in zip(BUCKETS_S, counts, strict=True):
            samples.put(name, value, suffix="_bucket", endpoint=slug, le=f"{bound:g}")
        samples.put(name, count, suffix="_bucket", endpoint=slug, le="+Inf")
        samples.put(name, total_s, suffix="_sum", endpoint=slug)
        samples.put(name, count, suffix="_count", endpoint=slug)


def _run(running: Running, samples: Samples) -> None:
    if running.balance_nano is not None:
        samples.put("photobatch_balance_usd", usd(running.balance_nano))
    samples.put("photobatch_run_calls", running.calls)
    samples.put("photobatch_run_http_429", running.http_429)
    samples.put("photobatch_run_http_5xx", running.http_5xx)
    samples.put("photobatch_run_in_flight", running.in_flight)
    samples.put("photobatch_run_seconds", round(running.elapsed_s, 3))
    samples.put("photobatch_run_billed_usd", usd(running.billed_nano))


def _ends(db: sqlite3.Connection, samples: Samples) -> None:
    query = "SELECT finished_at, exit_code FROM runs WHERE finished_at IS NOT NULL {} ORDER BY finished_at DESC LIMIT 1"
    last = db.execute(query.format("")).fetchone()
    if last is not None:
        samples.put("photobatch_last_run_timestamp_seconds", last[0])
        samples.put("photobatch_last_exit_code", last[1])
    success = db.execute(query.format("AND exit_code = 0")).fetchone()
    if success is not None:
        samples.put("photobatch_last_success_timestamp_seconds", success[0])


def _text(by_name: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for metric in METRICS:
        if metric.name in by_name:
            yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
            yield "".join(f"{line}\n" for line in by_name[metric.name])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
