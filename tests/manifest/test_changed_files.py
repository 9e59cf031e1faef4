"""A manifest that is written while it is read: the rows of one file are never read by the header of another."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from pipeline.errors import ManifestError
from pipeline.manifest import open_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHANGED = "has changed while it was read"


def as_csv(path: Path, columns: list[str]) -> None:
    path.write_text(f"{','.join(columns)}\nA1,one\nA2,two\n", encoding="utf-8")


def as_gzip(path: Path, columns: list[str]) -> None:
    path.write_bytes(gzip.compress(f"{','.join(columns)}\nA1,one\n".encode(), mtime=0))


def as_json_lines(path: Path, columns: list[str]) -> None:
    path.write_text(f'{{"{columns[0]}": "A1", "{columns[1]}": "one"}}\n', encoding="utf-8")


def as_feed(path: Path, columns: list[str]) -> None:
    inner = "".join(f"<{name}>x</{name}>" for name in columns)
    path.write_text(f"<rss><channel><item>{inner}</item></channel></rss>", encoding="utf-8")


def as_parquet(path: Path, columns: list[str]) -> None:
    pd.DataFrame({name: ["A1", "one"] for name in columns}).to_parquet(path)


@pytest.mark.parametrize("write", [as_csv, as_gzip, as_json_lines, as_feed, as_parquet])
def test_a_file_that_takes_the_place_of_the_one_opened_is_refused(
    tmp_path: Path, write: Callable[[Path, list[str]], None]
) -> None:
    write(tmp_path / "catalog", ["sku", "title"])
    write(tmp_path / "newer", ["title", "sku"])
    manifest = open_manifest(tmp_path / "catalog")
    assert len(list(manifest.rows())) == len(list(manifest.rows()))

    (tmp_path / "newer").replace(tmp_path / "catalog")

    with pytest.raises(ManifestError, match=CHANGED):
        list(manifest.rows())


def test_rows_that_are_added_while_others_are_read_are_noticed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    as_csv(path, ["sku", "title"])
    rows = open_manifest(path).batches(1)
    next(rows)

    with path.open("a", encoding="utf-8") as file:
        file.write("A3,thr")

    with pytest.raises(ManifestError, match=CHANGED):
        list(rows)


def test_a_file_that_is_replaced_while_its_rows_are_read_is_read_to_its_end(tmp_path: Path) -> None:
    as_csv(tmp_path / "catalog.csv", ["sku", "title"])
    as_csv(tmp_path / "newer.csv", ["title", "sku"])
    rows = open_manifest(tmp_path / "catalog.csv").batches(1)
    first = next(rows)

    (tmp_path / "newer.csv").replace(tmp_path / "catalog.csv")

    assert [row.cells for batch in [first, *rows] for row in batch] == [("A1", "one"), ("A2", "two")]
