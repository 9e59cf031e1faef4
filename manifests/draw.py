"""Draw the sample images, and write catalog.parquet from catalog.csv: `python manifests/draw.py [--only NAME ...]`.

The committed files are this script's output; it needs Pillow, numpy and pyarrow, and takes a few minutes for all.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from drawing.products import PRODUCTS
from drawing.scenes import SCENES

if TYPE_CHECKING:
    from PIL import Image

HERE = Path(__file__).resolve().parent
JPEG_QUALITY = 88


def names() -> list[str]:
    """Every image by its file name."""
    return [*(f"{name}.jpg" for name in PRODUCTS), *SCENES]


def draw(name: str) -> Image.Image:
    """The image with this file name."""
    return SCENES[name]() if name in SCENES else PRODUCTS[name.removesuffix(".jpg")]().photograph()


def save(picture: Image.Image, path: Path) -> None:
    """Write *picture* in the format of its name."""
    if path.suffix == ".png":
        picture.save(path, optimize=True)
    else:
        picture.save(path, quality=JPEG_QUALITY, optimize=True, subsampling=0)


def as_parquet(source: Path, target: Path) -> None:
    """The same rows as Parquet: every cell stays text, so that 007 stays 007."""
    header = source.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    options = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(source, convert_options=options), target)


def main() -> None:
    """Draw what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--only", nargs="+", choices=names(), metavar="NAME", help="draw these images and nothing else")
    parser.add_argument("--into", type=Path, default=HERE, help="write there instead of beside this script")
    asked = parser.parse_args()
    folder = asked.into / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for name in asked.only or names():
        print(f"drawing {name}", file=sys.stderr)
        save(draw(name), folder / name)
    if not asked.only:
        as_parquet(HERE / "catalog.csv", asked.into / "catalog.parquet")


if __name__ == "__main__":
    main()
