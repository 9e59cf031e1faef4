"""Open and decode an image within limits: size and pixels are checked from the header, before a pixel is decoded.

Owns the limits and the words for what is wrong with an image.  Knows neither files, nor where the bytes came from,
nor what will be done with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pipeline.images.header import Header, damaged_png_chunk, read_header
from pipeline.images.inflate import is_whole_png
from pipeline.images.quiet import pillow_is_quiet
from pipeline.images.sniff import Format, format_of, what_it_is

if TYPE_CHECKING:
    from collections.abc import Callable

MEGA = 1_000_000
_JPEG_SCALE = 8
"""The smallest picture that libjpeg makes of its coefficients, a pixel from each block."""

# Pillow's plug-ins are called directly: ``Image.open`` would try every other format it knows, PostScript among them,
# and judge the pixel count by a limit that the whole process shares.
_OPENERS: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.jpeg_factory,  # an MPO image where the file holds several
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest image that is accepted."""

    max_bytes: int = 100 * MEGA
    max_pixels: int = 200 * MEGA


class UnreadableImage(Exception):
    """The bytes are no image we can use; the text is a clause: "it is empty (0 bytes)"."""


def check_bytes(data: bytes, limits: Limits) -> Format:
    """The format of *data*; raises UnreadableImage when it is no image or larger than the limits allow."""
    if len(data) > limits.max_bytes:
        raise UnreadableImage(
            f"it has {len(data) / MEGA:.1f} MB, more than the limit of {limits.max_bytes / MEGA:g} MB"
        )
    found = format_of(data)
    if found is None:
        raise UnreadableImage(f"it is {what_it_is(data)}")
    return found


def check_header(data: bytes, limits: Limits) -> Header | None:
    """The header where we can read it ourselves; raises UnreadableImage when it promises too many pixels."""
    header = read_header(data)
    if header is not None:
        check_pixels(header.width, header.height, limits)
    return header


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raise UnreadableImage when *width* times *height* is more than the limits allow."""
    if width * height > limits.max_pixels:
        raise UnreadableImage(
            f"it has {width} x {height} pixels ({width * height / MEGA:.0f} megapixels), "
            f"more than the limit of {limits.max_pixels / MEGA:g} megapixels"
        )


def open_image(data: bytes, limits: Limits) -> ImageFile.ImageFile:
    """Open *data* without decoding it yet.  Raises UnreadableImage."""
    found = check_bytes(data, limits)
    check_header(data, limits)
    with pillow_is_quiet():
        try:
            image = _OPENERS[found.name](BytesIO(data))
        except Exception as error:  # plug-ins raise whatever their parser stumbles over
            raise _unreadable(found, data, error) from error
    check_pixels(*image.size, limits)
    return image


def decode(data: bytes, limits: Limits) -> ImageFile.ImageFile:
    """Open *data* and decode every pixel of its first frame.  Raises UnreadableImage."""
    return _decoded(data, limits, open_image(data, limits))


def check_by_decoding(data: bytes, limits: Limits) -> Header:
    """What *data* is, when its first frame can be decoded to the last pixel; raises UnreadableImage as `decode` does.

    Only what cannot fail is left out.  All coefficients of a JPEG are read, but it is put together in grey and at an
    eighth of its size; most PNG are unpacked without being put together (`inflate`).
    """
    image = open_image(data, limits)
    size = image.size
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        try:
            image.draft("L", (max(1, size[0] // _JPEG_SCALE), max(1, size[1] // _JPEG_SCALE)))
            image = _decoded(data, limits, image)
        except UnreadableImage:  # a libjpeg that cannot make such a one is no damage
            image = decode(data, limits)
    elif not (isinstance(image, PngImagePlugin.PngImageFile) and is_whole_png(data)):
        image = _decoded(data, limits, image)
        size = image.size
    return Header(*size, has_alpha=has_alpha(image), complete=True)


def _decoded(data: bytes, limits: Limits, image: ImageFile.ImageFile) -> ImageFile.ImageFile:
    found = check_bytes(data, limits)
    with pillow_is_quiet():
        try:
            image.load()
        except Exception as error:  # plug-ins raise whatever their decoder stumbles over
            raise _unreadable(found, data, error) from error
    if ImageFile.LOAD_TRUNCATED_IMAGES and _is_cut_off(data):  # a notebook may have told Pillow to look away
        raise UnreadableImage(f"the {found.name} image is cut off before its end")
    if found.name == "PNG" and (chunk := damaged_png_chunk(data)):
        raise UnreadableImage(f"the PNG image is damaged: the check sum of its {chunk} chunk is wrong")
    return image


def has_alpha(image: Image.Image) -> bool:
    """Whether the picture has transparency, in whichever form its mode keeps it."""
    return image.has_transparency_data


def _is_cut_off(data: bytes) -> bool:
    header = read_header(data)
    return header is not None and not header.complete


def _unreadable(found: Format, data: bytes, error: Exception) -> UnreadableImage:
    if isinstance(error, MemoryError):
        return UnreadableImage(f"the {found.name} image needs more memory than there is")
    header = read_header(data)
    if header is None and found.name in ("PNG", "JPEG", "WEBP"):
        return UnreadableImage(f"the {found.name} image is cut off or damaged within its header")
    if (header and not header.complete) or "truncated" in str(error).lower():
        return UnreadableImage(f"the {found.name} image is cut off before its end")
    return UnreadableImage(f"the {found.name} image is damaged and cannot be decoded ({error or type(error).__name__})")
