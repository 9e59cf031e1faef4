"""Small real images for tests, made with Pillow, and a few ways to damage them."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A picture with structure in every channel, so that a swap or a turn shows."""
    width, height = size
    x = np.linspace(0, 255, width, dtype=np.uint8)[None, :].repeat(height, 0)
    y = np.linspace(0, 255, height, dtype=np.uint8)[:, None].repeat(width, 1)
    base = Image.merge("RGBA", [Image.fromarray(band) for band in (x, y, 255 - x, np.maximum(x, 40))])
    if mode == "I;16":
        return Image.fromarray(x.astype(np.uint16) * 257)
    return base if mode == "RGBA" else base.convert("RGB").convert(mode)


def encoded(image: Image.Image | None = None, kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    (image or picture()).save(out, kind, **options)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def png_chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def png_that_claims(width: int, height: int) -> bytes:
    """A tiny file whose header promises a huge picture: a decompression bomb."""
    ihdr = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    pixels = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (png_chunk(b"IHDR", ihdr), png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b""))
    )


def png_with_an_impossible_chunk() -> bytes:
    """A picture whose pixels end half-way in a chunk that has no name: Pillow raises SyntaxError."""
    whole = encoded()
    start = whole.index(b"IDAT") - 4
    size = int.from_bytes(whole[start : start + 4], "big")
    pixels, rest = whole[start + 8 : start + 8 + size], whole[start + 12 + size :]
    half = size // 2
    return whole[:start] + png_chunk(b"IDAT", pixels[:half]) + png_chunk(b"\1\2\3\4", pixels[half:]) + rest


def tiff_that_claims(width: int, height: int) -> bytes:
    """A small file whose tags promise a huge picture."""
    data = bytearray(encoded(kind="TIFF"))
    directory = int.from_bytes(data[4:8], "little")
    for at in range(directory + 2, directory + 2 + 12 * int.from_bytes(data[directory : directory + 2], "little"), 12):
        tag = int.from_bytes(data[at : at + 2], "little")
        if tag in (256, 257):
            data[at + 2 : at + 12] = b"\x04\0\x01\0\0\0" + (width if tag == 256 else height).to_bytes(4, "little")
    return bytes(data)
