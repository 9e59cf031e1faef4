"""What a gallery asks the ledger: every live task with its output, the runs, and what changed since it looked last.

Read-only functions of a connection.  Streams: a folder may hold a million tasks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.ledger import attempts

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence


class Entry(NamedTuple):
    """One live task.  Money in nano-dollars, times in Unix seconds; the output is the first of ``images``."""

    id: int
    key: str
    step: str
    endpoint: str
    state: str
    decision: str | None
    note: str | None
    error_class: str | None
    error: str | None
    http_status: int | None
    attempts: int
    estimate_nano: int | None
    billed_nano: int | None
    request_id: str | None
    seed: int | None
    planned_at: float
    submitted_at: float | None
    finished_at: float | None
    latency_s: float | None
    reused_from: int | None
    replaces: int | None
    redriven: int
    """1 when a decision brought it about."""
    params: str
    image_source: str | None
    path: str | None
    size_bytes: int | None
    sha256: str | None
    width: int | None
    height: int | None
    content_type: str | None
    images: int
    row: int
    header_id: int
    cells: str


class Timeline(NamedTuple):
    """What a run sent over time: counts per bucket of ``bucket_s`` seconds from ``start`` (Unix time) on."""

    start: float
    bucket_s: float
    sent: list[int]
    limited: list[int]
    """Calls answered 429."""
    failed: list[int]


ENTRIES = """
SELECT t.id, t.key, t.step, t.endpoint, t.state, t.decision, t.note, t.error_class, t.error, t.http_status, t.attempts,
       t.estimate_nano, t.billed_nano, t.request_id, t.seed, t.planned_at, t.submitted_at, t.finished_at, t.latency_s,
       t.reused_from, t.replaces, t.wish IS NOT NULL, t.params, t.image_source, o.path, o.size_bytes, o.sha256,
       o.width, o.height, o.content_type, (SELECT count(*) FROM outputs WHERE task_id = t.id), r.number, r.header_id,
       r.cells
FROM tasks t JOIN rows r ON r.id = t.row_id LEFT JOIN outputs o ON o.task_id = t.id AND o.n = 1
WHERE t.live
"""
CHANGED = "max(t.planned_at, coalesce(t.submitted_at, 0), coalesce(t.finished_at, 0))"
"""When something happened to a task last, in Unix seconds; the same as `changed_at`."""
BUCKETS = 60


def entries(db: sqlite3.Connection) -> Iterator[Entry]:
    """Every live task, oldest first."""
    return map(Entry._make, db.execute(f"{ENTRIES} ORDER BY t.id"))


def entry(db: sqlite3.Connection, task_id: int) -> Entry | None:
    """The live task *task_id*."""
    found = db.execute(f"{ENTRIES} AND t.id=?", (task_id,)).fetchone()
    return None if found is None else Entry._make(found)


def entries_named(db: sqlite3.Connection, key: str, step: str) -> list[Entry]:
    """The live task of *key* at *step*, if there is one."""
    return list(map(Entry._make, db.execute(f"{ENTRIES} AND t.key=? AND t.step=?", (key, step))))


def newest_outputs(db: sqlite3.Connection, limit: int) -> list[Entry]:
    """Tasks that were done last, newest first."""
    query = f"{ENTRIES} AND t.state='done' AND o.path IS NOT NULL ORDER BY t.finished_at DESC, t.id DESC LIMIT ?"
    return list(map(Entry._make, db.execute(query, (limit,))))


def changed_since(db: sqlite3.Connection, at: float, after: int, *, limit: int) -> list[Entry]:
    """Live tasks that changed later than *at* (Unix time), or then and with ids above *after*; the oldest change first.

    At most *limit*: go on from the last one's time and id.
    """
    query = f"{ENTRIES} AND ({CHANGED}, t.id) > (?, ?) ORDER BY {CHANGED}, t.id LIMIT ?"
    return list(map(Entry._make, db.execute(query, (at, after, limit))))


def decided_since(db: sqlite3.Connection, at: float) -> list[Entry]:
    """Live tasks about which somebody decided at or after *at* (Unix time)."""
    decisions = " AND t.id IN (SELECT task_id FROM decisions WHERE decided_at >= ?)"
    return list(map(Entry._make, db.execute(ENTRIES + decisions, (at,))))


def changed_at(each: Entry) -> float:
    """When something happened to a task last, as `changed_since` sees it."""
    return max(each.planned_at, each.submitted_at or 0.0, each.finished_at or 0.0)


def headers(db: sqlite3.Connection) -> dict[int, list[str]]:
    """The columns of every manifest whose rows are live."""
    query = "SELECT id, columns FROM headers WHERE id IN (SELECT DISTINCT header_id FROM rows WHERE live)"
    return {id_: json.loads(columns) for id_, columns in db.execute(query)}


def more_images(db: sqlite3.Connection, task_id: int) -> list[str]:
    """Paths of a task's second and further images."""
    query = "SELECT path FROM outputs WHERE task_id=? AND n > 1 ORDER BY n"
    return [str(path) for (path,) in db.execute(query, (task_id,))]


def rejected_before(db: sqlite3.Connection, key: str, step: str) -> list[dict[str, Any]]:
    """Earlier outputs of *key* at *step* that were rejected, newest first: path, note, what was to change."""
    found = db.execute(
        "SELECT o.path, d.note, d.changes, d.decided_at FROM decisions d JOIN tasks t ON t.id = d.task_id"
        " LEFT JOIN outputs o ON o.task_id = t.id AND o.n = 1"
        " WHERE d.decision='reject' AND t.key=? AND t.step=? ORDER BY d.id DESC",
        (key, step),
    )
    return [
        {"path": path, "note": note, "set": json.loads(changes), "decided_at": at} for path, note, changes, at in found
    ]


def known_files(db: sqlite3.Connection) -> dict[str, tuple[int, int, str]]:
    """(size, mtime_ns, sha256) of local images by path, as they were when they were planned."""
    query = "SELECT path, size, mtime_ns, sha256 FROM files WHERE sha256 <> '' AND problem IS NULL"
    return {path: (size, mtime_ns, sha256) for path, size, mtime_ns, sha256 in db.execute(query)}


def outputs(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """(path, sha256) of the first image of every live task that is done."""
    return db.execute(
        "SELECT o.path, o.sha256 FROM tasks t JOIN outputs o ON o.task_id = t.id AND o.n = 1 WHERE t.live"
    )


def bodies(db: sqlite3.Connection) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    """(endpoint, parameters, sha256 of the first image) of every live task."""
    found = db.execute(
        "SELECT t.endpoint, t.params, o.sha256 FROM tasks t LEFT JOIN outputs o ON o.task_id = t.id AND o.n = 1"
        " WHERE t.live"
    )
    return ((endpoint, json.loads(params), sha256) for endpoint, params, sha256 in found)


def earlier_rejections(db: sqlite3.Connection) -> dict[str, list[str]]:
    """Notes of rejections by the id of the live task that came of them: two alike would count as one."""
    found = db.execute(
        "SELECT w.id, d.note FROM decisions d JOIN tasks t ON t.id = d.task_id"
        " JOIN tasks w ON w.live AND w.key = t.key AND w.step = t.step WHERE d.decision='reject' ORDER BY d.id"
    )
    notes: dict[str, list[str]] = {}
    for task_id, note in found:
        notes.setdefault(str(task_id), []).append(note)
    return notes


def steps(db: sqlite3.Connection) -> list[str]:
    """The steps of live tasks, in the order in which they were first planned: that of the recipe."""
    found = db.execute("SELECT step FROM tasks GROUP BY step HAVING max(live) ORDER BY min(id)")
    return [str(step) for (step,) in found]


def first_run(db: sqlite3.Connection) -> str:
    """The id of the folder's first run: it names the folder, wherever it is moved."""
    found = db.execute("SELECT id FROM runs ORDER BY started_at, id LIMIT 1").fetchone()
    return str(found[0]) if found else ""


def runs(db: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    """The newest runs, newest first; ``summary`` is JSON text."""
    cursor = db.execute("SELECT * FROM runs ORDER BY started_at DESC, id DESC LIMIT ?", (limit,))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, record, strict=True)) for record in cursor]


def newest_checks(db: sqlite3.Connection) -> dict[str, Any]:
    """The thresholds of the newest recipe's ``[checks]``."""
    query = "SELECT recipe FROM runs WHERE recipe IS NOT NULL ORDER BY started_at DESC, id DESC LIMIT 1"
    found = db.execute(query).fetchone()
    checks = json.loads(found[0]).get("checks") if found else None
    return checks if isinstance(checks, dict) else {}


def timeline(db: sqlite3.Connection, run_id: str) -> Timeline | None:
    """What *run_id* sent over time; None when it sent nothing."""
    first, last = db.execute("SELECT min(intent_at), max(intent_at) FROM attempts WHERE run_id=?", (run_id,)).fetchone()
    if first is None:
        return None
    bucket_s = max(1.0, (last - first) / (BUCKETS - 1))
    count = int((last - first) / bucket_s) + 1
    sent, limited, failed = [0] * count, [0] * count, [0] * count
    for place, calls, busy, bad in db.execute(
        "SELECT CAST((intent_at - ?) / ? AS INTEGER), count(*), sum(http_status IS 429),"
        " sum(coalesce(outcome, '') IN ('failed', 'refused', 'lost') AND http_status IS NOT 429) FROM attempts"
        " WHERE run_id=? GROUP BY 1",
        (first, bucket_s, run_id),
    ):
        place = min(place, count - 1)  # noqa: PLW2901  # rounding may push the last call over the edge
        sent[place], limited[place], failed[place] = sent[place] + calls, limited[place] + busy, failed[place] + bad
    return Timeline(first, bucket_s, sent, limited, failed)


def failures(db: sqlite3.Connection) -> Iterator[tuple[str, str, str | None, str | None]]:
    """(state, endpoint, error class, error) of every live task that failed, is invalid, in doubt or put off."""
    return db.execute(
        "SELECT state, endpoint, error_class, error FROM tasks"
        " WHERE live AND (state IN ('failed', 'invalid', 'in_doubt') OR (state='submitted' AND error IS NOT NULL))"
        " ORDER BY id"
    )


def latencies(db: sqlite3.Connection) -> Iterator[tuple[str, float]]:
    """(endpoint, seconds) of every live task whose latency is known."""
    return db.execute("SELECT endpoint, latency_s FROM tasks WHERE live AND latency_s IS NOT NULL")


def endpoint_money(db: sqlite3.Connection) -> list[Sequence[Any]]:
    """(endpoint, tasks, done, failed, open, in doubt, paid, estimate, billed, estimate of the reused, invalid).

    What failed includes what is invalid; the estimate is that of the tasks that were paid for.
    """
    return list(
        db.execute(
            "SELECT endpoint, count(*), sum(state='done'), sum(state IN ('failed', 'invalid')),"
            " sum(state IN ('planned', 'intent', 'submitted')), sum(state='in_doubt'),"
            " sum(billed_nano > 0), coalesce(sum(CASE WHEN billed_nano > 0 THEN estimate_nano END), 0),"
            " coalesce(sum(billed_nano), 0), coalesce(sum(CASE WHEN reused_from IS NOT NULL THEN estimate_nano END), 0)"
            " , sum(state='invalid') FROM tasks WHERE live GROUP BY endpoint ORDER BY endpoint"
        )
    )


def spent(db: sqlite3.Connection) -> tuple[int, int]:
    """(billed, held) in nano-dollars over everything this folder ever sent."""
    query = "SELECT coalesce(sum(billed_nano), 0), coalesce(sum(held_nano), 0) FROM attempts"
    billed, held = db.execute(query).fetchone()
    return int(billed), int(held)


def spent_on_live(db: sqlite3.Connection) -> int:
    """What the tasks that count now were billed, in nano-dollars; the rest went into what was superseded."""
    return int(db.execute("SELECT coalesce(sum(billed_nano), 0) FROM tasks WHERE live").fetchone()[0])


def sent_since(db: sqlite3.Connection, run_id: str, at: float) -> tuple[int, int, int]:
    """(calls, calls answered 429, tasks done) of *run_id* since *at*."""
    calls, limited = attempts.sent_since(db, run_id, at)
    done = db.execute(
        "SELECT count(*) FROM tasks WHERE run_id=? AND state='done' AND finished_at >= ?", (run_id, at)
    ).fetchone()[0]
    return calls, limited, int(done)


def facts(db: sqlite3.Connection) -> dict[str, str]:
    """What the folder is: its provider and base URL."""
    return dict(db.execute("SELECT name, value FROM meta"))
