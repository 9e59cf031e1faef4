"""What a cell says, without what spreadsheets and exports do to it on the way.

Knows neither columns nor parameters.
"""

from __future__ import annotations

NO_IMAGE = frozenset({"no_selection", "n/a", "#n/a", "none", "null", "nan", "-", "--", "\N{EN DASH}", "\N{EM DASH}"})
"""What is written where there is no image; ``no_selection`` is Magento's word."""


def image_of(cell: str) -> str:
    """The image that *cell* names, without separators behind it; empty where it says that there is none."""
    text = cell.strip()
    if text.endswith((",", ";", "|")):
        text = text.rstrip(" \t\r\n,;|")
    return "" if text.casefold() in NO_IMAGE else text
