"""Paint an old object over with its surroundings: a smooth membrane from the border of the region inwards."""

import numpy as np

from pipeline.sandbox.studio.color import Field, Pixels
from pipeline.sandbox.studio.fields import blur, grid_size, resize_pixels
from pipeline.sandbox.studio.region import Region, grown

_GRID = 256


def filled(picture: Pixels, region: Region, box: tuple[int, int, int, int]) -> Pixels:
    """Return *picture* (height, width, 3) within *box*, *region* (height, width) replaced by what is around it.

    Pixels outside *region* are untouched.  *box* is (left, top, right, bottom).
    """
    left, top, right, bottom = box
    margin = max(8, (right - left) // 6, (bottom - top) // 6)
    outer = (
        max(0, left - margin), max(0, top - margin),
        min(picture.shape[1], right + margin), min(picture.shape[0], bottom + margin),
    )  # fmt: skip
    part = slice(outer[1], outer[3]), slice(outer[0], outer[2])
    small = _membrane(picture[part], region[part])
    large = resize_pixels(small, (outer[2] - outer[0], outer[3] - outer[1]), sharp=False)
    inner = slice(top - outer[1], bottom - outer[1]), slice(left - outer[0], right - outer[0])
    return np.where(region[top:bottom, left:right, None], large[inner], picture[top:bottom, left:right])


def _membrane(picture: Pixels, region: Region) -> Pixels:
    grid = grid_size((picture.shape[1], picture.shape[0]), _GRID)
    hole = grown(resize_pixels(region.astype(np.uint8) * 255, grid, sharp=False) > 0, 2)
    colours = resize_pixels(picture, grid).astype(np.float32)
    if hole.all():
        return np.full(colours.shape, colours.mean(axis=(0, 1)), np.uint8)
    return _pulled(colours, ~hole).clip(0, 255).astype(np.uint8)


def _pulled(colours: Field, known: Region) -> Field:
    """Fill what is not *known* from wider and wider means, the finest that reaches it."""
    out = colours * known[..., None]
    have = known.astype(np.float32)
    radius = 1.5
    while not have.all() and radius < 2 * max(known.shape):
        weight = blur(known.astype(np.float32), radius)
        mean = blur(colours * known[..., None], radius) / np.maximum(weight, 1e-6)[..., None]
        fresh = (have == 0) & (weight > 0.04)  # noqa: PLR2004 - enough of the surroundings in reach
        out[fresh] = mean[fresh]
        have[fresh] = 1
        radius *= 1.6
    soft = blur(out, 3)
    return np.where(known[..., None], colours, soft).astype(np.float32)
