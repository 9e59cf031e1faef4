"""Paint an old object over: a smooth membrane from the region's border inwards, with the texture from beside it."""

import numpy as np
from PIL import Image, ImageFilter

from pipeline.sandbox.studio.color import Field, Pixels, as_pixels
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
    painted = _textured(large[inner], picture, region, box)
    return np.where(region[top:bottom, left:right, None], painted, picture[top:bottom, left:right])


def _textured(smooth: Pixels, picture: Pixels, region: Region, box: tuple[int, int, int, int]) -> Pixels:
    """Return *smooth* with the fine texture of the surroundings: asphalt stays rough, a table keeps its grain."""
    sample = _beside(region.shape, region, box)
    if sample is None:
        return smooth
    left, top, right, bottom = sample
    patch = picture[top:bottom, left:right]
    mean = np.asarray(Image.fromarray(patch).filter(ImageFilter.BoxBlur(max(2.0, min(patch.shape[:2]) / 16))))
    fine = patch.astype(np.int16) - mean
    pad = [(0, smooth.shape[0] - fine.shape[0]), (0, smooth.shape[1] - fine.shape[1]), (0, 0)]
    fine = np.pad(fine, pad, mode="symmetric")
    return as_pixels(smooth + fine)


def _beside(shape: tuple[int, ...], region: Region, box: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
    """Return the largest box beside *box*, no larger than it and free of *region*; None when there is no room."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    candidates = [
        (right, top, min(shape[1], right + width), bottom),
        (max(0, left - width), top, left, bottom),
        (left, bottom, right, min(shape[0], bottom + height)),
        (left, max(0, top - height), right, top),
    ]
    roomy = [c for c in candidates if min(c[2] - c[0], c[3] - c[1]) >= 8 and not region[c[1] : c[3], c[0] : c[2]].any()]  # noqa: PLR2004 - a patch of texture
    return max(roomy, key=lambda c: (c[2] - c[0]) * (c[3] - c[1]), default=None)


def _membrane(picture: Pixels, region: Region) -> Pixels:
    grid = grid_size((picture.shape[1], picture.shape[0]), _GRID)
    hole = grown(resize_pixels(region.astype(np.uint8) * 255, grid, sharp=False) > 0, 2)
    colours = resize_pixels(picture, grid).astype(np.float32)
    if hole.all():
        return np.full(colours.shape, colours.mean(axis=(0, 1)), np.uint8)
    return as_pixels(_pulled(colours, ~hole))


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
