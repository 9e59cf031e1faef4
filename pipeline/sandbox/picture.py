"""One picture on its way through the sandbox, and what can be told of bytes without decoding them."""

from __future__ import annotations

from dataclasses import dataclass, field

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "image/avif": "avif",
    "application/octet-stream": "bin",
}
CONTENT_TYPES = {extension: content_type for content_type, extension in EXTENSIONS.items()}

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded image; ``seed`` is what it was made with."""

    data: bytes = field(repr=False)
    content_type: str
    width: int
    height: int
    seed: int | None = None


def sniff(data: bytes) -> str | None:
    """Content type of an image by its first bytes; None when it is none that is known here."""
    for magic, content_type in _MAGIC:
        if data.startswith(magic):
            return content_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in {b"ftypavif", b"ftypavis"}:
        return "image/avif"
    return None
