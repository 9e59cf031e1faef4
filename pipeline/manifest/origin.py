"""Where a manifest's bytes come from: a local file, standard input, or a remote address.

Owns decompression and the temporary copies of what cannot be read twice.  Knows no format.
"""

from __future__ import annotations

import difflib
import gzip
import shutil
import sys
import tempfile
import weakref
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from pipeline.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GZIP_MAGIC = b"\x1f\x8b"
REMOTE_SCHEMES = ("http", "https", "s3", "gs", "az")


@dataclass(frozen=True)
class Origin:
    """A file on this machine that can be opened as often as needed."""

    name: str
    """What to call it in messages: as the user gave it."""
    path: Path
    folder: Path | None
    """What relative image paths are relative to; None when the bytes came from elsewhere."""

    @property
    def packed(self) -> bool:
        """True when the file is gzip-compressed, whatever its name says."""
        with self.path.open("rb") as file:
            return file.read(2) == GZIP_MAGIC

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open for reading bytes, decompressed; a damaged file is a ManifestError wherever it shows."""
        try:
            with gzip.open(self.path, "rb") if self.packed else self.path.open("rb") as file:
                yield cast(BinaryIO, file)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ManifestError(
                f"{self.name}: the compressed file is damaged or cut short ({error})",
                hint="fetch it again, or unpack it with gunzip and look at what is left",
            ) from error
        except OSError as error:
            raise ManifestError(f"{self.name}: cannot be read: {error.strerror or error}") from error

    def head(self, size_bytes: int) -> bytes:
        """The first bytes, decompressed."""
        with self.open() as file:
            return file.read(size_bytes)


def local(path: Path, name: str) -> Origin:
    """The manifest at *path*; ManifestError with the nearest name when there is none."""
    if not path.exists():
        raise ManifestError(f"{name}: no such file", hint=_nearest_file(path))
    return Origin(name, path, path.parent)


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


def _nearest_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    names = [entry.name for entry in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / close[0]}?" if close else "check the path"
