"""A small sphere tracer: solids and a camera in, a studio photograph out.

One large soft box on the left, a weak fill from the right, white surroundings.  Everything is computed, nothing is
random.  Knows nothing of single products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from drawing.shapes import Distances, Points, Solid, length

Colour = tuple[float, float, float]
Paint = Callable[[Points], NDArray[np.float32]]
Pixels = NDArray[np.float32]

KEY = np.array([-0.55, 0.72, 0.52], np.float32) / np.linalg.norm([-0.55, 0.72, 0.52])
FILL = np.array([0.85, 0.25, 0.45], np.float32) / np.linalg.norm([0.85, 0.25, 0.45])
UP = np.array([0, 1, 0], np.float32)
STEPS = 90
FAR = 14.0


@dataclass(frozen=True)
class Part:
    """One solid and what it is made of."""

    solid: Solid
    paint: Paint | Colour
    """Linear RGB, or a function from points to it, shape (3, N)."""
    gloss: float = 0.04
    """Share of light that is mirrored when looking straight at it."""
    metal: bool = False
    glass: float = 0.0
    """How much of the surroundings shine through, 0 to 1."""
    glow: float = 0.0
    """Light of its own, as a multiple of its colour."""


@dataclass(frozen=True)
class Camera:
    """Where the photograph is taken from."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    view: float = 26.0
    """Vertical angle of view in degrees."""

    def rays(self, width: int, height: int) -> tuple[Points, Points]:
        """Start, shape (3, 1), and unit directions, shape (3, width * height), row by row."""
        start, target = np.array(self.position, np.float32), np.array(self.target, np.float32)
        ahead = (target - start) / np.linalg.norm(target - start)
        right = np.cross(ahead, UP)
        right /= np.linalg.norm(right)
        above = np.cross(right, ahead)
        reach = np.float32(np.tan(np.radians(self.view / 2)))
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        u = ((2 * columns + 1 - width) / height * reach).ravel()
        v = ((height - 2 * rows - 1) / height * reach).ravel()
        way = ahead[:, None] + right[:, None] * u + above[:, None] * v
        return start[:, None], (way / length(*way)).astype(np.float32)


@dataclass(frozen=True)
class Scene:
    """Parts in front of a camera; ``sweep`` puts them on a white floor that fades into white."""

    parts: Sequence[Part]
    camera: Camera
    sweep: Colour | None = (1.0, 1.0, 1.0)
    bounds: tuple[tuple[float, float, float], float] = ((0, 0.9, 0), 1.6)
    """A ball, (centre, radius), that holds every part: rays that miss it are not traced."""
    size: tuple[int, int] = (800, 800)
    oversampling: float = 1.6

    def distance(self, p: Points) -> Distances:
        """Distance to the nearest part."""
        return np.minimum.reduce([part.solid(p) for part in self.parts])

    def photograph(self) -> Image.Image:
        """Trace every pixel; sRGB."""
        width, height = (round(side * self.oversampling) for side in self.size)
        start, way = self.camera.rays(width, height)
        colours = self._surroundings(start, way)
        travelled, hit = self._march(start, way)
        at = np.flatnonzero(hit)
        colours[:, at] = self._shade(start + way[:, at] * travelled[at], way[:, at])
        pixels = (_to_srgb(colours).T.reshape(height, width, 3) * 255 + 0.5).astype(np.uint8)
        return Image.fromarray(pixels).resize(self.size, Image.Resampling.LANCZOS)

    def _march(self, start: Points, way: Points) -> tuple[Distances, NDArray[np.bool_]]:
        near, far = self._span(start, way)
        travelled = near.copy()
        hit = np.zeros(near.shape, bool)
        alive = np.flatnonzero(far > near)
        for _ in range(STEPS):
            if not alive.size:
                break
            step = self.distance(start + way[:, alive] * travelled[alive])
            close = step < 0.0008
            hit[alive[close]] = True
            travelled[alive] += np.where(close, 0, step * 0.9)
            alive = alive[~close & (travelled[alive] < far[alive])]
        return travelled, hit

    def _span(self, start: Points, way: Points) -> tuple[Distances, Distances]:
        centre, radius = self.bounds
        towards = np.array(centre, np.float32)[:, None] - start
        along = (towards * way).sum(axis=0)
        inside = radius**2 - ((towards * towards).sum(axis=0) - along**2)
        half = np.sqrt(np.maximum(inside, 0))
        return np.maximum(along - half, 0.01), np.where(inside > 0, along + half, 0)

    def _surroundings(self, start: Points, way: Points) -> Pixels:
        """The white sweep with the shadow of the parts, or the plain backdrop colour above it."""
        if self.sweep is None:
            return np.full(way.shape, 0.8, np.float32)
        tint = np.array(self.sweep, np.float32)[:, None]
        light = np.ones(way.shape[1], np.float32)
        below = np.flatnonzero(way[1] < -0.01)
        floor = start + way[:, below] * (-start[1] / way[1, below])
        radius = length(floor[0], floor[2]) / self.bounds[1]
        near = np.flatnonzero(radius < 2.9)
        spots = floor[:, near]
        lit = self._unshadowed(spots + UP[:, None] * 0.01, softness=5.0)
        open_sky = self._openness(spots, np.broadcast_to(UP[:, None], spots.shape), reach=0.5)
        shadow = 1 - (0.45 + 0.55 * lit) * (0.35 + 0.65 * open_sky)
        light[below[near]] -= shadow * (1 - _edge(radius[near], 1.0, 2.8))
        return tint * light

    def _shade(self, p: Points, way: Points) -> Pixels:
        normals = self._normals(p)
        facing = np.abs((normals * way).sum(axis=0))
        mirrored = way + 2 * facing * normals
        lit = self._unshadowed(p + normals * 0.02, softness=7.0)
        open_sky = self._openness(p, normals, reach=0.28)
        nearest = np.argmin([part.solid(p) for part in self.parts], axis=0)
        colours = np.zeros_like(p)
        for number, part in enumerate(self.parts):
            at = np.flatnonzero(nearest == number)
            if at.size:
                surface = Surface(p[:, at], normals[:, at], mirrored[:, at], facing[at], lit[at], open_sky[at])
                colours[:, at] = surface.colour(part)
        return colours

    def _normals(self, p: Points) -> Points:
        small = 0.0012
        corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
        slope = sum(corner[:, None] * self.distance(p + corner[:, None] * small) for corner in corners)
        return (slope / np.maximum(length(*slope), 1e-9)).astype(np.float32)

    def _unshadowed(self, p: Points, softness: float) -> Distances:
        """Share of the key light that reaches *p*: the closer a part comes to the way, the less."""
        light = np.ones(p.shape[1], np.float32)
        travelled = np.full(p.shape[1], 0.03, np.float32)
        alive = np.arange(p.shape[1])
        for _ in range(36):
            step = self.distance(p[:, alive] + KEY[:, None] * travelled[alive])
            light[alive] = np.minimum(light[alive], 0.5 + 0.5 * softness * step / travelled[alive])
            travelled[alive] += np.clip(step, 0.015, 0.25)
            alive = alive[(light[alive] > 0) & (travelled[alive] < 4.5)]
            if not alive.size:
                break
        light = np.clip(light, 0, 1)
        return light * light * (3 - 2 * light)

    def _openness(self, p: Points, normals: Points, reach: float) -> Distances:
        """Share of the surroundings that shines on *p*: corners and contacts are darker."""
        closed = np.zeros(p.shape[1], np.float32)
        for number in range(1, 6):
            h = reach * number / 5
            closed += np.maximum(h - self.distance(p + normals * h), 0) / h / 5
        return np.clip(1 - 1.1 * closed, 0, 1)


@dataclass(frozen=True)
class Surface:
    """Points of one part, and the light on them."""

    p: Points
    normals: Points
    mirrored: Points
    facing: Distances
    lit: Distances
    open_sky: Distances

    def colour(self, part: Part) -> Pixels:
        """Linear RGB of the points."""
        base = part.paint(self.p) if callable(part.paint) else np.array(part.paint, np.float32)[:, None]
        key = np.maximum((self.normals * KEY[:, None]).sum(axis=0), 0) * self.lit
        fill = np.maximum(0.35 + 0.65 * (self.normals * FILL[:, None]).sum(axis=0), 0) * self.open_sky
        sky = (0.62 + 0.38 * self.normals[1]) * self.open_sky
        fresnel = part.gloss + (1 - part.gloss) * (1 - self.facing) ** 5
        seen = studio(self.mirrored) * (0.35 + 0.65 * self.open_sky)
        if part.metal:
            return base * (seen * 0.95 + 0.12 * key)
        matt = base * (0.78 * key + 0.16 * fill + 0.36 * sky + part.glow)
        if part.glass:
            clear = base ** (0.45 + 0.9 * (1 - self.facing)) * (0.5 + 0.5 * self.facing**0.5) * (0.8 + 0.2 * sky)
            matt = matt * (1 - part.glass) + clear * part.glass
        return matt * (1 - fresnel) + fresnel * seen * (1.6 if part.gloss > 0.02 else 0.25)


def studio(way: Points) -> Distances:
    """What a mirror sees: a bright soft box, a strip light, white floor and grey ceiling."""
    box_light = _edge((way * KEY[:, None]).sum(axis=0), 0.86, 0.9)
    strip = _edge((way * FILL[:, None]).sum(axis=0), 0.93, 0.96)
    horizon = 0.62 + 0.3 * way[1] - 0.45 * _edge(-np.abs(way[1] + 0.05), -0.22, 0.0)
    return np.maximum(horizon, 0.08) + 1.3 * box_light + 0.5 * strip


def _edge(x: Distances, low: float, high: float) -> Distances:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _to_srgb(colours: Pixels) -> Pixels:
    linear = np.clip(colours, 0, None)
    # Roll off above 0.8 instead of clipping, so that highlights keep their shape.
    linear = np.where(linear > 0.8, 0.8 + 0.2 * np.tanh((linear - 0.8) / 0.2 * 1.0) / np.tanh(1.0), linear)
    return np.clip(linear, 0, 1) ** np.float32(1 / 2.2)
