"""Bring a photograph to another size without losing the product: crop when it fits, extend when it does not."""

import numpy as np
from PIL import Image, ImageFilter

from pipeline.sandbox.studio.color import Pixels
from pipeline.sandbox.studio.fields import resize_pixels

Box = tuple[float, float, float, float]


def cover(pixels: Pixels, size: tuple[int, int], centre: tuple[float, float] = (0.5, 0.5)) -> Pixels:
    """Return *pixels* filling *size* (width, height), cropped round *centre* (shares 0..1 of the picture)."""
    height, width = pixels.shape[:2]
    share = max(size[0] / width, size[1] / height)
    wide, high = size[0] / share, size[1] / share
    left = max(0.0, min(centre[0] * width - wide / 2, width - wide))
    top = max(0.0, min(centre[1] * height - high / 2, height - high))
    picture = Image.fromarray(pixels)
    box = (left, top, min(width, left + wide), min(height, top + high))
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0))


def fits(pixels_size: tuple[int, int], size: tuple[int, int], box: Box) -> bool:
    """Whether *box* (left, top, right, bottom as shares) survives a `cover` crop to *size*."""
    width, height = pixels_size
    share = max(size[0] / width, size[1] / height)
    return (box[2] - box[0]) * width * share <= size[0] and (box[3] - box[1]) * height * share <= size[1]


def contain(pixels: Pixels, size: tuple[int, int], *, plain: bool) -> Pixels:
    """Return all of *pixels* within *size* (width, height).

    The margins continue the edge of a *plain* backdrop; a busy one is mirrored there, out of focus.
    """
    height, width = pixels.shape[:2]
    share = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * share)), max(1, round(height * share)))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    small = resize_pixels(pixels, inner)
    pad = [(top, size[1] - inner[1] - top), (left, size[0] - inner[0] - left)]
    pad += [(0, 0)] * (pixels.ndim - 2)
    wide = np.pad(small, pad, mode="edge" if plain else "symmetric")
    soft = np.asarray(Image.fromarray(wide).filter(ImageFilter.GaussianBlur(max(size) / 40))).copy()
    soft[top : top + inner[1], left : left + inner[0]] = small
    return soft
