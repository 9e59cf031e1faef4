from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import LedgerError
from pipeline.ledger import schema
from pipeline.ledger.journal import Journal
from pipeline.ledger.writer import Writer

if TYPE_CHECKING:
    import sqlite3
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
