"""When the second home of outputs fails: nothing is lost, nothing is paid again, nothing counts as done too early."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import RecipeError
from pipeline.mirror import Mirror
from pipeline.outputs import OutputStore, StorageError
from pipeline.storage import CloudError, CloudStorage
from tests.catalogue.commands import RELIGHT, csv_file, photo, photobatch

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.storage import StoredObject


class Broken(CloudStorage):
    """A storage that takes nothing."""

    async def put(self, prefix: str, name: str, data: bytes, *, content_type: str | None = None) -> StoredObject:
        raise CloudError(f"{prefix}/{name} ({len(data)} bytes, {content_type}): out of order", hint="wait")


async def test_a_storage_that_refuses_stops_the_run_like_a_full_disk(tmp_path: Path) -> None:
    saved = OutputStore(tmp_path).save(photo(), key="a", step="s")
    mirror = Mirror(tmp_path, "s3://shop/out", Broken())

    with pytest.raises(StorageError, match="out of order") as refused:
        await mirror.put(saved)

    assert "nothing is paid again" in refused.value.hint


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no place in object storage"):
        Mirror(tmp_path, "https://bucket/out")


def test_outputs_that_the_bucket_lost_come_back_at_no_cost(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo())
    catalogue = csv_file(tmp_path / "c.csv", "sku,image", "A,a.jpg")
    flags = (*RELIGHT, "--sandbox", "--out", "out", "--json")
    photobatch("run", catalogue, *flags, "--images-to", f"{bucket}/out")
    with sqlite3.connect(tmp_path / "out" / "ledger.db") as db:
        (path,) = db.execute("SELECT path FROM outputs").fetchone()
    db.close()
    asyncio.run(CloudStorage().remove(f"{bucket}/out", path))

    again = photobatch("run", catalogue, *flags)

    assert again.summary["requests"]["submit"] == 0
    assert asyncio.run(CloudStorage().get(f"{bucket}/out/{path}")) == (tmp_path / "out" / path).read_bytes()


async def test_an_output_moved_aside_by_hand_or_decision_is_moved_in_the_bucket_too(
    bucket: str, tmp_path: Path
) -> None:
    store, storage = OutputStore(tmp_path), CloudStorage()
    mirror = Mirror(tmp_path, f"{bucket}/out", storage)
    saved = store.save(photo(), key="a", step="s")
    await mirror.put(saved)
    moved = store.supersede(saved.path)
    assert moved is not None

    count = await mirror.catch_up([(moved, saved.size_bytes, saved.content_type)])

    standing = [each.url async for each in storage.list(f"{bucket}/out")]
    assert (count, standing) == (1, [f"{bucket}/out/{moved}"])
