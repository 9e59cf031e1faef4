"""What every contender is asked to do, and where: manifests of 15 columns, one recipe, images of a given size."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = (
    "sku", "title", "image_url", "category", "color", "price", "currency", "brand", "material", "weight_g",
    "stock", "surface", "light", "gtin", "updated_at",
)  # fmt: skip
COLORS = ("petrol", "sand", "white", "green", "black", "red", "oak")
SURFACES = ("walnut table", "linen cloth", "marble counter", "concrete floor", "garden bench")
RECIPE = """\
[[step]]
name = "scene"
endpoint = "bg-replace"
params.image = "{image_url}"
params.ref_image = "https://cdn.example.com/backdrops/studio.jpg"
params.prompt = "{title}, {color}, on a {surface}, soft {light} light, shallow depth of field"
params.negative_prompt = "text, watermark, hands"
params.num_inference_steps = 25
params.seed = "{stock}"
"""
SIDES = {"100 KB": (256, 100_000), "2 KB": (64, 2_000)}
"""By name: side in pixels and size in bytes of the image, about."""


def row(number: int) -> tuple[str, ...]:
    """Row *number* of every manifest: about 260 bytes, a different body for each."""
    color = COLORS[number % 7]
    return (
        f"SKU-{number:08d}", f"Stoneware mug Harbour {number}, 350 ml", f"https://cdn.example.com/photos/{number}.jpg",
        "kitchen", color, f"{5 + number % 90}.90", "EUR", "Nordwind", "stoneware", str(200 + number % 400),
        str(number % 1000), SURFACES[number % 5], "morning", f"40{number:011d}", "2026-03-01T08:00:00Z",
    )  # fmt: skip


def write_csv(path: Path, count: int) -> Path:
    """A manifest of *count* rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(row(number) for number in range(1, count + 1))
    return path


def write_parquet(path: Path, count: int) -> Path:
    """The same as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(column, pa.string()) for column in COLUMNS])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(1, count + 1, 50_000):
            rows = [row(number) for number in range(start, min(start + 50_000, count + 1))]
            arrays = [pa.array(column) for column in zip(*rows, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return path


def write_recipe(path: Path) -> Path:
    """The recipe: one call per row."""
    path.write_text(RECIPE, encoding="utf-8")
    return path


def png(name: str) -> bytes:
    """A PNG of about the size that *name* says: a gradient with as much grain as fills the bytes."""
    side, size = SIDES[name]
    chance = np.random.default_rng(7)
    shade = np.linspace(220, 60, side * side * 3).reshape(side, side, 3)
    best = b""
    for grain in (0.0, 0.3, 0.6, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24):
        noisy = (shade + chance.normal(0, grain, shade.shape)).clip(0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(noisy).save(file, "PNG")
        if not best or abs(file.tell() - size) < abs(len(best) - size):
            best = file.getvalue()
    return best


def megapixel(kind: str) -> bytes:
    """A JPEG, WebP or PNG of about 100 KB and one megapixel, as endpoints make them: soft shapes, a little grain.

    A PNG of that size has no grain: an image made by AI in front of a plain background.
    """
    chance = np.random.default_rng(7)
    shade = np.add.outer(np.sin(np.linspace(0, 9, 1024)), np.cos(np.linspace(0, 7, 1024)))[:, :, None]
    grain = chance.normal(0, 2, (1024, 1024, 3)) if kind != "PNG" else np.zeros((1, 1, 3))
    made = Image.fromarray((128 + 50 * shade + grain).clip(0, 255).astype(np.uint8))
    best = b""
    for quality in range(60, 100, 3):
        file = io.BytesIO()
        made.save(file, kind, quality=quality)
        if not best or abs(file.tell() - 100_000) < abs(len(best) - 100_000):
            best = file.getvalue()
    return best


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder to work in: in memory where the system has such a place, so that no disk is measured."""
    memory = Path("/dev/shm")  # a temporary folder of its own is made in it
    within = memory if os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="photobatch-bench-", dir=within))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
