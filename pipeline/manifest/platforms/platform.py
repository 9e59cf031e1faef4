"""What there is to say about one shop platform's export, and how its columns are found.

A platform is a value: patterns for column names, and how images are packed.  It holds no code; the reading of all
platforms is one way (``products.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Platform:
    """The description of one platform's export.

    Column patterns are regular expressions for the whole name, in lower case and with ``_`` as a blank.
    """

    name: str
    """What ``--platform`` calls it."""
    label: str
    signatures: tuple[tuple[str, ...], ...]
    """An export is recognised when every pattern of one signature has a column."""
    keys: tuple[str, ...]
    """Columns that identify a product, the best first; an empty or repeated value falls to the next."""
    titles: tuple[str, ...]
    images: tuple[str, ...]
    """Columns that hold images, the main image's first."""
    grouped: bool = False
    """Rows with the same first key are one product: its variants and further images."""
    variant_columns: str = "(?!)"
    """Columns that belong to a row and are never filled from the product's other rows."""
    separators: str = ",;|"
    """What separates image names that are not URLs within one cell."""
    escaped_comma: bool = False
    r"""A comma inside a value is written ``\,``."""
    image_base_url: str = ""
    """What an image that is no URL is relative to, when the user does not say."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a platform's columns are in one file: indexes into its columns."""

    keys: tuple[int, ...]
    titles: tuple[int, ...]
    images: tuple[int, ...]
    filled: tuple[int, ...] = field(default=())
    """Columns that all rows of a product share."""


def spelled(column: str) -> str:
    """The form of a column name that patterns are written for."""
    return re.sub(r"[\s_]+", " ", column.strip().casefold()).removeprefix("g:")


def matching(columns: Sequence[str], pattern: str) -> list[int]:
    """Indexes of the columns that *pattern* names, in the file's order."""
    compiled = re.compile(pattern)
    return [i for i, column in enumerate(columns) if compiled.fullmatch(spelled(column))]


def recognised_by(platform: Platform, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns by which *columns* are this platform's export; empty when they are not."""
    for signature in platform.signatures:
        found = [matching(columns, pattern) for pattern in signature]
        if all(found):
            return tuple(columns[indexes[0]] for indexes in found)
    return ()


def layout(platform: Platform, columns: Sequence[str]) -> Layout:
    """Find *platform*'s columns; those that are absent are simply not in the layout."""
    own = {*_all(columns, platform.images), *matching(columns, platform.variant_columns)}
    return Layout(
        keys=_all(columns, platform.keys),
        titles=_all(columns, platform.titles),
        images=_all(columns, platform.images),
        filled=tuple(i for i in range(len(columns)) if i not in own) if platform.grouped else (),
    )


def _all(columns: Sequence[str], patterns: Iterable[str]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(i for pattern in patterns for i in matching(columns, pattern)))
