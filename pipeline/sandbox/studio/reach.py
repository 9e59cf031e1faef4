"""Exact round distances to a region, up to a small reach: growing a mask, and fading towards its border."""

import numpy as np
from numpy.typing import NDArray

from pipeline.sandbox.studio.color import Field
from pipeline.sandbox.studio.region import Region


def grown_round(region: Region, radius: int) -> Region:
    """Return *region* and every pixel within *radius* pixels of it, measured straight."""
    if radius < 1 or not region.any():
        return region
    return _squared_distance(region, radius) <= radius * radius


def inward(region: Region, width: float) -> Field:
    """Return 0 outside *region*, rising to 1 at *width* pixels inside its border; never 0 inside it.

    The picture's own border does not count as a border of the region.
    """
    reach = int(np.ceil(width)) + 1
    away = np.sqrt(_squared_distance(~region, reach).astype(np.float32))
    return np.where(region, np.clip(away / width, 0, 1), 0).astype(np.float32)


def _squared_distance(region: Region, reach: int) -> NDArray[np.uint16]:
    """Return the squared distance to *region*; more than reach squared means only "farther"."""
    far = reach + 1
    upright = _vertical(region, far).astype(np.uint16)
    squares = upright * upright
    best = squares.copy()
    for step in range(1, min(reach, region.shape[1] - 1) + 1):
        offset = np.uint16(step * step)
        np.minimum(best[:, step:], squares[:, :-step] + offset, out=best[:, step:])
        np.minimum(best[:, :-step], squares[:, step:] + offset, out=best[:, :-step])
    return best


def _vertical(region: Region, far: int) -> NDArray[np.int32]:
    """Return the distance along the column to the next cell of *region*, at most *far*."""
    rows = np.arange(region.shape[0], dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(region, rows, -far), axis=0)
    below = np.minimum.accumulate(np.where(region, rows, region.shape[0] + far)[::-1], axis=0)[::-1]
    return np.minimum(np.minimum(rows - above, below - rows), far).astype(np.int32)
