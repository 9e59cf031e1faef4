"""The result folder as an argument."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import FolderError
from pipeline.ledger import FILE


def existing(folder: Path) -> Path:
    """*folder*, when it has a ledger; raises FolderError."""
    if not (folder / FILE).exists():
        raise FolderError(
            f"{folder} is no result folder: it has no {FILE}", hint="`photobatch run … --out DIR` makes one"
        )
    return folder
