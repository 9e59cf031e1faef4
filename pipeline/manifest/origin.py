"""Where a manifest's bytes come from: a local file, standard input, or a remote address.

Owns decompression, the temporary copies of what cannot be read twice, and the proof that what is read later is still
the file that was opened.  Knows no format.
"""

from __future__ import annotations

import difflib
import gzip
import os
import shutil
import sys
import tempfile
import weakref
import zlib
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from pipeline.errors import ManifestError
from pipeline.paths import exists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GZIP_MAGIC = b"\x1f\x8b"
REMOTE_SCHEMES = ("http", "https", "s3", "gs", "az")
_START_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class Seal:
    """What a file is known again by.  Not its inode: some network drives number their files anew."""

    size_bytes: int
    mtime_ns: int
    start: bytes
    """Its first bytes: a clock may be too coarse to tell two files apart, a header is not."""

    @classmethod
    def of(cls, file: BinaryIO) -> Seal:
        """The seal of an open *file*, which is left at its beginning."""
        facts = os.fstat(file.fileno())
        file.seek(0)
        start = file.read(_START_BYTES)
        file.seek(0)
        return cls(facts.st_size, facts.st_mtime_ns, start)


@dataclass(frozen=True)
class Origin:
    """A file on this machine that can be opened as often as needed."""

    name: str
    """What to call it in messages: as the user gave it."""
    path: Path
    folder: Path | None
    """What relative image paths are relative to; None when the bytes came from elsewhere."""
    seal: Seal | None = None
    """Of somebody else's file: rows of a file that has taken its place would be read by the header of the old one."""

    @contextmanager
    def whole(self) -> Iterator[BinaryIO]:
        """Open for reading bytes as they are; ManifestError for another file than the one first opened."""
        with self.path.open("rb") as file:
            self._compare(file)
            with open(file.fileno(), "rb", closefd=False) as body:  # whoever decodes it closes it
                yield body
            self._compare(file)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open for reading bytes, decompressed; a damaged file is a ManifestError wherever it shows."""
        try:
            with self.whole() as file:
                packed = file.read(2) == GZIP_MAGIC
                file.seek(0)
                with gzip.open(file, "rb") if packed else nullcontext(file) as body:
                    yield cast(BinaryIO, body)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ManifestError(
                f"{self.name}: the compressed file is damaged or cut short ({error})",
                hint="fetch it again, or unpack it with gunzip and look at what is left",
            ) from error
        except OSError as error:
            raise _unreadable(self.name, error) from error

    def changed(self) -> ManifestError:
        """The error for a file that is no longer what was opened."""
        return ManifestError(f"{self.name}: has changed while it was read", hint="try again when nobody writes it")

    def _compare(self, file: BinaryIO) -> None:
        if self.seal is not None and Seal.of(file) != self.seal:
            raise self.changed()

    def head(self, size_bytes: int) -> bytes:
        """The first bytes, decompressed."""
        with self.open() as file:
            return file.read(size_bytes)


def local(path: Path, name: str) -> Origin:
    """The manifest at *path*, copied if it is a pipe; ManifestError with the nearest name when there is none."""
    if not exists(path):
        raise ManifestError(f"{name}: no such file", hint=_nearest_file(path))
    full_name(path)
    if path.is_dir():
        return Origin(name, path, path.parent)
    try:
        with path.open("rb") as file:
            if not path.is_file():  # a pipe, which can be read only once
                return spooled(file, name)
            return Origin(name, path, path.parent, Seal.of(file))
    except OSError as error:
        raise _unreadable(name, error) from error


def full_name(path: Path) -> str:
    """*path* from the root, as the ledger keeps it; raises ManifestError where it could not."""
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ManifestError(
            f"{name!a}: the name is not valid UTF-8, and the ledger could not keep it",
            hint="rename the file, or the folder that it is in",
        ) from error
    return name


def remote(url: str, open_remote: Callable[[str], BinaryIO] | None) -> Origin:
    """A copy of what *url* holds, made now and removed with the origin."""
    if open_remote is None:
        raise ManifestError(
            f"{url}: a remote manifest cannot be read here",
            hint="download it first and give the local file",
        )
    with open_remote(url) as body:
        return spooled(body, url, PurePosixPath(urlsplit(url).path).name)


def stdin() -> Origin:
    """A copy of standard input, which can be read only once."""
    return spooled(sys.stdin.buffer, "<stdin>")


def spooled(body: BinaryIO, name: str, file_name: str = "") -> Origin:
    """Copy *body* into a temporary file that lives as long as the origin."""
    folder = Path(tempfile.mkdtemp(prefix="photobatch-"))
    origin = Origin(name, folder / (file_name or "manifest"), None)
    weakref.finalize(origin, shutil.rmtree, folder, ignore_errors=True)
    with origin.path.open("wb") as copy:
        shutil.copyfileobj(body, copy, 1 << 20)
    return origin


def is_remote(source: str) -> bool:
    """True for an address rather than a path (a Windows drive is no scheme)."""
    return urlsplit(source).scheme in REMOTE_SCHEMES and "://" in source


def _unreadable(name: str, error: OSError) -> ManifestError:
    return ManifestError(f"{name}: cannot be read: {error.strerror or error}")


def _nearest_file(path: Path) -> str:
    if not exists(path.parent):
        return f"the folder {path.parent} does not exist either"
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"the folder {path.parent} cannot be looked into"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / close[0]}?" if close else "check the path"
