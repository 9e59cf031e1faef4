"""Save what can be read of a damaged ledger into a new one.  The damaged files are kept aside.

SQLite reads around most damage when rows are asked for in small portions: what cannot be read is skipped.  Every row
is taken as it is; the journal and the results ledger may know what is missing.  Blocking.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from pipeline.errors import LedgerError
from pipeline.ledger import schema
from pipeline.ledger.ledger import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORTION = 256
"""Rows asked for at a time; around damage, one at a time."""
DEAD_PORTIONS = 40
"""Portions in a row without a readable row after which a table is taken to have ended."""
PARTS = ("", "-wal", "-shm")
NEW = f"{FILE}.new"
"""The ledger being built; it takes the damaged one's place when it is whole."""


def set_aside(folder: Path) -> Path:
    """Give the ledger's files another name, and say which."""
    number = 1
    while (aside := _aside(folder, number)).exists():
        number += 1
    _move(folder, aside)
    return aside


def cut_off(folder: Path) -> Path | None:
    """The ledger that a repair set aside before it was cut off, with nothing in its place yet."""
    number = 0
    while _aside(folder, number + 1).exists():
        number += 1
    if number == 0 or (folder / FILE).exists():
        return None
    _move(folder, _aside(folder, number))
    return _aside(folder, number)


def _move(folder: Path, aside: Path) -> None:
    """The main file first: one without its log would be taken for an older ledger."""
    for part in PARTS:
        if (source := folder / f"{FILE}{part}").exists():
            source.rename(f"{aside}{part}")


def _aside(folder: Path, number: int) -> Path:
    return folder / f"{FILE}.damaged-{number}"


def copy_rows(damaged: Path, new: sqlite3.Connection) -> int:
    """Copy every readable row of *damaged* into the empty ledger *new*; how many.  Never raises for damage."""
    count = 0
    try:
        with contextlib.closing(schema.connect(damaged, read_only=True)) as old:
            for table, without_rowid in _tables(new):
                columns = _common(old, new, table)
                if columns:
                    count += _copy(old, new, table, columns, without_rowid=without_rowid)
    except (sqlite3.Error, LedgerError):
        return count  # not even its table of contents can be read
    return count


def _tables(db: sqlite3.Connection) -> list[tuple[str, bool]]:
    found = db.execute("SELECT name, sql LIKE '%WITHOUT ROWID' FROM sqlite_master WHERE type='table' ORDER BY name")
    return [(str(name), bool(without)) for name, without in found]


def _common(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> list[str]:
    try:
        theirs = {record[1] for record in old.execute(f"PRAGMA table_info({table})")}
    except sqlite3.Error:
        return []
    return [record[1] for record in new.execute(f"PRAGMA table_info({table})") if record[1] in theirs]


def _copy(
    old: sqlite3.Connection, new: sqlite3.Connection, table: str, columns: list[str], *, without_rowid: bool
) -> int:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    rows = _by_key(old, table, names) if without_rowid else _by_number(old, table, names)
    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  # our own tables' names
    return sum(new.execute(insert, row).rowcount for row in rows)


def _by_key(old: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...]]:
    """From both ends towards the damage: a table without row numbers can only be read in order."""
    keys = [record[1] for record in sorted(old.execute(f"PRAGMA table_info({table})"), key=lambda r: r[5]) if record[5]]
    for order in ("", " DESC"):
        wanted = ", ".join(f"{key}{order}" for key in keys)
        with contextlib.suppress(sqlite3.Error):
            yield from old.execute(f"SELECT {names} FROM {table} ORDER BY {wanted}")  # noqa: S608  # our own names
            return


def _by_number(old: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...]]:
    """Portion by portion, and row by row where a portion cannot be read."""
    query = f"SELECT rowid, {names} FROM {table} WHERE rowid > ? AND rowid <= ? ORDER BY rowid"  # noqa: S608  # our own
    last, dead, end = 0, 0, _end(old, table)
    while dead < DEAD_PORTIONS and (end is None or last < end):
        rows = _read(old, query, last, last + PORTION)
        if rows is None:
            rows = [row for at in range(last, last + PORTION) for row in _read(old, query, at, at + 1) or []]
        dead = 0 if rows else dead + (end is None)
        yield from (row[1:] for row in rows)
        last += PORTION


def _read(old: sqlite3.Connection, query: str, after: int, to: int) -> list[tuple[object, ...]] | None:
    try:
        return old.execute(query, (after, to)).fetchall()
    except sqlite3.Error:
        return None


def _end(old: sqlite3.Connection, table: str) -> int | None:
    """The highest row number; None when that cannot be read."""
    try:
        return int(old.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()[0])  # noqa: S608  # our own
    except sqlite3.Error:
        return None
