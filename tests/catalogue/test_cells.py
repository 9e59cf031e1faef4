"""Cells as exports and spreadsheets leave them: what is no image is never paid for, and the same text only once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.manifest import open_manifest
from tests.catalogue.commands import csv_file, plan

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://cdn.example.com"
BASE = f"--image-base-url={URL}/media/"


@pytest.mark.parametrize("word", ["no_selection", "No_Selection", "n/a", "#N/A", "none", "NULL", "NaN", "-", "—"])
@pytest.mark.parametrize("flags", [(), (BASE,)])
def test_a_word_for_no_image_is_never_paid_for(tmp_path: Path, word: str, flags: tuple[str, ...]) -> None:
    shop = csv_file(tmp_path / "shop.csv", "sku,title,image_url", f"A,t,{word}", f"B,t,{URL}/b.jpg")

    planned = plan(shop, *flags).summary

    assert (planned["tasks"], planned["invalid"]) == (1, 0)


def test_magentos_word_for_no_image_makes_a_row_without_an_image(tmp_path: Path) -> None:
    shop = csv_file(
        tmp_path / "shop.csv",
        "sku,name,attribute_set_code,base_image,additional_images",
        "A,t,Default,no_selection,",
        'B,t,Default,/b.jpg,"no_selection,/b2.jpg"',
        "A,t,Default,no_selection,",
    )

    rows = list(open_manifest(shop).rows())

    assert [row.cells[2] for row in rows] == ["", "/b.jpg", "/b2.jpg"]
    assert plan(shop, BASE).summary["tasks"] == 2
