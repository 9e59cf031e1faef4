"""Say whether what arrived is a usable image, by its content alone."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.images.decode import Limits, UnreadableImage, check_by_decoding, check_bytes, check_header
from pipeline.outputs.errors import BadOutput

__all__ = ["BadOutput", "ImageFacts", "inspect"]

_BODY_START_BYTES = 200


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image is."""

    width: int
    height: int
    content_type: str
    extension: str
    """Without the dot."""
    has_alpha: bool


def inspect(data: bytes, *, limits: Limits | None = None, full: bool = True) -> ImageFacts:
    """Facts about the image in *data*.

    ``full`` decodes the first frame to its last pixel (`check_by_decoding`); otherwise only magic, size and end mark
    are read, in microseconds (a file whose end mark is missing, or in a format we cannot walk ourselves, is decoded
    all the same).
    A JPEG that is damaged inside may decode without complaint.  Raises BadOutput.
    """
    limits = limits or Limits()
    try:
        return _by_decoding(data, limits) if full else _by_header(data, limits)
    except UnreadableImage as error:
        raise BadOutput(str(error), _printable(data[:_BODY_START_BYTES])) from error


def _by_header(data: bytes, limits: Limits) -> ImageFacts:
    found = check_bytes(data, limits)
    header = check_header(data, limits)
    if header is None or not header.complete:
        return _by_decoding(data, limits)
    return ImageFacts(header.width, header.height, found.content_type, found.extension, header.has_alpha)


def _by_decoding(data: bytes, limits: Limits) -> ImageFacts:
    found = check_bytes(data, limits)
    header = check_by_decoding(data, limits)
    return ImageFacts(header.width, header.height, found.content_type, found.extension, header.has_alpha)


def _printable(start: bytes) -> str:
    text = start.decode("utf-8", "backslashreplace")
    shown = (char if char.isprintable() else ascii(char)[1:-1] for char in " ".join(text.split()))
    return "".join(shown)[:_BODY_START_BYTES]
