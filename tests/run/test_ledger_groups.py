from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import LedgerError
from pipeline.ledger import schema
from pipeline.ledger.journal import Journal
from pipeline.ledger.writer import GATHER_S, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    db = schema.connect(tmp_path / "ledger.db")
    schema.prepare(db, tmp_path / "ledger.db")
    yield db
    db.close()


@pytest.fixture
def writer(db: sqlite3.Connection, tmp_path: Path) -> Iterator[Writer]:
    journal = Journal(tmp_path / "ledger.journal")
    writer = Writer(db, tmp_path / "ledger.db", journal)
    yield writer
    writer.close()
    journal.close()


def remember(name: str) -> object:
    return lambda db: db.execute("INSERT INTO meta VALUES (?, 'x')", (name,))


def names(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM meta ORDER BY name")]


def refuse(_db: sqlite3.Connection) -> None:
    raise ValueError("not this one")


async def test_an_operation_that_fails_before_it_changes_anything_harms_no_other(writer: Writer) -> None:
    found = await asyncio.gather(
        writer.do(remember("a"), undoable=False),
        writer.do(refuse, undoable=False),
        writer.do(remember("b"), undoable=False),
        return_exceptions=True,
    )

    assert isinstance(found[1], ValueError)
    assert await writer.do(names) == ["a", "b"]


async def test_an_undoable_operation_that_fails_half_way_is_undone_alone(writer: Writer) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO meta VALUES ('half', 'x')")
        raise ValueError("half-way")

    found = await asyncio.gather(writer.do(remember("a")), writer.do(half), return_exceptions=True)

    assert isinstance(found[1], ValueError)
    assert await writer.do(names) == ["a"]


async def test_a_fault_nobody_thought_of_is_told_to_everybody_who_waits(db: sqlite3.Connection, tmp_path: Path) -> None:
    class Exhausted(Journal):
        def sync(self) -> None:
            raise MemoryError("no room")

    journal = Exhausted(tmp_path / "ledger.journal")
    writer = Writer(db, tmp_path / "ledger.db", journal)

    with pytest.raises(LedgerError, match="no room"):
        await writer.do(remember("a"))
    with pytest.raises(LedgerError, match="no room"):
        await writer.do(remember("b"))

    writer.close()
    journal.close()
    assert names(db) == []


async def test_a_program_that_writes_to_the_ledger_for_a_while_is_waited_for(
    writer: Writer, db: sqlite3.Connection, tmp_path: Path
) -> None:
    db.execute("PRAGMA busy_timeout = 0")
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO meta VALUES ('other', 'x')")
        with pytest.raises(LedgerError, match="locked") as caught:
            await writer.do(remember("a"))
        other.execute("COMMIT")

    assert "another program" in caught.value.hint


async def test_a_long_journal_is_emptied_and_who_reads_the_ledger_is_never_waited_for(
    db: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.ledger.writer.JOURNAL_MOST_BYTES", 100)
    journal = Journal(tmp_path / "ledger.journal")
    writer = Writer(db, tmp_path / "ledger.db", journal)

    def sent(_db: sqlite3.Connection) -> int:
        journal.note(event="intent", key="x" * 200)
        return int(_db.execute("PRAGMA busy_timeout").fetchone()[0])

    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM meta").fetchone()
        for name in ("a", "b", "c"):
            await writer.do(remember(name))
            assert await writer.do(sent) == 10_000  # as it was before
        read = journal.size_bytes
        reader.execute("COMMIT")
    writer.close()

    assert read > 100
    writer.into_main_file()
    assert journal.size_bytes == 0
    journal.close()


async def test_who_asks_a_closed_ledger_is_told_so_and_never_waits(writer: Writer, db: sqlite3.Connection) -> None:
    begun, go_on = threading.Event(), threading.Event()
    last = asyncio.create_task(writer.do(lambda _db: (begun.set(), go_on.wait(10))))
    await asyncio.to_thread(begun.wait)
    closing = asyncio.create_task(asyncio.to_thread(writer.close))
    while not writer.closed:  # noqa: ASYNC110  # it closes on another thread
        await asyncio.sleep(0)

    with pytest.raises(LedgerError, match="closed"):
        await writer.do(remember("late"))
    with pytest.raises(LedgerError, match="closed"):
        await asyncio.to_thread(writer.run, remember("later"))
    go_on.set()
    await asyncio.gather(last, closing)
    writer.close()  # once more does nothing

    assert names(db) == []


async def test_a_checkpoint_takes_its_turn_among_the_others(writer: Writer, tmp_path: Path) -> None:
    held = threading.Event()
    first = asyncio.create_task(writer.do(lambda _db: held.wait(10)))
    await asyncio.sleep(0)
    before = asyncio.create_task(writer.do(remember("a")))
    await asyncio.sleep(0)
    checkpoint = asyncio.create_task(asyncio.to_thread(writer.checkpoint))
    held.set()
    await asyncio.gather(first, before, checkpoint)
    await writer.do(remember("b"))

    alone = tmp_path / "copy.db"
    alone.write_bytes((tmp_path / "ledger.db").read_bytes())  # without the write-ahead log
    with contextlib.closing(sqlite3.connect(alone)) as copy:
        assert names(copy) == ["a"]


async def test_few_callers_side_by_side_share_commits_and_one_alone_never_waits(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    pauses: list[float] = []
    journal = Journal(tmp_path / "ledger.journal")
    writer = Writer(db, tmp_path / "ledger.db", journal, now=lambda: 100.0, pause=pauses.append)
    for name in ("a", "b", "c"):
        await writer.do(remember(name))
    assert pauses == []

    held = threading.Event()
    first = asyncio.create_task(writer.do(lambda _db: held.wait(10)))
    await asyncio.sleep(0)
    others = [asyncio.create_task(writer.do(remember(name))) for name in ("d", "e")]
    await asyncio.sleep(0)
    held.set()
    await asyncio.gather(first, *others)
    await writer.do(remember("f"))

    writer.close()
    journal.close()
    assert pauses == [pytest.approx(GATHER_S)]


async def test_breaking_the_promise_to_fail_early_stops_the_ledger_and_keeps_nothing_half(
    writer: Writer, db: sqlite3.Connection
) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO meta VALUES ('half', 'x')")
        raise ValueError("half-way")

    with pytest.raises(LedgerError):
        await writer.do(half, undoable=False)
    with pytest.raises(LedgerError):
        await writer.do(remember("later"))

    assert names(db) == []
