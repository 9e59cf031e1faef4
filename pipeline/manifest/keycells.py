"""What spreadsheets do to identifiers: guards that are taken off, damage that is warned about.

``'0850064060010`` is a barcode guarded by an apostrophe; ``3.65275E+11`` was a barcode once, and its digits are lost.
Only columns that hold identifiers are touched.  Knows nothing about files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.manifest.columns import fold
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.manifest.notices import Notices

_IDENTIFIER = re.compile(
    r"(?:.* )?(?:key|sku|id|handle|handleid|barcode|gtin|gtin\d+|ean|ean\d+|upc|isbn|mpn|asin|reference|reference #"
    r"|item group id|article number|art\.?-?nr\.?)"
)
_GUARDED = re.compile(r"'[^']+")
_DAMAGED = re.compile(r"\d(?:[.,]\d+)?E\+\d+")


def guarded(columns: Sequence[str]) -> tuple[int, ...]:
    """Indexes of the columns that hold identifiers."""
    return tuple(i for i, name in enumerate(columns) if _IDENTIFIER.fullmatch(fold(name).replace("_", " ")))


def restored(batch: list[Row], identifiers: Sequence[int], columns: Sequence[str], notices: Notices) -> list[Row]:
    """Take the guard off identifiers in *batch* and warn of damaged ones; the same list when there are none."""
    for i in identifiers:
        column = "\n".join([row.cells[i] for row in batch])  # one search over all is cheaper than one per cell
        if "'" in column:
            batch = [_unguarded(row, i) for row in batch]
        if "E+" in column:
            _warn_of_damage(batch, i, columns[i], notices)
    return batch


def _unguarded(row: Row, i: int) -> Row:
    cell = row.cells[i]
    if not _GUARDED.fullmatch(cell):
        return row
    return Row(row.number, (*row.cells[:i], cell[1:], *row.cells[i + 1 :]))


def _warn_of_damage(batch: list[Row], i: int, column: str, notices: Notices) -> None:
    marker = f'column "{column}": damaged by a spreadsheet'
    if any(warning.startswith(marker) for warning in notices.warnings):
        return
    row = next((row for row in batch if _DAMAGED.fullmatch(row.cells[i])), None)
    if row is not None:
        notices.warn(
            f"{marker}: {row.cells[i]} in row {row.number} was a longer number; export again without a spreadsheet"
        )
