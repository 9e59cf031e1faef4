"""A folder of photographs as a manifest: every image in it, recursively, is one row.

Hidden files, and result folders that photobatch wrote, are not looked into.  Images are told by their extension
here; whether they decode is checked by others, before money is spent.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.paths import exists
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.manifest.notices import Notices

COLUMNS = ("key", "title", "image_url", "image_n", "path", "folder")
EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}
    | {".avif", ".heic", ".heif", ".jp2"}
)
_RESULT_MARK = "ledger.db"
_RESULT_FOLDERS = frozenset({"images", "superseded", "report"})
"""What a run writes beside its ledger: an output must never be taken for an input."""


@dataclass(frozen=True)
class FolderReader:
    """The images found in one folder, by their paths relative to it."""

    paths: tuple[str, ...]
    keys: tuple[str, ...]
    columns: tuple[str, ...] = COLUMNS

    def batches(self, size: int) -> Iterator[list[Row]]:
        """One row per image, in the order of their paths."""
        for start in range(0, len(self.paths), size):
            yield [_row(n + 1, self.paths[n], self.keys[n]) for n in range(start, min(start + size, len(self.paths)))]


def open_folder(folder: Path, name: str, notices: Notices) -> FolderReader:
    """List the images under *folder*; ManifestError when there are none."""
    found: list[str] = []
    others: Counter[str] = Counter()
    closed: list[str] = []
    for path in _files(folder, closed):
        if PurePosixPath(path).suffix.lower() in EXTENSIONS:
            found.append(path)
        else:
            others[PurePosixPath(path).suffix.lower()] += 1
    if not found:
        raise ManifestError(f"{name}: no images in this folder", hint=_cannot(closed) or _what_else(others))
    notices.note(f"folder, {len(found):,} images")
    if others:
        notices.note(f"{others.total():,} other files in the folder are not used")
    if closed:
        notices.warn(f"{_cannot(closed)}: images in it are not used")
    return FolderReader(tuple(found), _keys(found))


def _files(folder: Path, closed: list[str]) -> Iterator[str]:
    """Relative paths with forward slashes, sorted within each folder; *closed* is told what cannot be looked into."""
    for at, folders, files in os.walk(folder, onerror=lambda error: closed.append(str(error.filename))):
        written = _RESULT_FOLDERS if _RESULT_MARK in files else frozenset()
        folders[:] = sorted(f for f in folders if f not in written and not _is_skipped(Path(at, f)))
        for file in sorted(files):
            if not _is_hidden(file):
                yield Path(at, file).relative_to(folder).as_posix()


def _is_skipped(folder: Path) -> bool:
    return _is_hidden(folder.name) or exists(folder / _RESULT_MARK)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in {"__MACOSX", "Thumbs.db", "desktop.ini"}


def _keys(paths: list[str]) -> tuple[str, ...]:
    """Paths without extension; with it, where two images differ in nothing else."""
    stems = [str(PurePosixPath(path).with_suffix("")) for path in paths]
    shared = {stem for stem, count in Counter(stems).items() if count > 1}
    plain = set(stems)
    return tuple(
        _own_key(path, stem, plain) if stem in shared else stem for path, stem in zip(paths, stems, strict=True)
    )


def _own_key(path: str, stem: str, plain: set[str]) -> str:
    key = path
    while key in plain:  # "a.jpg.png" may lie beside "a.jpg" and "a.png"
        key += "-" + PurePosixPath(path).suffix[1:]
    return key if key != stem else path


def _row(number: int, path: str, key: str) -> Row:
    pure = PurePosixPath(path)
    title = re.sub(r"[\s_-]+", " ", pure.stem).strip()
    parent = "" if str(pure.parent) == "." else str(pure.parent)
    return Row(number, (key, title, path, "1", path, parent))


def _cannot(closed: list[str]) -> str:
    others = f" and {len(closed) - 1:,} more" if closed[1:] else ""
    return f"{closed[0]}{others} cannot be looked into" if closed else ""


def _what_else(others: Counter[str]) -> str:
    if others[".parquet"] > 1:
        return (
            "a table in several Parquet files is not read; write it as one: "
            "pyarrow.parquet.write_table(pyarrow.parquet.read_table(FOLDER), 'catalog.parquet')"
        )
    tables = {".csv", ".tsv", ".parquet", ".jsonl", ".xml", ".gz"} & others.keys()
    if tables:
        return f"it holds {', '.join(sorted(tables))} files: give one of those as the manifest"
    return f"images are files named {', '.join(sorted(EXTENSIONS))}"
