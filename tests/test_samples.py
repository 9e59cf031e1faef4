"""The sample catalogue: what is committed is what the script draws, and every recipe fits the catalogue."""

from __future__ import annotations

import csv
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.endpoints import every, get

MANIFESTS = Path(__file__).resolve().parents[1] / "manifests"
IMAGES = MANIFESTS / "images"
QUICK = ["room-living-mask.png", "room-table-mask.png", "pattern-arches.png", "perfume.jpg", "backdrop-linen.jpg"]
"""Each of the ways in which images are made; drawing all takes minutes."""
RECIPES = ["all-endpoints", "relight", "scenes"]


def catalogue() -> list[dict[str, str]]:
    with (MANIFESTS / "catalog.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_script_draws_what_is_committed(tmp_path: Path) -> None:
    command = [sys.executable, str(MANIFESTS / "draw.py"), "--into", str(tmp_path), "--only", *QUICK]
    subprocess.run(command, check=True, capture_output=True)
    for name in QUICK:
        committed, drawn = (np.asarray(Image.open(folder / name), np.int16) for folder in (IMAGES, tmp_path / "images"))
        assert committed.shape == drawn.shape
        difference = np.abs(committed - drawn)
        # Masks and patterns to the bit; elsewhere, other processors round other last digits, and JPEG spreads them.
        assert difference.max() == 0 if name.endswith(".png") else difference.mean() < 0.5


def test_every_image_is_a_real_one_of_modest_size_and_is_used() -> None:
    files = sorted(path.name for path in IMAGES.iterdir())
    assert sum((IMAGES / name).stat().st_size for name in files) < 2_000_000
    for name in files:
        with Image.open(IMAGES / name) as picture:
            picture.load()
            assert min(picture.size) >= 768
        assert (IMAGES / name).stat().st_size < 150_000
    manifests = "".join((MANIFESTS / name).read_text(encoding="utf-8") for name in ("catalog.csv", "tasks.csv"))
    assert [name for name in files if f"images/{name}" not in manifests] == []


def test_a_mask_fits_its_room_and_is_black_and_white() -> None:
    for mask in IMAGES.glob("*-mask.png"):
        with Image.open(mask) as picture, Image.open(mask.with_name(mask.name.replace("-mask.png", ".jpg"))) as room:
            assert picture.size == room.size
            values = np.asarray(picture.convert("L"))
        assert 0.03 < (values == 255).mean() < 0.5
        assert ((values == 0) | (values == 255)).mean() > 0.999


def test_products_stand_on_white_with_a_shadow() -> None:
    for row in catalogue():
        with Image.open(MANIFESTS / row["image_url"]) as picture:
            grey = np.asarray(picture.convert("L"))
        assert (grey[:40, :40] > 250).all(), row["sku"]
        assert 0.05 < (grey < 200).mean() < 0.6, row["sku"]


def test_parquet_holds_the_same_text_as_csv() -> None:
    table = pq.read_table(MANIFESTS / "catalog.parquet")
    assert {str(kind) for kind in table.schema.types} == {"string"}
    assert table.to_pylist() == catalogue()


def test_the_catalogue_has_what_real_ones_have() -> None:
    rows = catalogue()
    assert len(rows) == 12
    assert len({row["sku"] for row in rows}) == 12
    assert all(all(row.values()) for row in rows)
    assert any(row["sku"] == "007" for row in rows)
    assert any(not row["sku"].isascii() for row in rows)
    assert any("," in row["title"] and '"' in row["title"] for row in rows)
    for column in ("image_url", "background", "room_image", "mask_image"):
        assert all((MANIFESTS / row[column]).is_file() for row in rows)


@pytest.mark.parametrize("name", RECIPES)
def test_every_row_fits_the_recipe(name: str) -> None:
    recipe = tomllib.loads((MANIFESTS / f"{name}.toml").read_text(encoding="utf-8"))
    assert recipe["recipe"] == {"name": name, "key": "{sku}"}
    for step in recipe["step"]:
        for row in catalogue():
            params = {k: v.format_map(row) if isinstance(v, str) else v for k, v in step["params"].items()}
            assert get(step["endpoint"]).validate(params)[1] == []


def test_the_recipe_of_the_demo_uses_all_five_endpoints() -> None:
    recipe = tomllib.loads((MANIFESTS / "all-endpoints.toml").read_text(encoding="utf-8"))
    assert [step["endpoint"] for step in recipe["step"]] == list(every())[:5]


def test_the_task_manifest_uses_all_five_endpoints_and_every_row_is_valid() -> None:
    with (MANIFESTS / "tasks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["endpoint"] for row in rows} == set(list(every())[:5])
    for row in rows:
        params = {name: cell for name, cell in row.items() if cell and name not in {"key", "endpoint"}}
        assert get(row["endpoint"]).validate(params)[1] == []
