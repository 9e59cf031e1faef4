"""A second memory of what was sent: one checksummed line per intent and per request id.

SQLite forgets the tail of a damaged write-ahead log without a word.  A forgotten intent would be paid again, so
each one is also appended here and synced before the call is sent.  When a ledger opens, what the journal knows and
the ledger does not is put back (`recovery`).  The journal is emptied whenever the ledger has been
checkpointed into its main file.  Knows lines and checksums, not what follows from them.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from typing import TYPE_CHECKING, Any

from pipeline.jsontext import compact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Journal:
    """Append-only lines ``crc32 json``; a torn or damaged line ends the reading of nothing but itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        torn = _torn(path)
        self._file = path.open("ab")
        if torn:  # a crash cut the last line: what follows must not be glued to it
            self._file.write(b"\n")
        self._waiting: list[bytes] = []

    @property
    def size_bytes(self) -> int:
        """How long the file has become."""
        return self._file.tell()

    def note(self, **entry: Any) -> None:
        """Add *entry* to what the next `sync` makes durable.  Called on the writer thread."""
        text = compact(entry)
        self._waiting.append(b"%08x %s\n" % (zlib.crc32(text), text))

    def sync(self) -> None:
        """Return once everything noted is on disk.  Raises OSError when it cannot be."""
        if self._waiting:
            self._file.write(b"".join(self._waiting))
            self._waiting.clear()
            self._file.flush()
            os.fsync(self._file.fileno())

    def empty(self) -> None:
        """Forget everything: the ledger's main file holds it now."""
        self._waiting.clear()
        self._file.seek(0)
        self._file.truncate()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; what was synced stays, and what could not be written was reported by `sync`."""
        with contextlib.suppress(OSError):
            self._file.close()

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every intact entry, oldest first."""
        return intact(self._path)


def intact(path: Path) -> Iterator[dict[str, Any]]:
    """Every intact entry of the journal at *path*, oldest first; none when there is no such file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            checksum, _, text = line.rstrip(b"\n").partition(b" ")
            if checksum == b"%08x" % zlib.crc32(text):
                yield json.loads(text)


def _torn(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
