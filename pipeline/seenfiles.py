"""What the ledger knows of local images: their content, as long as size and time are what they were.

Owns the ledger's table ``files``.  Blocking.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from pipeline.images.errors import BadInput
from pipeline.images.files import read_image_file
from pipeline.images.prepare import examine

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

KEPT = 5_000
"""Files whose facts are at hand; the ledger has those of all, and a catalogue may have a million."""


class Facts(NamedTuple):
    """Of a local file; a size of -1 where there is none."""

    size: int
    mtime_ns: int
    sha256: str | None
    problem: str | None


class SeenFiles:
    """The files of one pass.  ``kept``: whether the ledger shall remember what is seen."""

    def __init__(self, db: sqlite3.Connection, *, kept: bool) -> None:
        self.altered: set[str] = set()
        """Paths of files whose content is not what the ledger remembered."""
        self._db = db
        self._kept = kept
        self._known: dict[str, Facts] = {}
        """By path, what was seen of late; at most KEPT."""

    def facts(self, path: Path) -> Facts:
        """What is known of the file, which is read where that is nothing."""
        facts = self.remembered(path)
        if facts is None:
            facts = look(path)
            self.remember(path, facts)
        return facts

    def remembered(self, path: Path) -> Facts | None:
        """What is known of the file without reading it."""
        name = str(path)
        if name not in self._known:
            found = self._db.execute(
                "SELECT size, mtime_ns, sha256, problem FROM files WHERE path=?", (name,)
            ).fetchone()
            if found is None or found[:2] != size_and_time(path):
                return None
            self._keep(name, Facts(found[0], found[1], found[2] or None, found[3]))
        return self._known[name]

    def remember(self, path: Path, facts: Facts) -> None:
        """Note *facts*; beside a problem stays the content that was seen before it."""
        name = str(path)
        self._keep(name, facts)
        if not self._kept:
            return
        found = self._db.execute("SELECT sha256 FROM files WHERE path=?", (name,)).fetchone()
        before = found[0] if found else ""
        if before and facts.sha256 and facts.sha256 != before:
            self.altered.add(name)
        self._db.execute(
            "INSERT OR REPLACE INTO files VALUES (?,?,?,?,?)",
            (name, facts.size, facts.mtime_ns, facts.sha256 or before, facts.problem),
        )

    def _keep(self, name: str, facts: Facts) -> None:
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[name] = facts


def look(path: Path) -> Facts:
    """Read the file, and check it as a call would."""
    size, mtime_ns = size_and_time(path)
    try:
        data = read_image_file(path)
        examine(data, name=str(path))
        return Facts(size, mtime_ns, sha256(data).hexdigest(), None)
    except BadInput as error:
        return Facts(size, mtime_ns, None, str(error))


def size_and_time(path: Path) -> tuple[int, int]:
    """(size, mtime_ns), or (-1, -1) for a file that is not there: never equal to what was remembered."""
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return -1, -1
    return facts.st_size, facts.st_mtime_ns
