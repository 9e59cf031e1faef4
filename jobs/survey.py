"""A look at a manifest before anything is written about it: columns, platform, and guesses at key, image and title.

Reads the manifest, changes nothing.  Guesses are said with their reason, so that a person can correct them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.cells import image_of
from pipeline.errors import ManifestError, RecipeError
from pipeline.manifest import open_manifest
from pipeline.manifest.keys import choose_key, unique_column
from pipeline.template import bare
from pipeline.template import place as place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.manifest import Manifest

SAMPLE_ROWS = 300
IMAGE_CELL = re.compile(
    r"^(?:https?|s3|gs|az|file)://\S+$|\.(?:jpe?g|png|webp|heic|heif|tiff?|gif|bmp|avif)(?:\?\S*)?$", re.IGNORECASE
)
IMAGE_NAME = re.compile(r"image|img|photo|picture|foto|bild|imagen|immagine", re.IGNORECASE)
NUMBER = re.compile(r"^[\d.,]*\d$")
TITLES = ("title", "name", "product_title", "product name", "product", "description")
LEAST_SHARE = 0.3
"""Share of filled cells that must look like images."""


@dataclass(frozen=True)
class Survey:
    """What a manifest looks like; a guess that failed is None."""

    rows: int
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    key: str | None
    key_reason: str
    image: str | None
    title: str | None
    from_rows: bool
    """True when its rows name their endpoint: it needs no recipe."""
    illustrated: int
    """Rows whose image cell is filled."""
    warnings: tuple[str, ...]
    """What its reader found doubtful."""

    @property
    def headless(self) -> str | None:
        """A column's name that looks like data: then the first row is no header."""
        return next((name for name in self.columns if IMAGE_CELL.search(name) or NUMBER.match(name)), None)


def survey(source: str, **reading: str) -> Survey:
    """Look at *source*, read as *reading* says (`open_manifest`); raises ManifestError when it cannot be read."""
    manifest = open_manifest(source, **reading)  # type: ignore[arg-type]  # each of these flags is a text
    key, reason = _key(manifest)
    image = _image(manifest.columns, [row.cells for row in islice(manifest.rows(), SAMPLE_ROWS)])
    place = None if image is None else manifest.columns.index(image)
    title = next((found for name in TITLES if (found := _find(manifest.columns, name))), None)
    filled = [place is not None and bool(image_of(row.cells[place])) for row in manifest.rows()]
    return Survey(
        rows=len(filled),
        columns=manifest.columns,
        notes=tuple(manifest.notes),
        key=_nameable(manifest.columns, key),
        key_reason=reason,
        image=_nameable(manifest.columns, image),
        title=_nameable(manifest.columns, title),
        from_rows=_find(manifest.columns, "endpoint") is not None,
        illustrated=sum(filled),
        warnings=tuple(manifest.warnings),
    )


def _nameable(columns: Sequence[str], column: str | None) -> str | None:
    """*column* when a template can name it: not when its braces are all that tells it from another one."""
    if column is None or not (name := bare(column)):
        return None
    try:
        return column if columns[place_of(columns, name)] == column else None
    except RecipeError:
        return None


def _key(manifest: Manifest) -> tuple[str | None, str]:
    try:
        choice = choose_key(manifest)
    except ManifestError as error:
        column = unique_column(manifest)
        return column, "filled and unique" if column else str(error)
    return choice.column, choice.reason


def _image(columns: Sequence[str], sample: Sequence[Sequence[str]]) -> str | None:
    """The column whose cells look most like images; of equals the one whose name says so, then the first."""
    best: tuple[float, int, int] | None = None
    for place, column in enumerate(columns):
        cells = [cells[place].strip() for cells in sample if cells[place].strip()]
        share = sum(bool(IMAGE_CELL.search(cell)) for cell in cells) / len(cells) if cells else 0.0
        rank = (round(share, 1), int(bool(IMAGE_NAME.search(column))), -place)
        if share >= LEAST_SHARE and (best is None or rank > best):
            best = rank
    if best is not None:
        return columns[-best[2]]
    return next((column for column in columns if IMAGE_NAME.search(column)), None)


def _find(columns: Sequence[str], name: str) -> str | None:
    return next((column for column in columns if column.strip().casefold() == name), None)
