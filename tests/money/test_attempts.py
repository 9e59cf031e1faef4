"""Look-ups among many attempts: right, and no pass for each thing that is asked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.ledger import attempts, gallery, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COUNT = 4 * attempts.RECENT
RUNS = 20


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """As many attempts as RUNS runs made, one per second; each was billed its number."""
    path = tmp_path / "ledger.db"
    with closing(schema.connect(path, kept=False)) as db:
        schema.prepare(db, path)
        each = [(n, f"run-{n * RUNS // (COUNT + 1)}", n, f"held-{n}", n, f"request-{n}") for n in range(1, COUNT + 1)]
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO attempts (id, task_id, run_id, intent_at, reservation, held_nano, billed_nano, request_id)"
            " VALUES (?1, 1, ?2, ?3, ?4, 0, ?5, ?6)",
            each,
        )
        db.execute("COMMIT")
        yield db


def steps(db: sqlite3.Connection, look: Callable[[], Any]) -> int:
    """Hundreds of steps of SQLite's machine that *look* takes."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    db.set_progress_handler(step, 100)
    look()
    db.set_progress_handler(None, 100)
    return count


def test_requests_are_known_whenever_they_were_made(db: sqlite3.Connection) -> None:
    listed = {"request-1", f"request-{COUNT - attempts.RECENT}", f"request-{COUNT}", "somebody else's"}

    assert attempts.of_requests(db, listed) == {f"request-{n}": (n, n) for n in (1, COUNT - attempts.RECENT, COUNT)}
    assert attempts.of_requests(db, set()) == {}


def test_a_request_of_late_is_found_without_a_look_at_all_attempts(db: sqlite3.Connection) -> None:
    late = steps(db, lambda: attempts.of_requests(db, {f"request-{COUNT}", f"request-{COUNT - 99}"}))
    early = steps(db, lambda: attempts.of_requests(db, {"request-1"}))

    assert 3 * late < early


def test_more_requests_than_a_statement_takes_are_known_as_well(db: sqlite3.Connection) -> None:
    db.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 50)

    assert len(attempts.of_requests(db, {f"request-{n}" for n in range(101, 232)})) == 131


def test_many_reservations_take_one_pass(db: sqlite3.Connection) -> None:
    names = [f"held-{n}" for n in range(1, 60)]
    one = steps(db, lambda: attempts.of_reservations(db, names[:1]))

    assert attempts.of_reservations(db, [*names, "gone"]) == {f"held-{n}": (0, n) for n in range(1, 60)}
    assert steps(db, lambda: attempts.of_reservations(db, names)) < 5 * one


def test_the_bills_of_many_runs_take_one_pass(db: sqlite3.Connection) -> None:
    runs = [f"run-{n}" for n in range(RUNS)]
    one = steps(db, lambda: attempts.billed_by_run(db, runs[:1]))

    billed = attempts.billed_by_run(db, [*runs, "run-that-sent-nothing"])

    assert list(billed) == sorted(runs)
    assert sum(billed.values()) == COUNT * (COUNT + 1) // 2
    assert steps(db, lambda: attempts.billed_by_run(db, runs)) < 6 * one


def test_the_rate_of_a_run_is_read_from_its_last_minute_alone(db: sqlite3.Connection) -> None:
    newest = f"run-{RUNS - 1}"

    assert gallery.sent_since(db, newest, COUNT - 59) == (60, 0, 0)
    assert gallery.sent_since(db, newest, 0) == (COUNT // RUNS, 0, 0)
    assert steps(db, lambda: gallery.sent_since(db, newest, COUNT - 59)) < COUNT / 1000
