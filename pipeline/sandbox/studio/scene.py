"""Paint a calm set: a wall, a floor that runs towards the camera, soft light from one side.

Everything is painted on a small grid in linear light and enlarged: a backdrop out of focus.  Knows
nothing of the product.
"""

from collections.abc import Callable

import numpy as np

from pipeline.sandbox.studio.chance import Chance
from pipeline.sandbox.studio.color import Field, Pixels, as_field, develop
from pipeline.sandbox.studio.composite import strips
from pipeline.sandbox.studio.fields import blur, coordinates, grid_size, resize, steps_between
from pipeline.sandbox.studio.palette import Mood

_GRID = 512


def paint(mood: Mood, size: tuple[int, int], horizon: float, side: float, chance: Chance) -> Pixels:
    """Return (height, width, 3) sRGB of *size* (width, height).

    *horizon* 0..1 is where wall and floor meet, from the top; *side* -1..1 is where the light comes from
    (-1 left); *chance* decides the small things.
    """
    grid = grid_size(size, _GRID)
    light = _light(grid, side, chance)
    wall: Field = mood.wall * (light * (1 + _on_wall(mood, grid, side, chance)))[..., None]
    for accent in sorted(mood.accents & ACCENTS.keys()):
        wall = ACCENTS[accent](wall, mood, chance)
    floor = mood.floor * (_floor_light(light, horizon) * _texture(mood.ground, grid, horizon, chance))[..., None]
    edge = 0.05 if mood.ground in {"plain", "sand"} else 0.012
    y = coordinates(grid)[1] * 0.5 + 0.5
    lower = steps_between(horizon - edge, horizon + edge, y)[..., None]
    seam = 1 - 0.14 * np.exp(-((y - horizon) ** 2) / 0.0012)
    picture = (wall * (1 - lower) + floor * lower) * seam[..., None] * mood.light * mood.level
    return _developed(picture.astype(np.float32), size, chance)


def _developed(picture: Field, size: tuple[int, int], chance: Chance) -> Pixels:
    """Enlarge, develop and grain: without grain, 8 bits show steps in a soft gradient."""
    width, height = size
    grain = chance.normal(0, 0.012, (256, 256)).astype(np.float32)
    across = np.take(np.tile(grain, (1, width // 256 + 1)), np.arange(width), axis=1)
    out = np.empty((height, width, 3), np.uint8)
    share = picture.shape[0] / height
    for top, bottom in strips(width, height):
        box = (0.0, top * share, float(picture.shape[1]), min(float(picture.shape[0]), bottom * share))
        rows = resize(picture, (width, bottom - top), box)
        rows = rows * (1 + across[np.arange(top, bottom) % 256][..., None])
        out[top:bottom] = develop(rows)
    return out


def _light(grid: tuple[int, int], side: float, chance: Chance) -> Field:
    """Return the light on the set, about 1: brighter on its side, a soft pool on the wall, darker corners."""
    x, y = coordinates(grid)
    middle_x, middle_y = 0.35 * side + chance.uniform(-0.15, 0.15), -0.35 + chance.uniform(-0.12, 0.12)
    pool = np.exp(-((x - middle_x) ** 2 / 0.9 + (y - middle_y) ** 2 / 0.8))
    return as_field(0.62 + 0.42 * pool + 0.20 * side * x - 0.10 * (x * x + y * y))


def _floor_light(light: Field, horizon: float) -> Field:
    """Return the floor's light: most at the wall's foot, less towards the camera."""
    y = np.linspace(0, 1, light.shape[0], dtype=np.float32)[:, None]
    near = np.clip((y - horizon) / max(0.05, 1 - horizon), 0, 1)
    return as_field(light.mean(axis=0, keepdims=True) * (1.08 - 0.30 * near))


def _on_wall(mood: Mood, grid: tuple[int, int], side: float, chance: Chance) -> Field:
    """Return window light thrown on the wall: four slanted, soft panes; 0 where there is none."""
    if "window" not in mood.accents:
        return np.zeros((grid[1], grid[0]), np.float32)
    x, y = coordinates(grid)
    u = x - 0.25 * side + 0.35 * side * y + chance.uniform(-0.1, 0.1)
    v = y + 0.35 + chance.uniform(-0.06, 0.06)
    panes = _pane(u, 0.20, 0.17) + _pane(u, -0.20, 0.17)
    rows = _pane(v, 0.24, 0.20) + _pane(v, -0.22, 0.20)
    return blur((0.42 * panes * rows).astype(np.float32), max(grid) / 60)


def _pane(field: Field, middle: float, half: float) -> Field:
    return as_field(np.abs(field - middle) < half)


def _bokeh(wall: Field, mood: Mood, chance: Chance) -> Field:
    """Add out-of-focus lamps: soft discs in the light's colour and its neighbours."""
    out = wall
    for _ in range(16):
        disc = _disc(wall.shape, chance, (0.03, 0.09))
        colour = mood.light * chance.uniform(0.5, 1.4, 3).astype(np.float32)
        out = out + (0.16 * chance.uniform(0.4, 1.0) * disc)[..., None] * colour
    return out


def _foliage(wall: Field, mood: Mood, chance: Chance) -> Field:
    """Add leaves far out of focus: soft green discs, darker and lighter than the wall."""
    out = wall
    for _ in range(26):
        disc = 0.55 * _disc(wall.shape, chance, (0.04, 0.16))[..., None]
        green = np.array([0.10, 0.26, 0.07], np.float32) * chance.uniform(0.35, 1.5)
        out = out * (1 - disc) + (0.7 * green + 0.3 * mood.wall) * disc
    return out


ACCENTS: dict[str, Callable[[Field, Mood, Chance], Field]] = {"bokeh": _bokeh, "foliage": _foliage}


def _disc(shape: tuple[int, ...], chance: Chance, radii: tuple[float, float]) -> Field:
    height, width = shape[:2]
    x, y = coordinates((width, height))
    radius = chance.uniform(*radii) * 2
    aspect = width / height
    away = np.hypot((x - chance.uniform(-1, 1)) * max(1.0, aspect), (y - chance.uniform(-1, 0.4)) / min(1.0, aspect))
    return steps_between(radius, radius * 0.72, away)


def _texture(ground: str, grid: tuple[int, int], horizon: float, chance: Chance) -> Field:
    """Return the ground's variation, about 1, laid out in perspective."""
    if ground == "plain":
        return np.ones((grid[1], grid[0]), np.float32)
    x, y = coordinates(grid)
    depth = 1 / (np.clip((y * 0.5 + 0.5 - horizon) / max(0.08, 1 - horizon), 0, 1) + 0.22)
    across, away = x * depth * 0.5, depth
    noise = _noise(chance)
    return _GROUNDS[ground](noise, across, away).astype(np.float32)


def _noise(chance: Chance) -> Field:
    """Return 256 x 256 smooth noise, mean 0, deviation 1, the same at opposite edges."""
    field = chance.normal(0, 1, (256, 256)).astype(np.float32)
    for shift in (1, 2):
        field = field + np.roll(field, shift, axis=0) + np.roll(field, shift, axis=1)
    return as_field((field - field.mean()) / field.std())


def _look_up(noise: Field, u: Field, v: Field) -> Field:
    """Return *noise* at (u, v), in turns of the tile, interpolated."""
    x, y = (u * 256) % 256, (v * 256) % 256
    left, top = x.astype(np.intp) % 256, y.astype(np.intp) % 256
    right, below = (left + 1) % 256, (top + 1) % 256
    p, q = x - np.floor(x), y - np.floor(y)
    upper = noise[top, left] * (1 - p) + noise[top, right] * p
    lower = noise[below, left] * (1 - p) + noise[below, right] * p
    return np.asarray(upper * (1 - q) + lower * q, np.float32)


def _wood(noise: Field, across: Field, away: Field) -> Field:
    grain = _look_up(noise, across * 0.035, away * 0.55) + 0.5 * _look_up(noise, across * 0.11 + 0.3, away * 1.3)
    plank = np.floor(away * 2.2)
    tone = np.sin(plank * 12.9898) * 0.5
    gap = steps_between(0.0, 0.05, np.abs(away * 2.2 - np.rint(away * 2.2)))
    return as_field((1 + 0.07 * grain + 0.09 * tone) * (0.72 + 0.28 * gap))


def _stone(noise: Field, across: Field, away: Field) -> Field:
    cloud = _look_up(noise, across * 0.05, away * 0.05)
    bend = _look_up(noise, across * 0.02 + 0.5, away * 0.03)
    vein = np.exp(-np.abs(np.sin(3.1 * (across + 0.7 * away) + 1.6 * bend)) * 9)
    return as_field(1 + 0.035 * cloud - 0.16 * vein)


def _sand(noise: Field, across: Field, away: Field) -> Field:
    return as_field(
        1 + 0.07 * _look_up(noise, across * 0.35, away * 0.5) + 0.06 * _look_up(noise, across * 0.06, away * 0.12)
    )


def _cloth(noise: Field, across: Field, away: Field) -> Field:
    folds = _look_up(noise, across * 0.018 + away * 0.01, away * 0.012)
    return as_field(1 + 0.12 * folds + 0.025 * _look_up(noise, across * 0.6, away * 0.9))


def _water(noise: Field, across: Field, away: Field) -> Field:
    ripple = _look_up(noise, across * 0.05, away * 0.35)
    return as_field(1 + 0.14 * ripple + 0.30 * np.clip(ripple - 1.2, 0, 1))


_GROUNDS: dict[str, Callable[[Field, Field, Field], Field]] = {
    "wood": _wood, "stone": _stone, "sand": _sand, "cloth": _cloth, "water": _water,
}  # fmt: skip
