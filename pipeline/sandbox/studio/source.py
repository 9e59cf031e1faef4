"""Open whatever was sent: any common format, mode, depth and orientation becomes plain 8-bit sRGB.

Owns the limits on what is opened.  Knows nothing of endpoints; the field's name is only for the message.
"""

import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageOps

from pipeline.sandbox.studio.color import Pixels, as_pixels

MAX_PIXELS = 64_000_000
"""Larger images are refused from their header."""

MAX_DECODED_PIXELS = 40_000_000
"""The same for formats that, unlike JPEG, cannot be decoded at a fraction of their size.

Pillow keeps four bytes a pixel: this is 160 MB of the 300 MB that one edit may take.
"""

WORKING_PIXELS = 2_100_000
"""Photographs are reduced to this before any maths, unless the output asks for more."""

_OPAQUE = 255
_STRIP_PIXELS = 2_000_000
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "MPO", "GIF", "BMP", "TIFF")  # no format that starts a program


class UnreadableImage(ValueError):
    """An input image cannot be used.  The message names the field and says why."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph, upright.

    `rgb` is (height, width, 3) 8-bit sRGB, flattened on white where the file was transparent;
    `alpha` is (height, width) 8-bit coverage, or None for a file without transparency.
    """

    rgb: Pixels
    alpha: Pixels | None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


def open_photo(data: bytes, field: str, max_pixels: int = WORKING_PIXELS) -> Photo:
    """Decode *data*, sent as *field*, reduced to at most *max_pixels*.  Raise UnreadableImage."""
    if not data:
        raise UnreadableImage(f"{field}: the file is empty; send an image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header's oddities are no concern of the caller
            return _decode(data, field, max_pixels)
    except UnreadableImage:
        raise
    except Image.DecompressionBombError:
        raise UnreadableImage(_too_large(field)) from None
    except Exception as fault:
        raise UnreadableImage(f"{field}: not an image that can be decoded ({_why(fault)})") from fault


def fit_within(size: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """Return *size* (width, height), reduced in proportion to at most *max_pixels*; never below 1 pixel."""
    width, height = size
    share = min(1.0, math.sqrt(max_pixels / (width * height)))
    return max(1, round(width * share)), max(1, round(height * share))


def input_pixels(output: tuple[int, int]) -> int:
    """Return how many pixels of an input serve an *output* of (width, height): half as many again, within limits."""
    return min(WORKING_PIXELS, max(300_000, round(1.5 * output[0] * output[1])))


def _decode(data: bytes, field: str, max_pixels: int) -> Photo:
    Image.init()
    with Image.open(io.BytesIO(data), formats=[name for name in _FORMATS if name in Image.OPEN]) as image:
        asked = image.size
        if asked[0] * asked[1] > MAX_PIXELS:
            raise UnreadableImage(_too_large(field, asked))
        image.draft(None, fit_within(asked, max_pixels))
        if image.width * image.height > MAX_DECODED_PIXELS:
            raise UnreadableImage(_too_large(field, asked, MAX_DECODED_PIXELS, f" for {image.format}"))
        image.load()
        return _normalise(image, max_pixels)


def _normalise(image: Image.Image, max_pixels: int) -> Photo:
    exif = image.getexif().get(0x0112, 1)
    profile = image.info.get("icc_profile")
    transparent = image.has_transparency_data
    image = _to_srgb(_reduced(image, max_pixels), profile)
    pixels = np.asarray(_upright(image.convert("RGBA" if transparent else "RGB"), exif))
    if not transparent or int(pixels[..., 3].min()) == _OPAQUE:
        return Photo(np.ascontiguousarray(pixels[..., :3]), None)
    return Photo(_on_white(pixels), np.ascontiguousarray(pixels[..., 3]))


def _reduced(image: Image.Image, max_pixels: int) -> Image.Image:
    """Return *image* with 8 bits a channel and at most *max_pixels*.

    A large one is shrunk a few rows at a time: Pillow's own way copies all of a transparent picture first.
    """
    brightest = _brightest(image)
    size = fit_within(image.size, max_pixels)
    factor = min(image.width // size[0], image.height // size[1])
    if factor < 2:  # noqa: PLR2004 - nothing to average
        whole = _eight_bits(image, brightest)
        return whole if whole.size == size else whole.resize(size, Image.Resampling.BICUBIC)
    rows = factor * max(1, _STRIP_PIXELS // (image.width * factor))
    tops = range(0, image.height, rows)
    boxes = [(0, top, image.width, min(top + rows, image.height)) for top in tops]
    strips = [_eight_bits(image.crop(box), brightest).reduce(factor) for box in boxes]
    joined = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    for number, strip in enumerate(strips):
        joined.paste(strip, (0, number * rows // factor))
    return joined.resize(size, Image.Resampling.BICUBIC)


def _brightest(image: Image.Image) -> float:
    """Return what counts as white in a deep grey image: 1, 255 or 65535, or its largest value beyond; else 255."""
    if not image.mode.startswith(("I", "F")):
        return _OPAQUE
    extrema = image.getextrema()
    highest = extrema[1] if isinstance(extrema[1], (int, float)) else _OPAQUE
    if not math.isfinite(highest):
        return 1.0
    steps = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next((step for step in steps if highest <= step), float(highest))


def _eight_bits(image: Image.Image, brightest: float) -> Image.Image:
    """Bring deep greys to 8 bits (Pillow's own conversion clips them to white), and palettes to colours."""
    if image.mode.startswith(("I", "F")):
        deep = np.nan_to_num(np.asarray(image).astype(np.float32))
        return Image.fromarray(as_pixels(deep * (255 / brightest)))
    if image.mode in {"P", "1", "PA"}:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply an embedded colour profile; a broken one is ignored, as every viewer does."""
    if not profile or image.mode not in {"RGB", "CMYK", "L"} or b"sRGB" in profile[:4096]:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted or image


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    if orientation not in range(2, 9):
        return image
    image.getexif()[0x0112] = orientation
    return ImageOps.exif_transpose(image)


def _on_white(rgba: Pixels) -> Pixels:
    alpha = rgba[..., 3:].astype(np.uint16)
    flat = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return flat.astype(np.uint8)


def _too_large(field: str, size: tuple[int, int] | None = None, limit: int = MAX_PIXELS, kind: str = "") -> str:
    what = f"{size[0]} x {size[1]} pixels" if size else "far too many pixels"
    return f"{field}: {what}; the limit is {limit / 1e6:.0f} megapixels{kind}, send a smaller image"


def _why(fault: Exception) -> str:
    first_line = str(fault).split("\n", 1)[0]
    return "unknown format" if "cannot identify" in first_line else first_line or type(fault).__name__
