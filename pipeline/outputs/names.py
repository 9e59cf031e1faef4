r"""Make a file or folder name out of any text, the same one every time, with no memory of other names.

A simple name (ASCII letters, digits, ``. _ -``) stays as it is.  Any other becomes what can be kept of it, a ``~``
and a hash of the whole text: ``Tasse "blau" 1/2`` becomes ``Tasse-blau-1-2~`` and ten characters.  No simple name
holds a ``~``, so the two kinds never meet; the hash keeps the others apart (50 bits for texts with the same remains).

What every file system takes: no ``/ \ : * ? " < > |`` or control characters, no ``CON``, ``NUL``, ``COM1`` as the part
before the first dot, no dot or space at the end (Windows); no ``.`` or ``..``, nothing hidden; at most 255 bytes, of
which temporary and superseded names need some.  Text is NFC and keeps its letters; since file systems differ in how
they compare letters outside ASCII, such names carry the hash as well.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_NAME_BYTES = 100
"""Longest name in UTF-8: two of them and a folder stay within the 260 characters of a path on Windows."""

_HASH_CHARACTERS = 10
_SIMPLE = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")
_IMAGE_FILE = re.compile(r"\.[a-z0-9]{3,5}$", re.IGNORECASE)
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)", re.IGNORECASE)


def safe_name(text: str) -> str:
    """A name for *text* that is safe on every file system: never empty, never hidden, never outside its folder."""
    if _is_simple(text):
        return text
    return hashed_name(text)


def safe_path(parts: Sequence[str]) -> str:
    """*parts* as a path below some folder, each a safe name.

    A folder never looks like an image file, so that the folder ``a.jpg`` and the output ``a`` do not meet.
    """
    folders = [hashed_name(part) if _IMAGE_FILE.search(part) else safe_name(part) for part in parts[:-1]]
    return "/".join([*folders, safe_name(parts[-1])])


def hashed_name(text: str) -> str:
    """The long form: what can be kept of *text*, and its hash."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    mark = "~" + base64.b32encode(digest).decode("ascii")[:_HASH_CHARACTERS].lower()
    return _remains(text, MAX_NAME_BYTES - len(mark)) + mark


def _is_simple(text: str) -> bool:
    return len(text) <= MAX_NAME_BYTES and bool(_SIMPLE.fullmatch(text)) and not _RESERVED.match(text)


def _remains(text: str, max_bytes: int) -> str:
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(char if _is_kept(char) else "-" for char in composed)
    slug = re.sub(r"-{2,}", "-", kept).strip("-.")
    if _RESERVED.match(slug):
        slug = "_" + slug
    return slug.encode()[:max_bytes].decode("utf-8", "ignore") or "unnamed"


def _is_kept(char: str) -> bool:
    """Letters, digits and the marks that belong to letters, of any script."""
    return (char.isascii() and (char.isalnum() or char in "._-")) or unicodedata.category(char)[0] in "LMN"
