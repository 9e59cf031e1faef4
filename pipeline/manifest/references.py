"""Image references inside cells: taken apart, and made absolute.

Knows nothing about platforms or files.
"""

from __future__ import annotations

import re
from functools import cache

from pipeline.cells import image_of

_SCHEME = r"(?:https?|s3|gs|az|file|data):"
_ABSOLUTE = re.compile(rf"{_SCHEME}|//", re.IGNORECASE)
_ANY_URL = r"(?:https?|s3|gs|az)://"
_IMAGE = r"\.(?:jpe?g|png|webp|gif|tiff?|bmp|avif|heic)"
_BEHIND_IMAGE = r"(?:(?<=\.jpg|\.png|\.gif|\.tif|\.bmp)|(?<=\.jpeg|\.webp|\.tiff|\.avif|\.heic))"
# URLs hold commas and semicolons themselves, so a separator counts only where the next reference begins: before
# another URL, and before a path or a name only where nobody would take the two for one.
_BETWEEN_URLS = (
    rf"\s*[,;|\r\n]\s*(?={_ANY_URL}|//)|\s+(?={_ANY_URL})"
    rf"|\s+[,;|]\s*(?=/)|[,;|]\s+(?=/)|\s*[\r\n]\s*(?=/)|{_BEHIND_IMAGE}(?:[,;|]|\s+)(?=/)"
    rf"|{_BEHIND_IMAGE}[,;|]\s+(?=[^\s,;|]+{_IMAGE}\b)"
)
_BETWEEN_FILES = re.compile(rf"{_BEHIND_IMAGE}(?:\s*[,;|]\s*|\s+(?=/))", re.IGNORECASE)
_DOUBT = re.compile(r"[,;|](?:[\s/,;|]|$)|\s/")


def split(cell: str, separators: str) -> list[str]:
    """The references in *cell*, without words that say "none".

    Names that are no URLs are separated by any of *separators* or a line break.
    """
    text = cell.strip()
    if not text:
        return []
    if text.lower().startswith("data:"):
        return [text]  # base64 holds slashes behind its comma
    pattern = _between_urls(separators) if _ABSOLUTE.match(text) else _between_names(separators)
    return [part for piece in pattern.split(text) if (part := image_of(piece.strip(" \t\r\n,;|")))]


def count(reference: str) -> int:
    """How many images *reference* surely names, where nobody said what separates them."""
    if _ABSOLUTE.match(reference):
        return len(split(reference, "")) if "://" in reference[8:] or is_doubtful(reference) else 1
    return sum(map(bool, _BETWEEN_FILES.split(reference)))


def is_doubtful(urls: str) -> bool:
    """Whether one of *urls*, with blanks between, may end in a separator, or hold several with a single scheme."""
    return ("," in urls or ";" in urls or "|" in urls or " /" in urls) and _DOUBT.search(urls) is not None


@cache
def _between_urls(separators: str) -> re.Pattern[str]:
    known = rf"|\s*[{re.escape(separators)}]\s*(?=/)" if separators else ""
    return re.compile(_BETWEEN_URLS + known, re.IGNORECASE)


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
