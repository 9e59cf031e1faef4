"""What a cell says, without what spreadsheets and exports do to it on the way: the same catalogue stays the same.

Knows neither columns nor parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import is_normalized, normalize

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_IMAGE = frozenset({"no_selection", "n/a", "#n/a", "none", "null", "nan", "-", "--", "\N{EN DASH}", "\N{EM DASH}"})
"""What is written where there is no image; ``no_selection`` is Magento's word."""


def image_of(cell: str) -> str:
    """The image that *cell* names, without separators behind it; empty where it says that there is none."""
    text = cell.strip()
    if text.endswith((",", ";", "|")):
        text = text.rstrip(" \t\r\n,;|")
    return "" if text.casefold() in NO_IMAGE else text


def text_of(cell: str) -> str:
    """The text that *cell* says: line ends as a line feed, no white space around it, accents as one character (NFC)."""
    text = cell.strip()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else normalize("NFC", text)


def texts_of(cells: Iterable[str]) -> list[str]:
    """`text_of` each of *cells*; quick where most of them are as they should be."""
    texts = list(map(str.strip, cells))
    together = "".join(texts)
    if "\r" not in together and (together.isascii() or is_normalized("NFC", together)):
        return texts  # every part of a normalised text is normalised
    return list(map(text_of, texts))
