"""Resampling, blurring and slopes of float fields: what light and masks are computed with.

A field is (height, width) or (height, width, channels) float32.  Knows nothing of photographs.
"""

import numpy as np
from PIL import Image

from pipeline.sandbox.studio.color import Field, Pixels, as_field


def resize(field: Field, size: tuple[int, int], box: tuple[float, float, float, float] | None = None) -> Field:
    """Return *field* at *size* (width, height), bilinear; *box* (left, top, right, bottom) selects a part of it."""
    if field.ndim == 3:  # noqa: PLR2004 - (height, width, channels)
        return np.stack([resize(field[..., n], size, box) for n in range(field.shape[2])], axis=-1)
    picture = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box=box))


def resize_pixels(pixels: Pixels, size: tuple[int, int], *, sharp: bool = True) -> Pixels:
    """Return 8-bit *pixels* at *size* (width, height)."""
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    method = Image.Resampling.BICUBIC if sharp else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize(size, method, reducing_gap=2.0))


def box_blur(field: Field, radius: int) -> Field:
    """Return the mean over (2 radius + 1) squared cells; edges are continued outwards."""
    if radius < 1:
        return field
    for axis in (0, 1):
        field = _running_mean(field, radius, axis)
    return field


def blur(field: Field, radius: float) -> Field:
    """Return *field* softened with a bell of standard deviation *radius* cells (two box passes).

    A wide bell needs no fine grid: the field is made smaller first, which costs a fraction.
    """
    height, width = field.shape[:2]
    coarse = 1 << max(0, int(np.log2(max(1.0, radius / 2.5))))
    if coarse > 1 and min(height, width) >= 16 * coarse:
        small = resize(field, (width // coarse, height // coarse))
        return resize(blur(small, radius / coarse), (width, height))
    reach = round(radius * 1.2)  # two boxes of half-width w have the deviation sqrt(2 w (w + 1) / 3)
    return box_blur(box_blur(field, reach), reach)


def _running_mean(field: Field, radius: int, axis: int) -> Field:
    length = field.shape[axis]
    pad = [(0, 0)] * field.ndim
    pad[axis] = (radius + 1, radius)
    sums = np.cumsum(np.pad(field, pad, mode="edge"), axis=axis, dtype=np.float64)
    ahead, behind = slice(2 * radius + 1, None), slice(None, length)
    mean = sums[ahead] - sums[behind] if axis == 0 else sums[:, ahead] - sums[:, behind]
    return as_field(mean / (2 * radius + 1))


def slopes(field: Field) -> tuple[Field, Field]:
    """Return (across, down): central differences per cell of a (height, width) field; 0 along one-cell axes."""
    across = np.gradient(field, axis=1) if field.shape[1] > 1 else np.zeros_like(field)
    down = np.gradient(field, axis=0) if field.shape[0] > 1 else np.zeros_like(field)
    return across.astype(np.float32), down.astype(np.float32)


def steps_between(edge_0: float, edge_1: float, field: Field) -> Field:
    """Return the smooth step: 0 at *edge_0*, 1 at *edge_1* (either order), cubic between."""
    t = np.clip((field - edge_0) / (edge_1 - edge_0), 0, 1)
    return as_field(t * t * (3 - 2 * t))


def coordinates(size: tuple[int, int]) -> tuple[Field, Field]:
    """Return (x, y), each (height, width), running from -1 to 1 over the picture's centres of cells."""
    width, height = size
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    return np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width))


def grid_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return *size* (width, height) in proportion with its longer side at most *longest*, never below 1."""
    share = min(1.0, longest / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))
