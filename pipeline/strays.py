"""Files of a result folder that its ledger does not know: moved by somebody, left by a crash, or not ours at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES = 1 << 20
NOT_OURS = frozenset({"thumbs.db", "desktop.ini"})
"""What file managers leave behind; so are hidden files."""


class Strays:
    """Files under ``images/`` and ``superseded/`` that the ledger does not know, hashed when somebody asks."""

    def __init__(self, folder: Path, paths: list[str]) -> None:
        self._folder = folder
        self._paths = paths
        self._hashes: dict[str, list[str]] | None = None
        self._taken: set[str] = set()

    def by_hash(self, sha256: str) -> str | None:
        """A stray file with this content, which is then nobody else's."""
        if self._hashes is None:
            self._hashes = {}
            for path in self._paths:
                with contextlib.suppress(OSError):  # a run may have moved it since
                    self._hashes.setdefault(hash_of(self._folder / path), []).append(path)
        if not (alike := self._hashes.get(sha256)):
            return None
        self._taken.add(alike[0])
        return alike.pop(0)

    def left(self) -> Iterator[str]:
        """Those under ``images/`` that nobody has claimed."""
        return (path for path in self._paths if path.startswith("images/") and path not in self._taken)


def hash_of(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def strays_in(folder: Path, known: set[str]) -> Strays:
    """The files of *folder* that are none of the *known* paths."""
    paths = []
    for place in ("images", "superseded"):
        for root, _, names in os.walk(folder / place):
            for name in names:
                if name.startswith(".") or name.lower() in NOT_OURS:
                    continue
                path = (Path(root) / name).relative_to(folder).as_posix()
                if path not in known:
                    paths.append(path)
    return Strays(folder, sorted(paths))
