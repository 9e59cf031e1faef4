"""Solids as signed distance functions: negative inside, positive outside, in scene units (a product is 1 to 2 high).

Points are arrays of shape (3, N): x to the right, y up, z towards the camera.  Knows nothing of light or colour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Distances = NDArray[np.float32]
Solid = Callable[[Points], Distances]
Outline = Sequence[tuple[float, float]]

GRID = 320
"""Samples per side of a precomputed 2-D distance field."""


def length(*axes: Distances) -> Distances:
    """Euclidean length over the given coordinates."""
    return np.sqrt(sum(axis * axis for axis in axes))


def moved(solid: Solid, x: float = 0, y: float = 0, z: float = 0) -> Solid:
    """*solid* shifted."""
    offset = np.array([[x], [y], [z]], np.float32)
    return lambda p: solid(p - offset)


def turned(solid: Solid, degrees: float, axis: str = "y") -> Solid:
    """*solid* rotated about an axis through the origin."""
    return lambda p: solid(rotate(p, -degrees, axis))


def rotate(p: Points, degrees: float, axis: str = "y") -> Points:
    """Points rotated about an axis through the origin."""
    cos, sin = np.float32(np.cos(np.radians(degrees))), np.float32(np.sin(np.radians(degrees)))
    x, y, z = p
    if axis == "x":
        return np.stack([x, cos * y - sin * z, sin * y + cos * z])
    if axis == "z":
        return np.stack([cos * x - sin * y, sin * x + cos * y, z])
    return np.stack([cos * x + sin * z, y, cos * z - sin * x])


def ball(radius: float, x: float = 1, y: float = 1, z: float = 1) -> Solid:
    """A sphere, or an ellipsoid when stretched by *x*, *y*, *z*."""
    stretch = np.array([[x], [y], [z]], np.float32)
    return lambda p: (length(*(p / stretch)) - radius) * min(x, y, z)


def box(width: float, height: float, depth: float, rounding: float = 0.02) -> Solid:
    """A box about the origin with rounded edges; sizes are full lengths."""
    half = np.array([[width], [height], [depth]], np.float32) / 2 - rounding

    def distance(p: Points) -> Distances:
        q = np.abs(p) - half
        return length(*np.maximum(q, 0)) + np.minimum(q.max(axis=0), 0) - rounding

    return distance


def rod(start: tuple[float, float, float], end: tuple[float, float, float], radius: float) -> Solid:
    """A straight rod with round ends."""
    a, b = (np.array(point, np.float32)[:, None] for point in (start, end))
    along = b - a
    squared = float((along * along).sum())

    def distance(p: Points) -> Distances:
        share = np.clip(((p - a) * along).sum(axis=0) / squared, 0, 1)
        return length(*(p - a - along * share)) - radius

    return distance


def ring(radius: float, thickness: float, flat: float = 1.0) -> Solid:
    """A torus about the z axis; *flat* stretches its tube along z."""
    return lambda p: length(length(p[0], p[1]) - radius, p[2] / flat) * 1.0 - thickness


def lathe(outline: Outline, *, smooth: bool = True) -> Solid:
    """The solid that *outline*, (radius, height) from bottom to top, sweeps about the y axis."""
    right = curve(outline) if smooth else np.array(outline, float)
    mirrored = right[::-1] * [-1, 1]
    field = Field(np.concatenate([right, mirrored]))
    return lambda p: field(length(p[0], p[2]), p[1])


def slab(outline: Outline, depth: float, rounding: float = 0.02, plane: str = "xy", *, smooth: bool = True) -> Solid:
    """The closed *outline* in a plane, given *depth* across it, about the origin, with rounded edges."""
    field = Field(curve([*outline, outline[0]], closed=True) if smooth else np.array(outline, float))
    first, second, across = ("xyz".index(axis) for axis in plane + ({*"xyz"} - {*plane}).pop())

    def distance(p: Points) -> Distances:
        a = field(p[first], p[second]) + rounding
        b = np.abs(p[across]) - depth / 2 + rounding
        return length(np.maximum(a, 0), np.maximum(b, 0)) + np.minimum(np.maximum(a, b), 0) - rounding

    return distance


def hollow(solid: Solid, wall: float) -> Solid:
    """Only the skin of *solid*, *wall* thick, inwards."""
    return lambda p: np.maximum(d := solid(p), -d - wall)


def joined(*solids: Solid) -> Solid:
    """All of *solids*."""
    return lambda p: np.minimum.reduce([solid(p) for solid in solids])


def melted(first: Solid, second: Solid, radius: float) -> Solid:
    """Both solids with a fillet of *radius* between them."""

    def distance(p: Points) -> Distances:
        a, b = first(p), second(p)
        h = np.clip(0.5 + 0.5 * (b - a) / radius, 0, 1)
        return b + (a - b) * h - radius * h * (1 - h)

    return distance


def common(first: Solid, second: Solid, radius: float = 0.0) -> Solid:
    """What both solids share, its new edges rounded by *radius*."""
    if not radius:
        return lambda p: np.maximum(first(p), second(p))
    rounded = melted(lambda p: -first(p), lambda p: -second(p), radius)
    return lambda p: -rounded(p)


def without(solid: Solid, hole: Solid, radius: float = 0.0) -> Solid:
    """*solid* with *hole* cut out."""
    return common(solid, lambda p: -hole(p), radius)


def curve(points: Outline | NDArray[np.float64], *, closed: bool = False, per_piece: int = 12) -> NDArray[np.float64]:
    """A Catmull-Rom curve through *points*."""
    knots = np.array(points, float)
    before, after = (knots[-2], knots[1]) if closed else (2 * knots[0] - knots[1], 2 * knots[-1] - knots[-2])
    padded = np.vstack([before, knots, after])
    t = np.linspace(0, 1, per_piece, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.vstack([*pieces, knots[-1:]])


class Field:
    """Signed distance to a polygon, sampled once and read back by interpolation."""

    def __init__(self, polygon: NDArray[np.float64]) -> None:
        low, high = polygon.min(axis=0), polygon.max(axis=0)
        margin = 0.15 * (high - low).max()
        self._low = low - margin
        self._step = (high - low + 2 * margin) / (GRID - 1)
        axes = [self._low[i] + self._step[i] * np.arange(GRID) for i in (0, 1)]
        self._values = _to_polygon(*np.meshgrid(*axes, indexing="ij"), polygon).astype(np.float32)

    def __call__(self, a: Distances, b: Distances) -> Distances:
        """Distance at the points (a, b); outside the sampled square the way to it is added."""
        u = ((a - self._low[0]) / self._step[0]).astype(np.float32)
        v = ((b - self._low[1]) / self._step[1]).astype(np.float32)
        inside_u, inside_v = np.clip(u, 0, GRID - 1.001), np.clip(v, 0, GRID - 1.001)
        i, j = inside_u.astype(np.int32), inside_v.astype(np.int32)
        s, t = inside_u - i, inside_v - j
        f = self._values
        near = (
            f[i, j] * (1 - s) * (1 - t)
            + f[i + 1, j] * s * (1 - t)
            + f[i, j + 1] * (1 - s) * t
            + f[i + 1, j + 1] * s * t
        )
        away = length((u - inside_u) * np.float32(self._step[0]), (v - inside_v) * np.float32(self._step[1]))
        return near + away


def _to_polygon(x: NDArray[np.float64], y: NDArray[np.float64], polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = np.full(x.shape, np.inf)
    inside = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        dx, dy = x2 - x1, y2 - y1
        share = np.clip(((x - x1) * dx + (y - y1) * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        squared = np.minimum(squared, (x - x1 - share * dx) ** 2 + (y - y1 - share * dy) ** 2)
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < x1 + dx * (y - y1) / dy)
    return np.where(inside, -1, 1) * np.sqrt(squared)
