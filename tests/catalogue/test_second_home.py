"""When the second home of outputs fails: nothing is lost, nothing is paid again, nothing counts as done too early."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import RecipeError
from pipeline.ledger import counts, schema
from pipeline.mirror import Mirror
from pipeline.outputs import OutputStore, StorageError
from pipeline.storage import CloudError, CloudStorage
from tests.catalogue.commands import RELIGHT, csv_file, photo, photobatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pipeline.storage import StoredObject


async def one_by_one(outputs: list[tuple[str, int, str]]) -> AsyncIterator[tuple[str, int, str]]:
    for each in outputs:
        yield each


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

    count = await mirror.catch_up(partial(one_by_one, [(moved, saved.size_bytes, saved.content_type)]))

    standing = [each.url async for each in storage.list(f"{bucket}/out")]
    assert (count, standing) == (1, [f"{bucket}/out/{moved}"])


async def test_what_stands_by_now_where_an_output_was_moved_from_is_left_there(bucket: str, tmp_path: Path) -> None:
    store, storage = OutputStore(tmp_path), CloudStorage()
    mirror = Mirror(tmp_path, f"{bucket}/out", storage)
    saved = store.save(photo(), key="a", step="s")
    moved = store.supersede(saved.path)
    assert moved is not None
    newer = store.save(photo((0, 0, 120)), key="a", step="s")
    await mirror.put(newer)
    outputs = [(moved, saved.size_bytes, saved.content_type), (newer.path, newer.size_bytes, newer.content_type)]

    assert await mirror.catch_up(partial(one_by_one, outputs)) == 1

    assert {each.url async for each in storage.list(f"{bucket}/out")} == {
        f"{bucket}/out/{path}" for path, *_ in outputs
    }


def test_outputs_are_read_in_parts_and_each_of_them_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(schema.connect(path)) as db:
        schema.prepare(db, path)
        known = [(task, n, f"images/{task}/s-{n}.png") for task in (3, 1, 2) for n in (2, 1)]
        db.executemany("INSERT INTO outputs VALUES (?, ?, ?, 9, '', 1, 1, 'image/png', 0)", known)
        read, after = [], (0, 0)
        while part := counts.standing_outputs(db, after=after, limit=4):
            read.append([path for path, *_ in part])
            after = part[-1][3:]

    assert list(map(len, read)) == [4, 2]
    assert sorted(chain.from_iterable(read)) == sorted(path for _, _, path in known)
