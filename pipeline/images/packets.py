"""Find and replace the XMP packet of a PNG, JPEG or WebP; everything else in the file stays byte for byte.

Sources: XMP Specification Part 3 (Adobe, 2020) for where the packet lives; RFC 9649 for WebP's flags and order.
Knows nothing of what a packet says.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from pipeline.images.header import PNG_HEADER_BYTES, PNG_START, jpeg_segments, png_chunks, read_header, webp_chunks
from pipeline.images.sniff import format_of
from pipeline.images.xmp import without_padding

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_PACKET_BYTES = 16_000_000
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_JPEG_EXIF = b"Exif\0"
_JPEG_MULTI_PICTURE = b"MPF\0"
_MAX_SEGMENT_BYTES = 65_533
_PNG_XMP = b"XML:com.adobe.xmp\0"
_VP8X_XMP, _VP8X_ALPHA = 0x04, 0x10
_VP8X_BYTES = 10


class NoPlaceForXmp(Exception):
    """The file has no place for an XMP packet that we know, or its structure is broken."""


def read(data: bytes) -> bytes | None:
    """The XMP packet of *data*; None when it has none.  Raises NoPlaceForXmp."""
    match _kind(data):
        case "JPEG":
            span = _jpeg_span(data, jpeg_segments(data))
            return data[span[0] + 4 + len(_JPEG_XMP) : span[1]] if span else None
        case "PNG":
            span = _png_span(data)
            return _png_text(data[span[0] + 8 : span[1] - 4]) if span else None
        case _:
            return next((data[at : at + size] for kind, at, size in webp_chunks(data) if kind == b"XMP "), None)


def replace(data: bytes, packet: bytes) -> bytes:
    """*data* with *packet* as its XMP packet.  Raises NoPlaceForXmp."""
    match _kind(data):
        case "JPEG":
            return _into_jpeg(data, packet)
        case "PNG":
            return _into_png(data, packet)
        case _:
            return _into_webp(data, packet)


def _with(data: bytes, start: int, end: int, part: bytes) -> bytes:
    """*data* with *part* from *start* to *end*; an image is copied once, not once per slice."""
    view = memoryview(data)
    return b"".join((view[:start], part, view[end:]))


def _kind(data: bytes) -> str:
    found = format_of(data)
    if found is None or found.name not in ("JPEG", "PNG", "WEBP"):
        raise NoPlaceForXmp
    return found.name


def _jpeg_span(data: bytes, segments: Iterable[tuple[int, int, int]]) -> tuple[int, int] | None:
    """From the marker of the XMP segment to its end."""
    for marker, at, size in segments:
        if marker == _APP1 and data.startswith(_JPEG_XMP, at):
            return at - 4, at + size
    return None


def _into_jpeg(data: bytes, packet: bytes) -> bytes:
    segments = list(jpeg_segments(data))
    if any(marker == _APP2 and data.startswith(_JPEG_MULTI_PICTURE, at) for marker, at, _ in segments):
        raise NoPlaceForXmp
    if len(_JPEG_XMP) + len(packet) > _MAX_SEGMENT_BYTES:
        packet = without_padding(packet)
    body = _JPEG_XMP + packet
    if len(body) > _MAX_SEGMENT_BYTES:
        raise NoPlaceForXmp
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    start, end = _jpeg_span(data, segments) or _jpeg_gap(data, segments)
    return _with(data, start, end, segment)


def _jpeg_gap(data: bytes, segments: Iterable[tuple[int, int, int]]) -> tuple[int, int]:
    """The place after JFIF and EXIF, which must come first."""
    gap = 2
    for marker, at, size in segments:
        if not (marker == _APP0 or (marker == _APP1 and data.startswith(_JPEG_EXIF, at))):
            break
        gap = at + size
    if gap > len(data):
        raise NoPlaceForXmp
    return gap, gap


def _png_span(data: bytes) -> tuple[int, int] | None:
    """From the length of the XMP chunk to the end of its check sum."""
    for kind, at, size in png_chunks(data):
        if kind == b"iTXt" and data.startswith(_PNG_XMP, at):
            return at - 8, at + size + 4
    return None


def _png_text(content: bytes) -> bytes:
    """The text of an iTXt chunk: keyword, compressed?, method, language, translated keyword, text."""
    is_compressed = content[len(_PNG_XMP) : len(_PNG_XMP) + 1] == b"\1"
    _, separator, rest = content[len(_PNG_XMP) + 2 :].partition(b"\0")
    _, separator_2, text = rest.partition(b"\0")
    if not separator or not separator_2:
        raise NoPlaceForXmp
    if not is_compressed:
        return text
    try:
        return zlib.decompressobj().decompress(text, _MAX_PACKET_BYTES)
    except zlib.error as error:
        raise NoPlaceForXmp from error


def _into_png(data: bytes, packet: bytes) -> bytes:
    if not data.startswith(PNG_START) or len(data) < PNG_HEADER_BYTES:
        raise NoPlaceForXmp
    content = b"iTXt" + _PNG_XMP + b"\0\0\0\0" + packet
    chunk = (len(content) - 4).to_bytes(4, "big") + content + zlib.crc32(content).to_bytes(4, "big")
    start, end = _png_span(data) or (PNG_HEADER_BYTES, PNG_HEADER_BYTES)
    return _with(data, start, end, chunk)


def _into_webp(data: bytes, packet: bytes) -> bytes:
    end = 8 + int.from_bytes(data[4:8], "little")
    chunks = [(kind, data[at : at + size]) for kind, at, size in webp_chunks(data)]
    if len(data) < end or sum(8 + len(body) + (len(body) & 1) for _, body in chunks) + 12 != end:
        raise NoPlaceForXmp
    chunks = [(kind, body) for kind, body in chunks if kind != b"XMP "]
    if not chunks:
        raise NoPlaceForXmp
    if chunks[0][0] != b"VP8X":
        chunks.insert(0, (b"VP8X", _vp8x(data)))
    if len(chunks[0][1]) != _VP8X_BYTES:
        raise NoPlaceForXmp
    flags = chunks[0][1][0] | _VP8X_XMP
    chunks[0] = (b"VP8X", bytes((flags,)) + chunks[0][1][1:])
    riff = b"WEBP" + b"".join(_webp_chunk(kind, body) for kind, body in (*chunks, (b"XMP ", packet)))
    return b"RIFF" + len(riff).to_bytes(4, "little") + riff + data[end:]


def _vp8x(data: bytes) -> bytes:
    """The extended header for a file that has only a simple one."""
    header = read_header(data)
    if header is None:
        raise NoPlaceForXmp
    size = (header.width - 1).to_bytes(3, "little") + (header.height - 1).to_bytes(3, "little")
    return bytes((_VP8X_ALPHA if header.has_alpha else 0, 0, 0, 0)) + size


def _webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) & 1)
