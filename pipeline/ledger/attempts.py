"""Look-ups among attempts, in one pass for all that is asked for.

They have no index but by task: among 400,000, one on request ids, which come in no order, made every paid call 30 us
dearer.  A pass takes 20 to 80 ms, after a crash or for a call that a gateway gave up on.  Ids grow with time, which
spares most of it.  Read-only functions of a connection.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

RECENT = 10_000
"""Newest attempts, among which a request is sought first."""


def of_requests(db: sqlite3.Connection, request_ids: Collection[str]) -> dict[str, tuple[int, float]]:
    """Number and intent of the attempts that the requests belong to; the provider may know more than we do."""
    newest = db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()[0]
    known: dict[str, tuple[int, float]] = {}
    for part in (f"id > {newest - RECENT}", f"id <= {newest - RECENT}"):
        left = [name for name in request_ids if name not in known]
        query = f"SELECT request_id, id, intent_at FROM attempts WHERE {part} AND request_id"  # noqa: S608  # a number
        known |= {name: (attempt, at) for name, attempt, at in _matching(db, query, left)}
    return known


def of_reservations(db: sqlite3.Connection, names: Collection[str]) -> dict[str, tuple[int, int | None]]:
    """Nano-dollars held and billed by the entries in a shared cap file that they are of."""
    found = _matching(db, "SELECT reservation, held_nano, billed_nano FROM attempts WHERE reservation", names)
    return {name: (held, billed) for name, held, billed in found}


def billed_by_run(db: sqlite3.Connection, run_ids: Collection[str]) -> dict[str, int]:
    """Nano-dollars that the calls of runs were billed; runs without a bill are missing."""
    found = _matching(db, "SELECT run_id, sum(billed_nano) FROM attempts WHERE run_id", run_ids, "GROUP BY run_id")
    return {run_id: billed for run_id, billed in found if billed}


def sent_since(db: sqlite3.Connection, run_id: str, at: float) -> tuple[int, int]:
    """(calls, calls answered 429) of *run_id* since *at*, which is not long ago."""
    calls, limited = db.execute(
        "SELECT count(*), coalesce(sum(http_status IS 429), 0) FROM attempts WHERE run_id=?1 AND intent_at >= ?2"
        " AND id > coalesce((SELECT id FROM attempts WHERE intent_at < ?2 ORDER BY id DESC LIMIT 1), 0)",
        (run_id, at),
    ).fetchone()
    return int(calls), int(limited)


def _matching(db: sqlite3.Connection, query: str, values: Collection[str], rest: str = "") -> Iterator[tuple[Any, ...]]:
    """Records of *query*, which ends with a column, where that is one of *values*."""
    wanted = list(values)
    most = db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    for start in range(0, len(wanted), most):
        part = wanted[start : start + most]
        yield from db.execute(f"{query} IN ({','.join('?' * len(part))}) {rest}", part)
