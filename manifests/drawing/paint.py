"""What surfaces look like: noise, wood, cloth, and printed labels.

Noise comes from integer hashes, so every machine draws the same grain.  Colours are linear RGB, shape (3, N).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from drawing.shapes import Distances, Points, length, rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from drawing.tracer import Colour, Paint, Pixels


def linear(colour: str) -> Colour:
    """``#rrggbb`` as linear RGB."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red**2.2, green**2.2, blue**2.2


def flat(colour: str) -> Paint:
    """One colour."""
    return lambda p: np.repeat(np.array(linear(colour), np.float32)[:, None], p.shape[1], axis=1)


def mixed(first: Pixels, second: Pixels, share: Distances) -> Pixels:
    """*first* where *share* is 0, *second* where it is 1."""
    return first + (second - first) * share


def striped(base: Paint, other: Paint, where: Callable[[Points], Distances]) -> Paint:
    """*base*, and *other* where *where* is positive; edges are softened over a hundredth."""
    return lambda p: mixed(base(p), other(p), np.clip(where(p) / 0.01, 0, 1))


def turned(paint: Paint, degrees: float, axis: str = "y") -> Paint:
    """*paint* for a solid that was turned: it sees the points as they were."""
    return lambda p: paint(rotate(p, -degrees, axis))


def noise(p: Points, scale: float) -> Distances:
    """Smooth noise between 0 and 1 with grains of 1 / *scale*."""
    q = p * np.float32(scale)
    cell = np.floor(q)
    share = q - cell
    share = share * share * (3 - 2 * share)
    cell = cell.astype(np.int64)
    total = np.zeros(p.shape[1], np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod([share[i] if corner[i] else 1 - share[i] for i in range(3)], axis=0)
        total += weight * _hash(*(cell[i] + corner[i] for i in range(3)))
    return total


def _hash(x: NDArray[np.int64], y: NDArray[np.int64], z: NDArray[np.int64]) -> Distances:
    h = (x * 374761393 + y * 668265263 + z * 2147483647) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return (((h ^ (h >> 16)) & 0xFFFF) / 65535).astype(np.float32)


def cloud(p: Points, scale: float) -> Distances:
    """Noise of four sizes on top of each other, between 0 and 1."""
    return sum(noise(p, scale * 2**n) / 2**n for n in range(4)) / 1.875


def cloth(colour: str, weave: float = 70, depth: float = 0.25) -> Paint:
    """Woven fabric: fine threads and a little unevenness."""
    base = np.array(linear(colour), np.float32)[:, None]

    def paint(p: Points) -> Pixels:
        threads = 0.5 + 0.25 * (np.sin(p[0] * weave) * np.sin(p[1] * weave) + np.sin(p[2] * weave))
        return base * (1 - depth * threads - 0.25 * depth * noise(p, 9))

    return paint


def wood(light: str, dark: str, *, rings: float = 9.0, along: str = "x") -> Paint:
    """Grain that runs along one axis."""
    stretch = np.array([[0.12 if axis == along else 1.0] for axis in "xyz"], np.float32)
    pale, deep = (np.array(linear(colour), np.float32)[:, None] for colour in (light, dark))

    def paint(p: Points) -> Pixels:
        q = p * stretch
        grain = 0.5 + 0.5 * np.sin(rings * (length(q[0], q[1] + 0.4, q[2] - 0.3) * 6 + 1.8 * cloud(q, 2.2)))
        return mixed(pale, deep, np.clip(0.75 * grain + 0.35 * noise(q, 60), 0, 1))

    return paint


def printed(
    base: Paint, label: Image.Image, where: Callable[[Points], tuple[Distances, Distances, Distances]]
) -> Paint:
    """*base* with *label* (RGBA) on it; *where* gives (u, v, visible): u to the right and v down, 0 to 1."""
    ink = np.asarray(label.convert("RGBA"), np.float32) / 255
    height, width = ink.shape[:2]

    def paint(p: Points) -> Pixels:
        u, v, visible = where(p)
        inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1) & (visible > 0)
        column = np.clip(u * width, 0, width - 1).astype(np.int32)
        row = np.clip(v * height, 0, height - 1).astype(np.int32)
        seen = ink[row, column].T
        return mixed(base(p), seen[:3] ** np.float32(2.2), seen[3] * inside)

    return paint


def around(low: float, high: float, width: float) -> Callable[[Points], tuple[Distances, Distances, Distances]]:
    """Where on a lathed solid: between two heights, *width* radians wide, facing the camera."""
    return lambda p: (np.arctan2(p[0], p[2]) / width + 0.5, (high - p[1]) / (high - low), p[2])


def in_front(
    centre: tuple[float, float], width: float, height: float, z: float = 0
) -> Callable[[Points], tuple[Distances, Distances, Distances]]:
    """Where on a flat front: a rectangle about *centre*, in front of *z*."""
    x, y = centre
    return lambda p: ((p[0] - x) / width + 0.5, (y - p[1]) / height + 0.5, p[2] - z)


def label(
    size: tuple[int, int], ground: str | None, ink: str, lines: Sequence[tuple[str, int, int]], border: int = 0
) -> Image.Image:
    """A printed label: *lines* are (text, size, height of the middle), centred, in pixels."""
    picture = Image.new("RGBA", size, ground or (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    if border:
        edge = (border * 2, border * 2, size[0] - border * 2, size[1] - border * 2)
        draw.rectangle(edge, outline=ink, width=border)
    for text, pixels, middle in lines:
        draw.text((size[0] / 2, middle), text, fill=ink, font=ImageFont.load_default(pixels), anchor="mm")
    return picture
