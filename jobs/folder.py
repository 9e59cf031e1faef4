"""The result folder as an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import FolderError
from pipeline.ledger import FILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def existing(folder: Path) -> Path:
    """*folder*, when it has a ledger; raises FolderError."""
    if not (folder / FILE).exists():
        raise FolderError(
            f"{folder} is no result folder: it has no {FILE}", hint="`photobatch run … --out DIR` makes one"
        )
    return folder


def is_rehearsal(folder: Path) -> bool:
    """Whether the results in *folder* are the sandbox's."""
    from pipeline.api import remembered
    from pipeline.target import SANDBOX

    owner = remembered(folder)
    return owner is not None and owner[0] == SANDBOX


def known_keys(folder: Path, keys: Sequence[str]) -> None:
    """Refuse a --key that no row of *folder* has, for it is a typing error; raises FolderError."""
    from pipeline.inspection import reading

    with reading(folder) as db:
        for key in keys:
            if db.execute("SELECT 1 FROM tasks WHERE key=? LIMIT 1", (key,)).fetchone() is None:
                raise FolderError(
                    f"--key {key}: {folder} has no row of this name",
                    hint=f"the first column of {folder / 'results.csv'} has the names",
                )
