"""Column names: padding off, duplicates told apart, found again by a forgiving name.

Knows nothing about files or formats.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


MISREAD_MARK = "\u00ef\u00bb\u00bf"
"""The byte-order mark of UTF-8, read as cp1252 or Latin-1: programs glue such texts together."""


def clean(names: Iterable[str]) -> tuple[str, ...]:
    """Strip padding and the byte-order mark, name the nameless ``unnamed_<position>``, tell duplicates apart."""
    stripped = [name.strip().removeprefix(MISREAD_MARK).lstrip("\ufeff").strip() for name in names]
    return distinct([name or f"unnamed_{position}" for position, name in enumerate(stripped, start=1)])


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Keep the first of equal names and call the others ``img.1``, ``img.2``, as pandas does."""
    taken = set(names)
    seen: set[str] = set()
    result = []
    for name in names:
        unique, n = name, 0
        while unique in seen or (n and unique in taken):
            n += 1
            unique = f"{name}.{n}"
        seen.add(unique)
        result.append(unique)
    return tuple(result)


def fold(name: str) -> str:
    """The form in which two spellings of a column name are the same."""
    return name.strip().casefold()


def find(columns: Sequence[str], name: str) -> int | None:
    """Index of *name*: exact, else without regard to padding and case; None when there is no such column."""
    if name in columns:
        return columns.index(name)
    wanted = fold(name)
    return next((i for i, column in enumerate(columns) if fold(column) == wanted), None)


def nearest(columns: Sequence[str], name: str) -> str | None:
    """The column most probably meant by *name*, or None when none is near."""
    by_fold = {fold(column): column for column in reversed(columns)}
    close = difflib.get_close_matches(fold(name), by_fold, n=1)
    return by_fold[close[0]] if close else None
