"""Read size and shape of a PNG, JPEG or WebP from its bytes in microseconds, without decoding a pixel.

Pillow's own ``open`` costs some 25 µs a file and a full decode of 100 kB some 700 µs; this walk costs one to five.
Sources: PNG 3rd edition (W3C), ITU-T T.81 annex B, RFC 9649 (WebP).  Knows neither limits nor Pillow.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import error as struct_error
from struct import unpack_from
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER = 0xFF
_START_OF_SCAN = 0xDA
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_END_OF_IMAGE = b"\xff\xd9"
PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PNG_HEADER_BYTES = 33
"""Signature and IHDR chunk."""
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_PNG_ALPHA_TYPES = (4, 6)
_VP8X_ALPHA = 0x10
_VP8_START = b"\x9d\x01\x2a"
_VP8L_START = 0x2F


@dataclass(frozen=True, slots=True)
class Header:
    """What an image's first bytes say, and whether its last bytes are there."""

    width: int
    height: int
    has_alpha: bool
    complete: bool
    """Whether the format's own end mark was found: a file without it was probably cut off."""


def read_header(data: bytes) -> Header | None:
    """Header of a PNG, JPEG or WebP; None for other formats and when the structure makes no sense."""
    try:
        if data.startswith(b"\x89PNG"):
            return _png(data)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data.startswith(b"RIFF"):
            return _webp(data)
    except (IndexError, ValueError, struct_error):
        return None
    return None


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk's content, up to the first one that is not wholly there."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            return
        yield data[at + 4 : at + 8], at + 8, length
        at += 12 + length


def damaged_png_chunk(data: bytes) -> str | None:
    """Name of the first critical chunk whose check sum is wrong, or None.  Pillow does not look at them all."""
    view = memoryview(data)
    for kind, start, length in png_chunks(data):
        critical = not kind[0] & 0x20
        expected = int.from_bytes(data[start + length : start + length + 4], "big")
        if critical and zlib.crc32(view[start - 4 : start + length]) != expected:
            return kind.decode("latin-1")
    return None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and length of each segment's content, up to and including the first start of scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == _MARKER:
        marker = data[at + 1]
        if marker == _MARKER:  # a fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big") - 2
            if length < 0:
                return
            yield marker, at + 4, length
            if marker == _START_OF_SCAN:
                return
            at += 4 + length


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk's content inside the RIFF, whether wholly there or not."""
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], at + 8, length
        at += 8 + length + (length & 1)


def _png(data: bytes) -> Header | None:
    if not data.startswith(PNG_START):
        return None
    width, height = unpack_from(">II", data, 16) if len(data) >= PNG_HEADER_BYTES else (0, 0)
    has_alpha = data[25] in _PNG_ALPHA_TYPES
    for kind, _, _ in png_chunks(data) if not has_alpha else ():
        has_alpha = kind == b"tRNS"
        if kind in (b"tRNS", b"IDAT", b"fdAT"):
            break
    complete = data.endswith(_PNG_END) or any(kind == b"IEND" for kind, _, _ in png_chunks(data))
    return _header(width, height, has_alpha=has_alpha, complete=complete)


def _jpeg(data: bytes) -> Header | None:
    width = height = scan_at = 0
    for marker, start, _ in jpeg_segments(data):
        if marker in _START_OF_FRAME:
            height, width = unpack_from(">HH", data, start + 1)
        if marker == _START_OF_SCAN:
            scan_at = start
    # Inside a scan 0xFF is always followed by 0 or a restart mark, so this cannot be pixels.
    ended = data.endswith(_END_OF_IMAGE) or data.rfind(_END_OF_IMAGE, scan_at) > 0
    return _header(width, height, has_alpha=False, complete=bool(scan_at) and ended)


def _webp(data: bytes) -> Header | None:
    kind, start, _ = next(webp_chunks(data), (b"", 0, 0))
    complete = len(data) >= 8 + int.from_bytes(data[4:8], "little")
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[start + at : start + at + 3], "little") + 1 for at in (4, 7))
        return _header(width, height, has_alpha=bool(data[start] & _VP8X_ALPHA), complete=complete)
    if kind == b"VP8L" and data[start] == _VP8L_START:
        bits = int.from_bytes(data[start + 1 : start + 5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        return _header(width, height, has_alpha=bool(bits >> 28 & 1), complete=complete)
    if kind == b"VP8 " and data[start + 3 : start + 6] == _VP8_START:
        width, height = (int.from_bytes(data[start + at : start + at + 2], "little") & 0x3FFF for at in (6, 8))
        return _header(width, height, has_alpha=False, complete=complete)
    return None


def _header(width: int, height: int, *, has_alpha: bool, complete: bool) -> Header | None:
    return Header(width, height, has_alpha, complete) if width and height else None
