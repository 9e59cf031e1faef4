"""Which way the product's surface faces, guessed from its outline: a cushion inflated over the mask."""

from dataclasses import dataclass

import numpy as np

from pipeline.sandbox.studio.color import Field
from pipeline.sandbox.studio.fields import blur, grid_size, resize, slopes

_CUSHION = 96
_ROUNDS = (60, 60, 80)


@dataclass(frozen=True, slots=True)
class Surface:
    """Unit normals, each (height, width): `x` to the right, `y` down, `z` towards the camera."""

    x: Field
    y: Field
    z: Field


def inflate(mask: Field, roundness: float = 1.0) -> Surface:
    """Return the normals of a cushion that stands on *mask* (height, width), 0..1.

    The height is the square root of the solution of Poisson's equation over the mask, the shape a soap
    film takes under pressure: round like a bottle, without the crease of a distance map.
    """
    height, width = mask.shape
    small = grid_size((width, height), _CUSHION)
    raised = np.sqrt(_pressed(resize(mask, small)))
    peak = float(raised.max(initial=0)) or 1.0
    scale = _thickness(resize(mask, small)) * roundness / peak
    hill = blur(resize(raised * scale, (width, height)), max(1.0, max(mask.shape) / 128))
    return _facing(hill, width / small[0])


def _pressed(mask: Field) -> Field:
    """Solve the equation from coarse to fine, holding 0 outside *mask*."""
    height, width = mask.shape
    film = np.zeros((max(1, height // 4), max(1, width // 4)), np.float32)
    for level, rounds in zip((4, 2, 1), _ROUNDS, strict=True):
        size = (max(1, width // level), max(1, height // level))
        film = _relaxed(resize(film, size), resize(mask, size), rounds, pressure=level * level / 1000)
    return film


def _relaxed(film: Field, mask: Field, rounds: int, pressure: float) -> Field:
    for _ in range(rounds):
        wide = np.pad(film, 1)
        film = mask * (0.25 * (wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]) + pressure)
    return film.astype(np.float32)


def _thickness(mask: Field) -> float:
    """Return the half-width, in cells, of a disc with the mask's area: how far it can bulge."""
    return float(np.sqrt(mask.sum() / np.pi)) * 0.8


def _facing(hill: Field, cells_per_cell: float) -> Surface:
    across, down = slopes(hill)
    across, down = across * cells_per_cell, down * cells_per_cell
    length = np.sqrt(across * across + down * down + 1)
    return Surface(-across / length, -down / length, (1 / length).astype(np.float32))
