"""Develop the final picture: product over backdrop, each under its own light, strip by strip.

Light is computed on a small grid and enlarged here, a few rows at a time, so that memory stays flat.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.sandbox.studio.color import Field, Pixels, develop, linear_light
from pipeline.sandbox.studio.fields import resize
from pipeline.sandbox.studio.light import Lighting

_STRIP_PIXELS = 160_000


def strips(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield (first row, one past the last row) of strips of about 160 000 pixels."""
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield top, min(height, top + rows)


def compose(product: Pixels, backdrop: Pixels, alpha: Pixels, lighting: Lighting) -> Pixels:
    """Return (height, width, 3) sRGB: *product* where *alpha* covers, else *backdrop*, under *lighting*.

    *product* and *backdrop* are (height, width, 3), *alpha* (height, width); the lighting is on any grid.
    """
    height, width = alpha.shape
    out = np.empty((height, width, 3), np.uint8)
    for top, bottom in strips(width, height):
        out[top:bottom] = develop(_strip(product, backdrop, alpha, lighting, (top, bottom)))
    return out


def _strip(product: Pixels, backdrop: Pixels, alpha: Pixels, lighting: Lighting, rows: tuple[int, int]) -> Field:
    height = alpha.shape[0]
    here = slice(*rows)
    cover = (alpha[here].astype(np.float32) * np.float32(1 / 255))[..., None]
    lit = linear_light(product[here])
    lit *= _enlarged(lighting.product, alpha.shape[1], rows, height)
    behind = linear_light(backdrop[here])
    behind *= _enlarged(lighting.backdrop, alpha.shape[1], rows, height)
    lit -= behind
    lit *= cover
    lit += behind
    if lighting.added.any():
        lit += _enlarged(lighting.added, alpha.shape[1], rows, height)
    return lit


def _enlarged(grid: Field, width: int, rows: tuple[int, int], height: int) -> Field:
    share = grid.shape[0] / height
    box = (0.0, rows[0] * share, float(grid.shape[1]), min(float(grid.shape[0]), rows[1] * share))
    return resize(grid, (width, rows[1] - rows[0]), box)
