"""Where a row's images are, and what their content is known by.

A local file is known by the hash of its bytes, remembered in the ledger by size and time; a web address by itself
and by the number of changes that its server has admitted; an object in storage by its address and ETag.  What cannot
be used is refused here, before anything is uploaded or paid.  Blocking; called while planning.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.images.errors import BadInput
from pipeline.images.prepare import examine
from pipeline.images.references import Kind, classify, data_uri_bytes
from pipeline.manifest import references
from pipeline.paths import exists, local_path
from pipeline.seenfiles import SeenFiles, look
from pipeline.storage import CloudError, CloudStorage, NoSuchObject
from pipeline.wish import BadImage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

WEB = ("http://", "https://")
AT_ONCE = 4
"""Files that are decoded at the same time."""
PLAIN_HOSTS = 16
"""So many hosts are known by the beginning of their addresses; a catalogue has one or two."""
ASKED_AT_ONCE = 16
"""Objects that the storage is asked about at the same time."""


class Sources:
    """Finds the images of one manifest.  ``folder``: what relative paths are relative to."""

    def __init__(
        self,
        db: sqlite3.Connection,
        folder: Path | None,
        *,
        base_url: str | None = None,
        allow_private: bool = False,
        asked: bool = False,
        kept: bool = True,
        version_of: Callable[[str], str] | None = None,
    ) -> None:
        """``asked``: the servers were asked about these images just now, so what they said counts.

        ``kept``: whether the ledger shall remember what is seen of files.

        ``version_of`` says what tells one content of an object in storage from another; it raises BadImage.  By
        default the storage is asked for its ETag.
        """
        self._db = db
        self._folder = (folder or Path()).absolute()
        self._base_url = base_url.rstrip("/") + "/" if base_url else None
        self._allow_private = allow_private
        self._version_of = version_of or _Storage().etag
        self._hosts: dict[str, str] = {}
        """By host, why its images cannot be reached; empty when they can."""
        self._changed = dict(db.execute("SELECT url, version FROM urls WHERE version > 0"))
        self._bad = dict(db.execute("SELECT url, problem FROM urls WHERE problem IS NOT NULL")) if asked else {}
        self._plain_hosts: tuple[str, ...] = ()
        """The first hosts whose images can be reached, as the beginning of their addresses."""
        self._files = SeenFiles(db, kept=kept)
        self._objects: dict[str, str | BadImage] = {}
        """By address, the version of an object, or why it cannot be used."""

    def find(self, ref: str) -> tuple[str, str]:
        """(where it is found later, what its content is known by); raises BadImage."""
        if ref.startswith(WEB):
            return self._web(ref)
        found = classify(ref, allow_private=self._allow_private)
        match found.kind:
            case Kind.URL:  # HTTPS:// in capitals
                return self._web(ref)
            case Kind.CLOUD:
                return self._object(ref)
            case Kind.DATA:
                return self._inline(ref)
            case Kind.FILE:
                return self._relative(ref, self._path(found.value))
            case Kind.BAD:
                raise BadImage(found.reason)

    def plain(self, refs: Sequence[str]) -> bool:
        """Whether all of *refs* are web addresses that stand for themselves; True is sure, False is not."""
        together = " ".join(refs)
        if not (self.steady and together.isprintable() and together.count("://") == len(refs)):
            return False
        if references.is_doubtful(together):
            return False
        if all(map(str.startswith, refs, repeat(self._plain_hosts))):
            return True
        if len(self._plain_hosts) < PLAIN_HOSTS:
            new = sorted({host for ref in refs if (host := self._plain_host(ref))})
            self._plain_hosts = (*self._plain_hosts, *new)[:PLAIN_HOSTS]
        return all(map(str.startswith, refs, repeat(self._plain_hosts)))

    def _plain_host(self, url: str) -> str:
        """Scheme and host of *url* with a slash behind; empty when its images cannot be reached."""
        if not url.startswith(WEB) or url.startswith(self._plain_hosts) or url.count("/") < 3:  # noqa: PLR2004  # no path
            return ""
        try:
            self._web(url)
        except BadImage:
            return ""
        return "/".join(url.split("/", 3)[:3]) + "/"

    @property
    def steady(self) -> bool:
        """Whether every web image is still what its address meant when it was first used."""
        return not self._changed and not self._bad

    def mark(self, refs: Iterable[str]) -> str:
        """What is known of web images among *refs* beyond their addresses; empty when nothing is."""
        marks = []
        for ref in refs:
            url = self.web_address(ref)
            if url in self._changed or url in self._bad:
                marks.append(f"{url}#{self._changed.get(url, 0)} {self._bad.get(url, '')}")
        return "\n".join(marks)

    def altered(self, ref: str) -> bool:
        """Whether *ref* is a file that was seen in this pass to have another content than before."""
        path = self._local(ref) if self._files.altered else None
        return path is not None and str(path) in self._files.altered

    def web_address(self, ref: str) -> str:
        """Where on the web *ref* is; empty when it is elsewhere."""
        if ref.startswith(("http://", "https://")):
            return ref
        if self._base_url is None or "://" in ref or not ref or exists(self._path(ref)):
            return ""
        return self._base_url + ref.lstrip("/")

    def warm(self, refs: Iterable[str]) -> None:
        """Look at local files and ask about objects in storage side by side: that is what takes the time."""
        others = {ref for ref in refs if ref and not ref.startswith(WEB)}
        if not others:
            return
        paths = {path for ref in others if (path := self._local(ref)) is not None and not self._files.remembered(path)}
        if len(paths) > 1:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for path, facts in zip(paths, pool.map(look, paths), strict=True):
                    self._files.remember(path, facts)
        objects = [ref for ref in others if ref not in self._objects and classify(ref).kind is Kind.CLOUD]
        if len(objects) > 1:
            with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
                self._objects.update(zip(objects, pool.map(self._ask, objects), strict=True))

    def _web(self, url: str) -> tuple[str, str]:
        scheme, _, host, *_ = url.split("/", 3)
        if host not in self._hosts:
            self._hosts[host] = classify(f"{scheme}//{host}/", allow_private=self._allow_private).reason
        if (count := references.count(url)) > 1:
            raise BadImage(_several(count))
        if problem := self._hosts[host] or self._bad.get(url):
            raise BadImage(problem)
        if not url.isprintable() and (problem := classify(url, allow_private=True).reason):
            raise BadImage(problem)
        version = self._changed.get(url)
        return url, f"{url}#{version}" if version else url

    def _object(self, url: str) -> tuple[str, str]:
        if problem := self._bad.get(url):
            raise BadImage(problem)
        if url not in self._objects:
            self._objects[url] = self._ask(url)
        version = self._objects[url]
        if isinstance(version, BadImage):
            raise version
        return url, f"{url}#{version}" if version else url

    def _ask(self, url: str) -> str | BadImage:
        try:
            return self._version_of(url)
        except BadImage as problem:
            return problem

    @staticmethod
    def _inline(uri: str) -> tuple[str, str]:
        try:
            data = data_uri_bytes(uri)
            examine(data, name="the inline image")
        except BadInput as error:
            raise BadImage(str(error)) from error
        return uri, f"sha256:{sha256(data).hexdigest()}"

    def _relative(self, ref: str, path: Path) -> tuple[str, str]:
        """A file where it is named; else, below the base URL."""
        if self._base_url is None or "://" in ref or exists(path):
            return self._file(ref, path)
        if (count := references.count(ref)) > 1:
            raise BadImage(_several(count))
        return self._web(self._base_url + ref.lstrip("/"))

    def _file(self, ref: str, path: Path) -> tuple[str, str]:
        size, _, digest, problem = self._files.facts(path)
        if problem is not None or digest is None:
            if size < 0 and (count := len(references.split(ref, ",;|"))) > 1:
                raise BadImage(_several(count))
            raise BadImage(problem or f"{path}: there is no such file")
        return str(path), f"sha256:{digest}"

    def _local(self, ref: str) -> Path | None:
        found = classify(ref)
        return self._path(found.value) if found.kind is Kind.FILE else None

    def _path(self, value: str) -> Path:
        path = local_path(value)
        return path if path.is_absolute() else self._folder / path


class _Storage:
    """Object storage as planning sees it.  A client is made when the first object is met."""

    def __init__(self) -> None:
        self._objects = CloudStorage()

    def etag(self, url: str) -> str:
        """What tells one content of the object *url* from another.

        Raises BadImage when there is none, and ManifestError when the storage cannot be asked at all.
        """
        try:
            return self._objects.stat(url).etag
        except NoSuchObject as error:
            raise BadImage(str(error)) from error
        except CloudError as error:
            raise ManifestError(str(error), hint=error.hint) from error


def address_of(ref: str, folder: Path | None, base_url: str | None) -> str | None:
    """The web or storage address that *ref* stands for; None for files, data and what cannot be used."""
    if references.count(ref) > 1:
        return None
    if ref.startswith(WEB):
        return ref
    found = classify(ref, allow_private=True)
    if found.kind in (Kind.URL, Kind.CLOUD):
        return ref
    if found.kind is Kind.FILE and base_url and "://" not in ref:
        path = local_path(found.value)
        if not exists(path if path.is_absolute() else (folder or Path()) / path):
            return base_url.rstrip("/") + "/" + ref.lstrip("/")
    return None


def _several(count: int) -> str:
    return f"the cell holds {count} images, and a call takes one; give each image a row or a column of its own"
