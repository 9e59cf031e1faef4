"""Outputs that a run finds missing or altered: opened again where that is free, and paid for only in small numbers.

Every run looks at every output before it plans, by size alone.  A file that is there is never paid for again, whatever
it holds.  Many that are missing at once are a disk that is not mounted, until somebody says otherwise.  Sends nothing.
Blocking.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import FolderError
from pipeline.ledger import counts, reopen
from pipeline.money import show
from pipeline.outputs import StorageError
from pipeline.words import many

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.ledger.reopen import Reopened

FEW = 5
"""As many missing outputs are always somebody's doing."""
SHARE = 0.1
"""More than FEW, and more than this share of all outputs, are not taken for somebody's doing."""
GONE = (FileNotFoundError, NotADirectoryError)
"""What says that a file is missing.  Any other error says only that nobody can tell."""


@dataclass
class Look:
    """What a look at outputs has shown: tasks of which one is missing, or is there with another size."""

    missing: set[int] = field(default_factory=set)
    altered: set[int] = field(default_factory=set)
    outputs: int = 0
    gone: int = 0
    """How many outputs there should be, and how many of those are missing."""

    @property
    def is_doubtful(self) -> bool:
        """Whether so many are missing that the disk is to be suspected."""
        return self.gone > FEW and self.gone > SHARE * self.outputs


def reopen_missing(db: sqlite3.Connection, folder: Path, *, now: float) -> Reopened:
    """Open finished tasks again whose outputs are missing, or altered and free to be had.

    Raises FolderError when so many are missing that somebody has to say so before they are paid for, and StorageError
    when nobody can tell.
    """
    seen = Look()
    _look(seen, reopen.sizes(db), folder)
    reopened = reopen.reopen(db, seen.missing, now, altered=seen.altered)
    if reopened or counts.any_planned(db):
        needed = Look()
        _look(needed, reopen.sizes_needed(db), folder)
        reopened = reopened.plus(reopen.reopen(db, needed.missing, now, altered=needed.altered))
        seen.outputs += needed.outputs
        seen.gone += needed.gone
    if seen.is_doubtful and reopened.pay + reopened.lost:
        raise _refusal(folder, seen, reopened)
    return reopened


def _look(seen: Look, outputs: Iterator[tuple[int, str, int]], folder: Path) -> None:
    base = f"{folder}{os.sep}"
    stat = os.stat
    for task, path, size_bytes in outputs:
        seen.outputs += 1
        try:
            if stat(base + path).st_size != size_bytes:
                seen.altered.add(task)
        except GONE:
            seen.missing.add(task)
            seen.gone += 1
        except OSError as error:
            raise StorageError(
                f"{folder / path} cannot be looked at: {error.strerror or error}; nothing was sent",
                hint="make the folder readable, or mount its disk again, then run again",
            ) from error


def _refusal(folder: Path, seen: Look, reopened: Reopened) -> FolderError:
    calls = reopened.pay + reopened.lost
    return FolderError(
        f"{seen.gone:,} of {many(seen.outputs, 'output')} in {folder} are missing: {many(calls, 'paid call')}, about"
        f" {show(reopened.pay_nano)}, would make them once more",
        hint="is a disk not mounted? Mount it, then run again. If they were really deleted: photobatch ledger"
        f" {folder} --repair gives them up, and photobatch resume {folder} --only lost pays for them",
    )
