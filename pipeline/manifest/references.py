"""Image references inside cells: taken apart, and made absolute.

Knows nothing about platforms or files.
"""

from __future__ import annotations

import re
from functools import cache

from pipeline.cells import image_of

_SCHEME = r"(?:https?|s3|gs|az|file|data):"
_ABSOLUTE = re.compile(rf"{_SCHEME}|//", re.IGNORECASE)
# URLs hold commas and semicolons themselves, so a separator counts only where the next reference begins.
_BETWEEN_URLS = re.compile(r"\s*[,;|\r\n]\s*(?=(?:https?|s3|gs|az)://|/)|\s+(?=(?:https?|s3|gs|az)://)", re.IGNORECASE)


def split(cell: str, separators: str) -> list[str]:
    """The references in *cell*, without words that say "none".

    Names that are no URLs are separated by any of *separators* or a line break.
    """
    text = cell.strip()
    if not text:
        return []
    if text.lower().startswith("data:"):
        return [text]  # base64 holds slashes behind its comma
    pattern = _BETWEEN_URLS if _ABSOLUTE.match(text) else _between_names(separators)
    return [part for piece in pattern.split(text) if (part := image_of(piece.strip(" \t\r\n,;|")))]


@cache
def _between_names(separators: str) -> re.Pattern[str]:
    chars = re.escape(separators)
    return re.compile(rf"\s*[{chars}\r\n]\s*" if separators else r"\s*[\r\n]\s*")


def absolute(reference: str, base_url: str) -> str:
    """*reference* below *base_url*; unchanged when it is absolute or there is no base."""
    if reference.startswith("//"):
        return f"https:{reference}"
    if not base_url or _ABSOLUTE.match(reference):
        return reference
    return f"{base_url.rstrip('/')}/{reference.lstrip('/')}"


def is_relative(reference: str) -> bool:
    """True for a path or media id, which is nothing without a base."""
    return not _ABSOLUTE.match(reference)
