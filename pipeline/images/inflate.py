"""Decode the pixels of an ordinary PNG for the sake of checking it, and keep none of them.

What is left out, undoing the row filters and copying pixels together, cannot fail and is half of what Pillow's
decoding costs.  Source: PNG 3rd edition (W3C), sections 7, 9 and 10.  Knows neither limits nor Pillow.
"""

from __future__ import annotations

import zlib
from struct import unpack_from

from pipeline.images.header import PNG_HEADER_BYTES, PNG_START, png_chunks

_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
"""By colour type: bytes per pixel of eight bits a channel.  Type 3 has a palette."""
_PLAIN = b"\0\0\0"
"""Compression, filter and interlace method of a PNG that is not interlaced."""
_LAST_FILTER = 4
_FED_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20


def is_whole_png(data: bytes) -> bool:
    """Whether *data* is a PNG of which every pixel can be had.

    False says nothing: what is damaged is judged elsewhere, and so is any PNG that is interlaced, animated, with a
    palette, of other than eight bits a channel, or with anything between its pixels and its end.
    """
    if not data.startswith(PNG_START) or len(data) < PNG_HEADER_BYTES:
        return False
    width, height, depth, colour = unpack_from(">IIBB", data, 16)
    if depth != 8 or colour not in _CHANNELS or data[26:29] != _PLAIN:  # noqa: PLR2004  # bits a channel
        return False
    packed = _packed(data)
    return packed is not None and _unpacks(packed, rows=height, row_bytes=1 + width * _CHANNELS[colour])


def _packed(data: bytes) -> bytes | None:
    """The compressed pixels, when every check sum is right and the end follows them; else None."""
    view = memoryview(data)
    parts: list[memoryview] = []
    for kind, start, length in png_chunks(data):
        end = start + length
        if zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return None
        if kind == b"IDAT":
            parts.append(view[start:end])
        elif kind == b"IEND":
            return b"".join(parts)
        elif parts or kind == b"acTL":
            return None
    return None


def _unpacks(packed: bytes, *, rows: int, row_bytes: int) -> bool:
    """Whether *packed* holds exactly so many rows, each behind a filter that there is; in bounded memory."""
    stream, total, most = zlib.decompressobj(), 0, rows * row_bytes
    try:
        for at in range(0, len(packed), _FED_BYTES):
            rest = packed[at : at + _FED_BYTES]
            while rest and total <= most:
                piece = stream.decompress(rest, _PIECE_BYTES)
                if max(piece[-total % row_bytes :: row_bytes], default=0) > _LAST_FILTER:
                    return False
                total += len(piece)
                rest = stream.unconsumed_tail
    except zlib.error:
        return False
    return total == most and stream.eof and not stream.unused_data
