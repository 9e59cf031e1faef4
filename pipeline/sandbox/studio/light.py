"""Lamps: where the light comes from, its kind, strength and colour, as gains over a small grid.

Owns the look of every lighting parameter.  All gains are linear light over the photograph as it was
(1.0 leaves a pixel alone).  Knows nothing of files or endpoints' parameter names.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.sandbox.studio.color import LUMA, Field, as_field
from pipeline.sandbox.studio.fields import blur, coordinates, steps_between
from pipeline.sandbox.studio.normals import Surface

GRID = 384
"""Longer side, in cells, of the grid that light is computed on."""

DIRECTIONS = {
    "left": (-0.86, -0.22, 0.46),
    "right": (0.86, -0.22, 0.46),
    "top": (0.0, -0.9, 0.44),
    "bottom": (0.0, 0.9, 0.44),
    "back": (0.0, -0.35, -0.94),
    "front": (0.0, -0.25, 0.97),
}
"""Unit vectors from the product to the lamp: x to the right, y down, z towards the camera."""

COLOURS = {
    "neutral": (1.0, 1.0, 1.0),
    "warm": (1.22, 0.98, 0.66),
    "cool": (0.76, 0.97, 1.34),
    "sunset": (1.5, 0.80, 0.40),
}
"""Linear RGB of the lamp, about equally bright."""

FILLS = {
    "neutral": (1.0, 1.0, 1.0),
    "warm": (1.10, 1.0, 0.84),
    "cool": (0.86, 0.98, 1.18),
    "sunset": (1.12, 0.86, 0.92),
}
"""Linear RGB of what reaches the shadows: a sunset's are violet."""


@dataclass(frozen=True, slots=True)
class Strength:
    """Key is the lamp, fill what reaches the shadows; paper white facing a lamp of key 1 stays white."""

    key: float
    fill: float


STRENGTHS = {
    "strong": Strength(key=1.6, fill=0.12),
    "bright": Strength(key=0.95, fill=0.80),
    "medium": Strength(key=0.68, fill=0.22),
    "mood": Strength(key=0.33, fill=0.045),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a lamp is like.

    `wrap` 0..1 is how far light creeps round the product; `falloff` how fast it fades across the set;
    `cone` the radius of its pool of light (0: no pool); `shadow` how dark its shadow is and `hardness`
    how sharp, both 0..1; `flat` the share of light that comes from everywhere; `spill` how much of the
    fill light reaches the set at all.
    """

    wrap: float
    falloff: float
    cone: float
    shadow: float
    hardness: float
    flat: float
    spill: float = 1.0


KINDS = {
    "softbox": Kind(wrap=0.32, falloff=0.85, cone=0.0, shadow=0.40, hardness=0.25, flat=0.04),
    "sunlight": Kind(wrap=0.06, falloff=0.30, cone=0.0, shadow=0.82, hardness=0.96, flat=0.03),
    "spotlight": Kind(wrap=0.32, falloff=0.45, cone=0.66, shadow=0.60, hardness=0.65, flat=0.0, spill=0.45),
    "ambient": Kind(wrap=1.0, falloff=0.22, cone=0.0, shadow=0.12, hardness=0.0, flat=0.68),
}


@dataclass(frozen=True, slots=True)
class Lamp:
    """One light over the set: `towards` is a unit vector, colours are linear RGB."""

    towards: tuple[float, float, float]
    kind: Kind
    strength: Strength
    colour: tuple[float, float, float]
    fill: tuple[float, float, float]

    @property
    def behind(self) -> bool:
        """Whether it stands behind the product."""
        return self.towards[2] < 0


@dataclass(frozen=True, slots=True)
class Lighting:
    """Linear gains (height, width, 3) for product and backdrop, and light added on top of everything."""

    product: Field
    backdrop: Field
    added: Field


def light_set(lamp: Lamp, mask: Field, surface: Surface, shadow: Field) -> Lighting:
    """Light the set: *mask*, *shadow* (height, width) are 0..1 on the light grid, shadow 1 where none falls."""
    if lamp.behind:
        return _from_behind(lamp, mask, surface, shadow)
    reach = _reach(lamp, mask)
    facing = _facing(lamp, surface)
    product = _mixed(lamp, reach * facing, 0.55 + 0.45 * surface.z)
    backdrop = _mixed(lamp, reach * shadow * _backdrop_facing(lamp), np.sqrt(shadow))
    return Lighting(product, backdrop, _beam(lamp, mask))


def _mixed(lamp: Lamp, key: Field, fill: Field) -> Field:
    """Return the gain (height, width, 3) of *key* and *fill* light, 0..1 each."""
    flat = lamp.kind.flat
    level = lamp.strength.key * (key * (1 - flat) + flat * 0.72)
    ambient = (lamp.strength.fill * lamp.kind.spill * fill)[..., None] * np.array(lamp.fill, np.float32)
    return as_field(level[..., None] * np.array(lamp.colour, np.float32) + ambient)


def _facing(lamp: Lamp, surface: Surface) -> Field:
    """Return the wrapped Lambert term 0..1."""
    x, y, z = lamp.towards
    wrap = lamp.kind.wrap
    cosine = surface.x * x + surface.y * y + surface.z * z
    return as_field(np.clip((cosine + wrap) / (1 + wrap), 0, 1) * 1.12)


def _backdrop_facing(lamp: Lamp) -> float:
    """Return how squarely a wall behind the product meets the light."""
    return float(np.clip((lamp.towards[2] + lamp.kind.wrap + 0.35) / (1.0 + lamp.kind.wrap), 0.3, 1.0))


def _reach(lamp: Lamp, mask: Field) -> Field:
    """Return how much of the lamp arrives at each cell: it fades across the set, or stays in its pool."""
    x, y = coordinates((mask.shape[1], mask.shape[0]))
    along = x * lamp.towards[0] + y * lamp.towards[1]
    fading = np.exp(lamp.kind.falloff * 1.15 * along) / np.exp(lamp.kind.falloff * 0.35)
    return as_field(fading * _pool(lamp, mask))


def _pool(lamp: Lamp, mask: Field) -> Field:
    """Return the pool of a spotlight: an ellipse over the product, moved and drawn out towards the lamp."""
    if not lamp.kind.cone:
        return np.ones(mask.shape, np.float32)
    x, y = coordinates((mask.shape[1], mask.shape[0]))
    middle_x, middle_y, half = _where(mask)
    radius = max(0.30, lamp.kind.cone * (0.5 + half))
    u, v = x - middle_x - 0.11 * lamp.towards[0], y - middle_y - 0.08 * lamp.towards[1]
    side, up = lamp.towards[0], -0.8 - 0.3 * lamp.towards[1]
    length = float(np.hypot(side, up))
    along, across = (u * side + v * up) / length, (u * up - v * side) / length
    distance = np.hypot(along / 1.25, across) / radius
    return as_field(0.03 + 1.2 * steps_between(1.35, 0.5, distance))


def _where(mask: Field) -> tuple[float, float, float]:
    """Return the product's middle (x, y) and half its longer side, in coordinates -1..1; without one, the centre."""
    total = float(mask.sum())
    if total <= 0:
        return 0.0, 0.0, 0.55
    x, y = coordinates((mask.shape[1], mask.shape[0]))
    middle_x, middle_y = float((x * mask).sum()) / total, float((y * mask).sum()) / total
    spread = np.sqrt(float((((x - middle_x) ** 2 + (y - middle_y) ** 2) * mask).sum()) / total)
    return middle_x, middle_y, min(1.0, 1.3 * float(spread))


def _beam(lamp: Lamp, mask: Field) -> Field:
    """Return the faint visible cone of a spotlight in the air, from the lamp's edge to the product."""
    if not lamp.kind.cone or lamp.behind:
        return np.zeros((*mask.shape, 3), np.float32)
    x, y = coordinates((mask.shape[1], mask.shape[0]))
    middle_x, middle_y, half = _where(mask)
    sideways = lamp.towards[0]
    start_x, start_y = middle_x + 1.9 * sideways, middle_y - 1.7 + 0.3 * abs(sideways)
    run_x, run_y = middle_x - start_x, middle_y - start_y
    length = float(np.hypot(run_x, run_y))
    along = ((x - start_x) * run_x + (y - start_y) * run_y) / length**2
    across = np.abs((x - start_x) * run_y - (y - start_y) * run_x) / length
    opening = np.maximum(along, 0.02) * (0.30 + 0.45 * half)
    haze = steps_between(1.15, 0.35, across / opening) * steps_between(1.35, 0.35, along) * (along > 0)
    haze = blur(haze.astype(np.float32), max(mask.shape) / 90) * (1 - 0.8 * blur(mask, 2))
    strength = 0.10 * min(1.0, lamp.strength.key)
    return as_field(haze[..., None] * strength * np.array(lamp.colour, np.float32))


def _from_behind(lamp: Lamp, mask: Field, surface: Surface, shadow: Field) -> Lighting:
    """Light from behind: a dim front, a bright rim along the upper edges, a glow round the product."""
    key, flat = lamp.strength.key, lamp.kind.flat
    colour, fill = np.array(lamp.colour, np.float32), np.array(lamp.fill, np.float32)
    glow = _halo(lamp, mask)
    front = lamp.strength.fill * lamp.kind.spill * 0.9 + key * (0.11 + 0.45 * flat)
    rim = _rim(mask, surface) * (1 - 0.6 * lamp.kind.wrap) * min(1.5, key)
    product = front * fill * (0.7 + 0.3 * surface.z[..., None]) + 1.3 * rim[..., None] * colour
    wall = (lamp.strength.fill * lamp.kind.spill * 0.7 + 0.07 * key + 1.15 * key * glow) * shadow
    backdrop = wall[..., None] * (0.35 * fill + 0.65 * colour)
    veil = blur(glow * (1 - mask), max(mask.shape) / 24)
    added = (0.40 * rim * mask + 0.12 * key * veil)[..., None] * colour
    return Lighting(product.astype(np.float32), backdrop.astype(np.float32), added.astype(np.float32))


def _halo(lamp: Lamp, mask: Field) -> Field:
    """Return the glow on the backdrop, 0..1.2, strongest behind the product's upper half."""
    x, y = coordinates((mask.shape[1], mask.shape[0]))
    middle_x, middle_y, half = _where(mask)
    spread = (0.34 if lamp.kind.cone else 0.46 + 0.7 * lamp.kind.flat) * (0.55 + half)
    round_glow = np.exp(-(((x - middle_x) ** 2 + (y - middle_y + 0.30 * half) ** 2) / (2 * spread**2)))
    near = blur(mask, max(mask.shape) / 16)
    return as_field(np.clip(0.85 * round_glow + 0.35 * near, 0, 1.2))


def _rim(mask: Field, surface: Surface) -> Field:
    """Return the rim, 0..1: a thin line just inside the outline, strongest where the surface faces up."""
    thin = max(0.8, max(mask.shape) / 260)
    line = np.clip(1 - blur(mask, thin), 0, 1)
    wide = np.clip(1 - blur(mask, 4 * thin), 0, 1) ** 1.5
    upward = np.clip(0.55 - 1.1 * surface.y, 0.06, 1.0)
    return as_field((1.5 * line + 0.5 * wide) * upward * mask)


def evened(linear: Field, mask: Field, amount: float) -> Field:
    """Return gains (height, width) that take *amount* 0..1 of the light the product already had out of it.

    *linear* is (height, width, 3) on the light grid.  Without this a photograph lit from the right would
    contradict a lamp on the left.
    """
    bright = np.maximum(linear @ LUMA, 0.02)
    radius = max(mask.shape) / 7
    local = blur(bright * mask, radius) / np.maximum(blur(mask, radius), 1e-3)
    level = float((bright * mask).sum() / max(1e-6, float(mask.sum())))
    gain = (level / np.maximum(local, 0.05 * level + 1e-3)) ** amount
    return as_field(np.clip(gain * mask + (1 - mask), 0.6, 1.7))
