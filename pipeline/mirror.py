"""The second home of outputs: a place in object storage that holds what the result folder holds.

    <images-to>/images/<key>/<step>.<ext>      confirmed by the storage before the task counts as done
    <images-to>/superseded/...                 moved there when they are moved in the folder
    <images-to>/results.csv, results.parquet, summary.json      replaced at the end of every run

Nothing is ever overwritten but the last three.  Knows neither the ledger nor the provider.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.errors import RecipeError
from pipeline.outputs import StorageError
from pipeline.storage import CloudError, CloudStorage, ObjectTaken
from pipeline.storage.location import parse_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from pipeline.task import SavedImage

PUBLISHED = ("results.csv", "results.parquet", "summary.json")
_PROBE = ".photobatch"
_HASH_CHARACTERS = 8
_AT_ONCE = 16


class Mirror:
    """Keeps *prefix* in object storage equal to the outputs of *folder*."""

    def __init__(self, folder: Path, prefix: str, storage: CloudStorage | None = None) -> None:
        """Raises RecipeError when *prefix* is no place in object storage."""
        parse_prefix(prefix)
        self._folder = folder
        self._prefix = prefix
        self._storage = storage or CloudStorage()

    def __repr__(self) -> str:
        return f"<Mirror of {self._folder} at {self._prefix}>"

    async def check_writable(self) -> None:
        """Write and remove a small object, so that a missing bucket or permission shows before money is spent.

        Raises RecipeError.
        """
        try:
            await self._storage.replace(self._prefix, _PROBE, b"photobatch\n")
            await self._storage.remove(self._prefix, _PROBE)
        except CloudError as error:
            raise RecipeError(f"--images-to {self._prefix}: {error}", hint=error.hint) from error

    async def put(self, image: SavedImage) -> None:
        """Return once the storage confirms *image*; other content of that name moves aside.  Raises StorageError."""
        await self._put(image.path, image.content_type)

    async def move(self, old: str, new: str) -> None:
        """Follow an output that was moved in the folder.  Raises StorageError."""
        with self._translated():
            await self._storage.move(self._prefix, old, new)

    async def catch_up(self, outputs: Callable[[], AsyncIterator[tuple[str, int, str]]]) -> int:
        """Put what is missing of *outputs*: (path, size in bytes, content type); returns how many that were.

        They are asked for twice, where something was moved, rather than kept.  Covers what was made before there was
        a mirror, and what a crash or a person's decision has moved since.
        """
        with self._translated():
            standing = {
                each.url.removeprefix(f"{parse_prefix(self._prefix)}".rstrip("/") + "/"): each.size_bytes
                async for each in self._storage.list(self._prefix)
            }
        missing = [
            each async for each in outputs() if standing.get(each[0]) != each[1] and (self._folder / each[0]).is_file()
        ]
        left = {before for path, _, _ in missing if (before := _before(path)) in standing}
        if left:
            left -= {path async for path, _, _ in outputs() if path in left}
        for path, _, _ in missing:
            if (before := _before(path)) in left:
                await self.move(before, path)
        for start in range(0, len(missing), _AT_ONCE):
            await asyncio.gather(*(self._put(path, kind) for path, _, kind in missing[start : start + _AT_ONCE]))
        return len(missing)

    async def publish(self) -> None:
        """Put the exported ledger and the summary there.  Raises StorageError."""
        with self._translated():
            for name in PUBLISHED:
                if (self._folder / name).exists():
                    data = await asyncio.to_thread((self._folder / name).read_bytes)
                    await self._storage.replace(self._prefix, name, data)

    async def _put(self, path: str, content_type: str) -> None:
        with self._translated():
            data = await asyncio.to_thread((self._folder / path).read_bytes)
            try:
                await self._storage.put(self._prefix, path, data, content_type=content_type)
            except ObjectTaken:
                await self._set_aside(path)
                await self._storage.put(self._prefix, path, data, content_type=content_type)

    async def _set_aside(self, path: str) -> None:
        """Move what stands at *path* to ``superseded/``, named by its content as in the folder."""
        place = PurePosixPath(path)
        data = await self._storage.get(f"{self._prefix.rstrip('/')}/{path}")
        digest = hashlib.sha256(data).hexdigest()[:_HASH_CHARACTERS]
        aside = PurePosixPath("superseded", *place.parts[1:-1], f"{place.stem}.{digest}{place.suffix}")
        await self._storage.move(self._prefix, path, str(aside))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What the storage refuses stops the run like a full disk: what was paid for is fetched again later."""
        try:
            yield
        except CloudError as error:
            hint = f"{error.hint}; then run `resume`: nothing is paid again" if error.hint else "run `resume` later"
            raise StorageError(f"outputs cannot be written to {self._prefix}: {error}", hint=hint) from error


def _before(path: str) -> str:
    """Where an output stood before it was moved to *path* below ``superseded/``; *path* itself elsewhere."""
    place = PurePosixPath(path)
    if place.parts[0] != "superseded":
        return path
    stem, _, _ = place.stem.rpartition(".")
    return str(PurePosixPath("images", *place.parts[1:-1], f"{stem}{place.suffix}"))
