"""Keep outputs and uploaded assets under names that nobody can guess: in memory, or as files in a folder.

Knows nothing of jobs; when a name expires is decided elsewhere.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pipeline.sandbox.picture import CONTENT_TYPES, EXTENSIONS

if TYPE_CHECKING:
    from pathlib import Path


class Library:
    """One shelf of files; *folder* None keeps them in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: dict[str, bytes] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes, content_type: str) -> str:
        """Keep *data* and return its new name, with the extension of its type."""
        name = f"{secrets.token_hex(20)}.{EXTENSIONS.get(content_type, 'bin')}"
        if self._folder is None:
            self._held[name] = data
        else:
            (self._folder / name).write_bytes(data)
        return name

    def get(self, name: str) -> bytes | None:
        """The bytes of *name*; None when there is no such file."""
        if self._folder is None:
            return self._held.get(name)
        if not name.replace(".", "", 1).isalnum():  # our names are hexadecimal: nothing else leaves the folder
            return None
        path = self._folder / name
        return path.read_bytes() if path.is_file() else None


def content_type_of(name: str) -> str:
    """Content type by the extension of *name*."""
    return CONTENT_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
