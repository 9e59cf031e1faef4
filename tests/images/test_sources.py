"""Where the images of a manifest are: what planning keeps in mind of them."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline.ledger import schema
from pipeline.seenfiles import KEPT
from pipeline.sources import Sources
from pipeline.wish import BadImage
from tests.images.pictures import encoded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "ledger.db"
    with closing(schema.connect(path, kept=False)) as db:
        schema.prepare(db, path)
        db.execute("BEGIN")
        yield db


def miss(sources: Sources, first: int, count: int) -> None:
    """Look for files that are not there: they are remembered as well."""
    for number in range(first, first + count):
        with pytest.raises(BadImage, match="there is no such file"):
            sources.find(f"photo-{number:07}.jpg")


def test_planning_many_local_images_takes_no_more_memory_than_planning_some(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    sources = Sources(db, tmp_path)
    tracemalloc.start()
    try:
        miss(sources, 0, 3 * KEPT)
        some, _ = tracemalloc.get_traced_memory()
        miss(sources, 3 * KEPT, 3 * KEPT)
        many, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert many < 1.5 * some


def test_an_image_that_is_out_of_mind_is_known_from_the_ledger(db: sqlite3.Connection, tmp_path: Path) -> None:
    (tmp_path / "mug.png").write_bytes(encoded())
    sources = Sources(db, tmp_path)
    first = sources.find("mug.png")
    db.execute("UPDATE files SET sha256='as the ledger says'")
    assert sources.find("mug.png") == first

    miss(sources, 0, KEPT)

    assert sources.find("mug.png") == (first[0], "sha256:as the ledger says")
