"""A product on a plain sweep: model the backdrop, then take what differs from it, without its floor shadow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.sandbox.studio.color import Field, Pixels
from pipeline.sandbox.studio.fields import blur, coordinates, slopes
from pipeline.sandbox.studio.labs import lab_to_srgb
from pipeline.sandbox.studio.region import Region, grown, pieces, reached_from_border, shrunk, without_holes

_PLAIN_SHARE = 0.66
_PLAIN_NOISE = 2.6
_SAME = 9.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """A plain backdrop: `model` is its L*a*b* at every probe cell, `noise` its usual deviation from that."""

    model: Field
    noise: float

    @property
    def pixels(self) -> Pixels:
        """The backdrop as 8-bit sRGB, without the product."""
        return lab_to_srgb(self.model)


def find_sweep(colours: Field) -> Sweep | None:
    """Return the backdrop when the border of *colours* (height, width, 3 L*a*b*) is one plain surface."""
    ring = _ring(colours.shape[:2])
    terms = _terms(colours.shape[:2])
    samples, basis = colours[ring], terms[ring]
    middle = np.median(samples, axis=0)
    away = np.linalg.norm(samples - middle, axis=-1)
    if float((away < 2 * _SAME).mean()) < _PLAIN_SHARE:
        return None
    weights = np.linalg.lstsq(basis[:, :1], samples * 0 + middle, rcond=None)[0]
    fitted = basis[:, :1] @ weights
    for _ in range(3):
        close = np.linalg.norm(samples - fitted, axis=-1) < _SAME
        if close.mean() < _PLAIN_SHARE:
            return None
        weights = np.linalg.lstsq(basis[close], samples[close], rcond=None)[0]
        fitted = basis @ weights
    residual = np.linalg.norm(samples - fitted, axis=-1)
    noise = float(np.median(residual))
    if noise > _PLAIN_NOISE or float((residual < _SAME).mean()) < _PLAIN_SHARE:
        return None
    model = (terms @ weights).astype(np.float32)
    model[..., 0] = np.minimum(model[..., 0], 100)
    return Sweep(model, noise)


def _ring(shape: tuple[int, int]) -> Region:
    width = max(1, round(min(shape) * 0.02))
    ring = np.ones(shape, bool)
    ring[width:-width, width:-width] = False
    return ring


def _terms(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the quadratic terms (height, width, 6) that a lit sweep is fitted with."""
    x, y = coordinates((shape[1], shape[0]))
    return np.stack([np.ones(shape), x, y, x * x, y * y, x * y], axis=-1).astype(np.float64)


def sweep_subject(colours: Field, sweep: Sweep) -> Region:
    """Return the product before *sweep*: what is not backdrop, not shadow on the floor, not seen through."""
    away = np.linalg.norm(colours - sweep.model, axis=-1)
    same = away < np.clip(3 * sweep.noise + 1.6, 2.2, 9.0)
    backdrop = _poured(same)
    body = ~backdrop
    body = _without_shadow(body, same, colours, sweep)
    return body & ~_seen_through(body, away, sweep.noise, colours)


def _poured(free: Region) -> Region:
    """Pour from the border through gaps wider than three cells: thin leaks in a pale edge hold."""
    wide = reached_from_border(shrunk(free, 1))
    return grown(wide, 1) & free


def _without_shadow(body: Region, same: Region, colours: Field, sweep: Sweep) -> Region:
    """Take soft, colourless darkening next to the backdrop for shadow, unless that eats the product."""
    darker = sweep.model[..., 0] - colours[..., 0]
    tint = np.linalg.norm(colours[..., 1:] - sweep.model[..., 1:], axis=-1)
    across, down = slopes(colours[..., 0])
    soft = np.hypot(across, down) < 3.2  # noqa: PLR2004 - L* per cell; a product's edge is steeper
    rows = np.nonzero(body.any(axis=1))[0]
    if not len(rows):
        return body
    low = np.zeros_like(body)
    low[round(rows[0] + 0.55 * (rows[-1] - rows[0])) :] = True
    shadow = soft & low & (darker > 0) & (darker < 42) & (tint < 5)  # noqa: PLR2004 - L* and chroma of a floor shadow
    bare = ~_poured(same | shadow)
    area = float(body.sum())
    if float(bare.sum()) < 0.85 * area and not _shallow(body, bare):
        return body
    return bare


def _shallow(body: Region, bare: Region) -> bool:
    """Whether what the shadow rule took away lies below or beside the rest, as a shadow does."""
    taken = body & ~without_holes(bare)
    if float(bare.sum()) < 0.5 * float(body.sum()):
        return False
    inside = shrunk(without_holes(grown(bare, 6)), 6)
    return float((taken & inside).sum()) < 0.15 * float(taken.sum())


def _seen_through(body: Region, away: Field, noise: float, colours: Field) -> Region:
    """Return the holes of *body* that show exactly the backdrop, such as inside a handle."""
    exact = body & (away < max(1.2, 2.2 * noise))
    across, down = slopes(blur(colours[..., 0], 1))
    flat = np.hypot(across, down) < 2.5  # noqa: PLR2004 - L* per cell
    found = pieces(shrunk(exact & flat, 1))
    if not found.count:
        return np.zeros_like(body)
    least = body.size * 0.0012
    large = np.nonzero(found.areas[1:] > least)[0] + 1
    return grown(found.only(large), 2) & exact
