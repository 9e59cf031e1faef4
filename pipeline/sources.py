"""Where a row's images are, and what their content is known by.

A local file is known by the hash of its bytes, remembered in the ledger by size and time; a web address by
itself and by the number of changes that its server has admitted.  What cannot be used is refused here, before
anything is uploaded or paid.  Blocking; called while planning.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.expand import BadImage
from pipeline.images.errors import BadInput
from pipeline.images.files import read_image_file
from pipeline.images.prepare import examine
from pipeline.images.references import classify

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

AT_ONCE = 4


class Sources:
    """Finds the images of one manifest.  ``folder``: what relative paths are relative to."""

    def __init__(
        self,
        db: sqlite3.Connection,
        folder: Path | None,
        *,
        base_url: str | None = None,
        allow_private: bool = False,
        identify_object: Callable[[str], str] | None = None,
    ) -> None:
        self._db = db
        self._folder = (folder or Path()).absolute()
        self._base_url = base_url.rstrip("/") + "/" if base_url else None
        self._allow_private = allow_private
        self._identify_object = identify_object
        self._hosts: dict[str, str] = {}
        """By host, why its images cannot be reached; empty when they can."""
        self._changed = dict(db.execute("SELECT url, version FROM urls WHERE version > 0"))
        self._bad = dict(db.execute("SELECT url, problem FROM urls WHERE problem IS NOT NULL"))
        self._known: dict[str, tuple[int, int, str | None, str | None]] = {}
        """By path: size, mtime_ns, sha256, problem; what was looked at in this pass."""

    def find(self, ref: str) -> tuple[str, str]:
        """(where it is found later, what its content is known by); raises BadImage."""
        if ref.startswith(("http://", "https://")):
            return self._web(ref)
        found = classify(ref, allow_private=self._allow_private)
        if found.kind in ("cloud", "data"):
            return ref, self._identify_object(ref) if self._identify_object and found.kind == "cloud" else ref
        if found.kind == "file" and (self._base_url is None or self._path(ref).exists()):
            return self._file(self._path(ref))
        if self._base_url is not None and "://" not in ref:
            return self._web(self._base_url + ref.lstrip("/"))
        raise BadImage(found.reason)

    def warm(self, refs: Iterable[str]) -> None:
        """Look at the local files among *refs* side by side: decoding is what takes the time."""
        paths = {path for ref in refs if (path := self._local(ref)) is not None and not self._remembered(path)}
        if len(paths) > 1:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for path, facts in zip(paths, pool.map(_look, paths), strict=True):
                    self._remember(path, facts)

    def _web(self, url: str) -> tuple[str, str]:
        host = url.split("/", 3)[2]
        if host not in self._hosts:
            self._hosts[host] = classify(url, allow_private=self._allow_private).reason
        if problem := self._hosts[host] or self._bad.get(url):
            raise BadImage(problem)
        version = self._changed.get(url)
        return url, f"{url}#{version}" if version else url

    def _file(self, path: Path) -> tuple[str, str]:
        facts = self._remembered(path)
        if facts is None:
            facts = _look(path)
            self._remember(path, facts)
        _, _, digest, problem = facts
        if problem is not None or digest is None:
            raise BadImage(problem or f"{path}: there is no such file")
        return str(path), f"sha256:{digest}"

    def _local(self, ref: str) -> Path | None:
        if not ref or ref.startswith(("http://", "https://")) or classify(ref).kind != "file":
            return None
        return self._path(ref)

    def _path(self, ref: str) -> Path:
        path = Path(ref.removeprefix("file://")).expanduser()
        return path if path.is_absolute() else self._folder / path

    def _remembered(self, path: Path) -> tuple[int, int, str | None, str | None] | None:
        name = str(path)
        if name not in self._known:
            found = self._db.execute(
                "SELECT size, mtime_ns, sha256, problem FROM files WHERE path=?", (name,)
            ).fetchone()
            if found is None or found[:2] != _size_and_time(path):
                return None
            self._known[name] = (found[0], found[1], found[2] or None, found[3])
        return self._known[name]

    def _remember(self, path: Path, facts: tuple[int, int, str | None, str | None]) -> None:
        size, mtime_ns, digest, problem = facts
        self._known[str(path)] = facts
        self._db.execute(
            "INSERT OR REPLACE INTO files VALUES (?,?,?,?,?)", (str(path), size, mtime_ns, digest or "", problem)
        )


def _size_and_time(path: Path) -> tuple[int, int]:
    """(size, mtime_ns), or (-1, -1) for a file that is not there: never equal to what was remembered."""
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return -1, -1
    return facts.st_size, facts.st_mtime_ns


def _look(path: Path) -> tuple[int, int, str | None, str | None]:
    size, mtime_ns = _size_and_time(path)
    try:
        data = read_image_file(path)
        examine(data, name=str(path))
        return size, mtime_ns, sha256(data).hexdigest(), None
    except BadInput as error:
        return size, mtime_ns, None, str(error)
