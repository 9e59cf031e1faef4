"""The images of one result folder: written once, found again, moved aside when superseded, never overwritten.

    images/<key>/<step>.<ext>                    a further image of the task: <step>-2.<ext>; or as ``name`` says
    superseded/<key>/<step>.<hash>.<ext>         what stood there before, or was paid for and no longer wanted
    .part/                                       files being written; whatever a crash leaves here is rubbish

Everything here blocks: call it in a thread.  Any number of threads may save at a time, each task in one of them.
The caller holds the lock on the folder.  Never knows the ledger.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.images.decode import Limits
from pipeline.images.label import labelled, stamp
from pipeline.images.sniff import FORMATS
from pipeline.outputs.check import ImageFacts, inspect
from pipeline.outputs.errors import BadOutput, StorageError, storage_error
from pipeline.outputs.folders import KeyFolders
from pipeline.outputs.names import safe_name
from pipeline.outputs.place import content, make_folder, remove, rename_if_free, sync_folder, write_aside
from pipeline.task import SavedImage

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXTENSIONS = tuple(each.extension for each in FORMATS.values())
_SHORT_HASH = 8
_TRIES = 3
"""How often a name that somebody else takes at the last moment is freed again."""


class OutputStore:
    """Images in the result folder *folder*.

    ``sync`` makes each file survive a power cut before ``save`` returns (without it: a killed process).
    ``ai_label`` stamps the IPTC mark that ``save`` is told.  ``case_blind`` None asks the file system.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits | None = None,
        sync: bool = True,
        ai_label: bool = True,
        case_blind: bool | None = None,
    ) -> None:
        self._folder = folder
        root = os.fspath(folder / "x")[:-1]
        self._root_length = len(root)
        self._limits = limits or Limits()
        self._sync = sync
        self._ai_label = ai_label
        self._images = f"{root}images"
        self._superseded = f"{root}superseded"
        self._aside = f"{root}.part"
        self._folders = KeyFolders(folder / "images", beside=folder / ".part", sync=sync, case_blind=case_blind)

    def __repr__(self) -> str:
        return f"<OutputStore {self._folder}{'' if self._sync else ', not synced'}>"

    def save(
        self,
        data: bytes,
        *,
        key: str,
        step: str,
        n: int = 1,
        name: str | None = None,
        digital_source: str | None = None,
        superseded: bool = False,
        full: bool = True,
        moved: list[tuple[str, str]] | None = None,
    ) -> SavedImage:
        """Store *data* as image *n* (from 1) of *key* at *step*, and return once it is durable.

        The same bytes under the same name are left as they stand; other bytes move to ``superseded/`` first.
        ``name`` is a safe path below ``images/`` without extension that stands in place of key, step and number.
        With ``superseded`` the image goes there itself.  ``digital_source`` is the IPTC code to stamp; ``full``
        decodes every pixel first (see ``inspect``).  ``moved`` gets (old, new) path of every file that made way, also
        when saving fails.  Raises BadOutput (nothing was written) and StorageError.
        """
        facts = inspect(data, limits=self._limits, full=full)
        made = data
        if self._ai_label and digital_source:
            data = stamp(made, digital_source)
        with self._translated():
            folder, stem = _split(name) if name else (self._folders.to_write(key), _stem(step, n))
            if superseded:
                final = self._keep(data, _below(self._superseded, folder), stem, facts.extension)
            else:
                place = _below(self._images, folder)
                final = self._put(data, place, stem, facts.extension, [] if moved is None else moved)
        return self._describe(final, data, facts, ai_label=data is not made or labelled(data) is not None)

    def find(self, key: str, step: str, n: int = 1, *, name: str | None = None) -> Path | None:
        """Where image *n* of *key* at *step* stands now, whatever its format; ``name`` as for ``save``."""
        folder, stem = _split(name) if name else (self._folders.to_read(key), _stem(step, n))
        return next((Path(path) for path in _standing(_below(self._images, folder), stem)), None)

    def adopt(self, key: str, step: str, n: int = 1, *, name: str | None = None) -> SavedImage | None:
        """The whole image that a crash left between its rename and its ledger entry; None when there is none.

        A name says nothing about parameters: call ``supersede`` for an older output before its task is sent again.
        """
        path = self.find(key, step, n, name=name)
        if path is None:
            return None
        with self._translated():
            data = path.read_bytes()
        try:
            facts = inspect(data, limits=self._limits)
        except BadOutput:
            return None
        return self._describe(os.fspath(path), data, facts, ai_label=labelled(data) is not None)

    def supersede(self, path: str, *, sha256: str | None = None) -> str | None:
        """Move the output *path* (relative to the folder) to ``superseded/``; its new path, None when it was gone.

        With the *sha256* of its content, one that was moved there before is found.
        """
        source = self._inside_images(path)
        with self._translated():
            if os.path.isfile(source):
                return self._relative(self._retire(source))
            retired = self._retired(source, sha256) if sha256 else None
        return retired and self._relative(retired)

    def sweep(self) -> int:
        """Remove what a crash left half-written, before the first ``save``; how many files that were."""
        with self._translated():
            stale = list(Path(self._aside).glob("*.part"))
            for path in stale:
                path.unlink(missing_ok=True)
        return len(stale)

    def check_writable(self) -> None:
        """Write and remove a small file, so that a full or read-only disk shows before money is spent."""
        with self._translated():
            make_folder(self._aside, sync=False)
            os.unlink(write_aside(b"photobatch\n", self._aside, sync=self._sync))

    def disk_free_bytes(self) -> int:
        """Free space where the images go, in bytes."""
        existing = next(each for each in (self._folder.absolute(), *self._folder.absolute().parents) if each.exists())
        return shutil.disk_usage(existing).free

    def _put(self, data: bytes, place: str, stem: str, extension: str, moved: list[tuple[str, str]]) -> str:
        """Make *data* the one image that *stem* stands for in *place*."""
        final = f"{place}{os.sep}{stem}.{extension}"
        is_new = make_folder(place, sync=self._sync)
        if not is_new and os.path.isfile(final) and content(final) == data:
            return final
        with self._written_aside(data) as aside:
            for _ in range(_TRIES):
                standing = () if is_new else _standing(place, stem)
                moved.extend((self._relative(old), self._relative(self._retire(old))) for old in standing)
                with suppress(FileExistsError):
                    rename_if_free(aside, final)
                    break
                is_new = False
            else:
                raise FileExistsError(f"{final} is being written by somebody else")
        self._settle(place)
        return final

    def _keep(self, data: bytes, place: str, stem: str, extension: str) -> str:
        """Add *data* to ``superseded/`` under a name made of its content."""
        make_folder(place, sync=self._sync)
        with self._written_aside(data) as aside:
            return self._file_away(aside, data, place, stem, extension)

    def _retire(self, old: str) -> str:
        """Move *old* from ``images/`` to the same place under ``superseded/``."""
        place, stem, extension = self._aside_of(old)
        make_folder(place, sync=self._sync)
        moved = self._file_away(old, content(old), place, stem, extension)
        self._settle(os.path.dirname(old))
        return moved

    def _retired(self, old: str, digest: str) -> str | None:
        """Where the file that stood at *old* is now, if it was moved away with this content."""
        place, stem, extension = self._aside_of(old)
        targets = (f"{place}{os.sep}{stem}.{digest[:length]}.{extension}" for length in (_SHORT_HASH, len(digest)))
        alike = (path for path in targets if os.path.isfile(path) and _digest(content(path)) == digest)
        return next(alike, None)

    def _aside_of(self, path: str) -> tuple[str, str, str]:
        """The place under ``superseded/`` for a file of ``images/``, its stem and its extension."""
        folder, file = os.path.split(path)
        stem, suffix = os.path.splitext(file)
        return self._superseded + folder[len(self._images) :], stem, suffix[1:]

    def _file_away(self, source: str, data: bytes, place: str, stem: str, extension: str) -> str:
        digest = _digest(data)
        for length in (_SHORT_HASH, len(digest)):
            target = f"{place}{os.sep}{stem}.{digest[:length]}.{extension}"
            try:
                rename_if_free(source, target)
            except FileExistsError:
                if content(target) != data:
                    continue
                os.unlink(source)  # the same picture was superseded before
            self._settle(place)
            return target
        raise FileExistsError(f"{target} holds something else than its name says")

    @contextmanager
    def _written_aside(self, data: bytes) -> Iterator[str]:
        try:
            aside = write_aside(data, self._aside, sync=self._sync)
        except FileNotFoundError:  # the first file of a new folder
            make_folder(self._aside, sync=self._sync)
            aside = write_aside(data, self._aside, sync=self._sync)
        try:
            yield aside
        except BaseException:
            remove(aside)
            raise

    def _settle(self, place: str) -> None:
        if self._sync:
            sync_folder(place)

    def _describe(self, path: str, data: bytes, facts: ImageFacts, *, ai_label: bool) -> SavedImage:
        return SavedImage(
            path=self._relative(path),
            size_bytes=len(data),
            sha256=_digest(data),
            width=facts.width,
            height=facts.height,
            content_type=facts.content_type,
            ai_label=ai_label,
        )

    def _relative(self, path: str) -> str:
        return path[self._root_length :].replace(os.sep, "/")

    def _inside_images(self, path: str) -> str:
        parts = PurePosixPath(path).parts
        if len(parts) < 2 or parts[0] != "images" or ".." in parts:  # noqa: PLR2004  # a folder and a file
            raise StorageError(f"{path!r} is no path of an output", hint="outputs are images/<key>/<step>.<ext>")
        return os.fspath(self._folder.joinpath(*parts))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise storage_error(error, self._folder) from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _stem(step: str, n: int) -> str:
    return safe_name(step) if n == 1 else f"{safe_name(step)}-{n}"


def _split(name: str) -> tuple[str, str]:
    """Folder and stem of a path; the folder may be empty."""
    folder, _, stem = name.rpartition("/")
    return folder, stem


def _below(place: str, folder: str) -> str:
    """The folder *folder*, a path with slashes or empty, within *place*."""
    return f"{place}{os.sep}{folder.replace('/', os.sep)}" if folder else place


def _standing(place: str, stem: str) -> Iterator[str]:
    """The files that image *stem* has in *place*: one, or none."""
    paths = (f"{place}{os.sep}{stem}.{extension}" for extension in _EXTENSIONS)
    return (path for path in paths if os.path.isfile(path))
