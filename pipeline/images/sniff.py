"""Tell what bytes are by their content, never by a file name or a ``Content-Type``.

Owns the magic numbers of the image formats we read, and the words for everything that is no image: an HTML login
page, a storage service's XML error, a Git LFS pointer.  Reads only the first bytes.  Knows neither limits nor Pillow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD_BYTES = 4096
"""How many leading bytes are looked at."""

_BMP_INFO_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))

_RAW = "a camera raw file; develop it and export it as JPEG or PNG"
_OTHER_FILES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"8BPS", "a Photoshop document; export it as PNG or JPEG"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image, which no endpoint reads; export it as PNG or JPEG"),
    (b"\xff\x0a", "a JPEG XL image, which no endpoint reads; export it as PNG or JPEG"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image, which no endpoint reads; export it as PNG or JPEG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image, which no endpoint reads; export it as PNG or JPEG"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"IIRO", _RAW),
    (b"IIU\0", _RAW),
    (b"\x1f\x8b", "gzip data"),
    (b"version https://git-lfs", "a Git LFS pointer instead of the file itself; run `git lfs pull`"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """One image format: its name as Pillow has it, its media type and its file name extension."""

    name: str
    content_type: str
    extension: str


FORMATS = {
    each.name: each
    for each in (
        Format("PNG", "image/png", "png"),
        Format("JPEG", "image/jpeg", "jpg"),
        Format("WEBP", "image/webp", "webp"),
        Format("AVIF", "image/avif", "avif"),
        Format("GIF", "image/gif", "gif"),
        Format("TIFF", "image/tiff", "tif"),
        Format("BMP", "image/bmp", "bmp"),
    )
}
"""The formats we can decode."""


def format_of(data: bytes) -> Format | None:
    """The image format that *data* begins like, or None."""
    name = _format_name(data)
    return FORMATS[name] if name else None


def _format_name(data: bytes) -> str | None:  # noqa: PLR0911  # one return per format reads as the table it is
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if _brands(data) & _AVIF_BRANDS:
        return "AVIF"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_INFO_SIZES:
        return "BMP"
    return None


def _brands(data: bytes) -> frozenset[bytes]:
    """The brands of an ISO base media file (AVIF, HEIC, CR3, MP4 ...)."""
    if data[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(data[:4], "big"), len(data), HEAD_BYTES)
    return frozenset((data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))))


def what_it_is(data: bytes) -> str:
    """Say in words what *data* is, given that it is no image we read.  Completes the sentence "it is ..."."""
    if not data:
        return "empty (0 bytes)"
    brands = _brands(data)
    if brands & _HEIF_BRANDS:
        return (
            "a HEIC photo, which no endpoint reads; export it as JPEG (on iPhones: Settings, Camera, Most Compatible)"
        )
    if brands:
        return f"a video or camera raw file ({data[8:12].decode('latin-1').strip()})"
    for magic, words in _OTHER_FILES:
        if data.startswith(magic):
            return words
    return _text_or_binary(data[:HEAD_BYTES], whole=len(data) <= HEAD_BYTES)


def _text_or_binary(head: bytes, *, whole: bool) -> str:
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = text.lower()
    if b"<svg" in lower and text.startswith(b"<"):
        return "an SVG drawing, which no endpoint reads; export it as PNG"
    if b"<html" in lower or lower.startswith(b"<!doctype html"):
        return "an HTML page" + _quoted(_inside(text, "title"))
    if lower.startswith(b"<"):
        return "an XML document" + _quoted(_inside(text, "Code"))
    if text[:1] in (b"{", b"["):
        return "JSON text"
    return "plain text" if _is_text(head, whole=whole) else "in no known image format"


def _inside(text: bytes, tag: str) -> str:
    """The text of the first ``<tag>``: an HTML page's title, a storage service's error code."""
    found = re.search(rf"<{tag}[^>]*>([^<]*)", text.decode("utf-8", "replace"), re.IGNORECASE)
    return " ".join(found[1].split())[:80] if found else ""


def _quoted(words: str) -> str:
    return f' ("{words}")' if words else ""


def _is_text(head: bytes, *, whole: bool) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if whole or error.start < len(head) - 4:  # a character cut at the end of the head is no objection
            return False
        text = head[: error.start].decode()
    return all(char.isprintable() or char.isspace() for char in text)
