"""Records that an unclosed quote swallowed: ``A1,"Red mug,1.jpg``, lines of other products, ``A3,Pan 5",3.jpg``.

To a CSV reader that is one record of the right width, whose cell holds all that stands between the two quotes; the
call that is paid has the name of the first product and the image of the last.  Such a cell betrays itself: taken
apart at its line breaks and delimiters, with what stands before and behind it, it gives records as wide as its own.
Text with commas in it does so by chance, so more is asked for: images in the same columns of all these records, or
whole records of some width on lines of their own; and not the blank that follows a comma in a sentence.

Pure.  Knows nothing about files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE_END = re.compile(r"\r\n|\r|\n")
_IMAGE = re.compile(r"://|\.(?:jpe?g|png|webp|gif|tiff?|bmp|avif|heic)\b", re.IGNORECASE)
_SURE_WIDTH = 4
"""From so many cells on, lines of just that width are no enumeration in a description."""


def swallowed(cells: Sequence[str], delimiter: str) -> int | None:
    """Index of the cell that holds other records beside its own, or None."""
    behind = len(cells) - 1
    for place, cell in enumerate(cells):
        if delimiter in cell:
            end = cell.find("\n")
            if end < 0:
                end = cell.find("\r")
            if end >= 0 and cell.count(delimiter, 0, end) == behind - place and _holds_records(cells, place, delimiter):
                return place
    return None


def _holds_records(cells: Sequence[str], place: int, delimiter: str) -> bool:
    """True when the cell at *place*, whose first line completes a record, goes on with records and begins another."""
    lines = _LINE_END.split(cells[place])
    if lines[-1].count(delimiter) != place:
        return False
    between = [line.split(delimiter) for line in lines[1:-1] if line.strip()]
    whole = [record for record in between if len(record) == len(cells)]
    if 2 * len(whole) < len(between):
        return False
    first = [*cells[:place], *lines[0].split(delimiter)]
    last = [*lines[-1].split(delimiter), *cells[place + 1 :]]
    like_a_sentence = f"{delimiter} " in cells[place]
    if _images_agree([first, *whole, last]):
        return bool(whole) or not like_a_sentence
    return bool(whole) and len(cells) >= _SURE_WIDTH and not like_a_sentence


def _images_agree(records: Sequence[Sequence[str]]) -> bool:
    """True when some columns hold images: each in two records at least, and in most of those that fill it."""
    found = False
    for column in zip(*records, strict=True):
        images = sum(_IMAGE.search(cell) is not None for cell in column)
        if images and (images == 1 or 2 * images <= sum(bool(cell.strip()) for cell in column)):
            return False
        found = found or images > 0
    return found
