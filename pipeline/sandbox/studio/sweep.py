"""A product on a plain sweep: model the backdrop, then take what differs from it, without its floor shadow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.sandbox.studio.color import Field, Pixels, as_field, as_pixels, lab_to_srgb
from pipeline.sandbox.studio.fields import blur, box_blur, coordinates, slopes
from pipeline.sandbox.studio.region import Region, grown, pieces, reached_from_border, shrunk

_PLAIN_SHARE = 0.66
_PLAIN_NOISE = 2.6
_SAME = 9.0

# In units of L*a*b*, per cell of the probe where it is a slope.
_DARKEST_SHADOW = 42
_CLEARLY_DARKER = 15
_CLEARLY_COLOURED = 8
_CONTACT_CELLS = 9
_TINT_OF_SHADOW = 5
_STEEPEST_SHADOW = 3.2
_FLAT = 2.5

_MANY_SCRAPS = 50
_LARGEST_SCRAP = 0.15


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
    weights = np.zeros((basis.shape[1], 3))
    weights[0] = np.median(samples, axis=0)
    for tolerance in (3 * _SAME, 2 * _SAME, _SAME, _SAME):  # what does not fit is product at the border: leave it out
        close = np.linalg.norm(samples - basis @ weights, axis=-1) < tolerance
        if close.mean() < _PLAIN_SHARE:
            return None
        weights = _least_squares(basis[close], samples[close])
    residual = np.linalg.norm(samples - basis @ weights, axis=-1)
    noise = float(np.median(residual))
    if noise > _PLAIN_NOISE or float((residual < _SAME).mean()) < _PLAIN_SHARE:
        return None
    model = (terms @ weights).astype(np.float32)
    model[..., 0] = np.clip(model[..., 0], 0, 100)
    return Sweep(model, noise)


def _least_squares(basis: NDArray[np.float64], samples: Field) -> NDArray[np.float64]:
    """Return the weights (6, 3) of the best fit; the normal equations do, for terms that run from -1 to 1."""
    square = basis.T @ basis + 1e-6 * np.eye(basis.shape[1])
    return np.asarray(np.linalg.solve(square, basis.T @ samples), np.float64)


def _ring(shape: tuple[int, int]) -> Region:
    width = max(1, round(min(shape) * 0.02))
    ring = np.ones(shape, bool)
    ring[width:-width, width:-width] = False
    return ring


def _terms(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the quadratic terms (height, width, 6) that a lit sweep is fitted with."""
    x, y = coordinates((shape[1], shape[0]))
    return np.stack([np.ones(shape), x, y, x * x, y * y, x * y], axis=-1).astype(np.float64)


def sweep_subject(colours: Field, sweep: Sweep) -> tuple[Region, Region]:
    """Return (product, floor shadow) before *sweep*: what is not backdrop, and not seen through a handle."""
    away = np.linalg.norm(colours - sweep.model, axis=-1)
    same = away < np.clip(3 * sweep.noise + 1.6, 2.2, 9.0)
    body = ~_poured(same)
    bare = _without_shadow(body, same, colours, sweep)
    return bare & ~_seen_through(bare, away, sweep.noise, colours), body & ~bare


def is_scattered(colours: Field, sweep: Sweep) -> bool:
    """Whether what differs from the backdrop is many small scraps, as on a page of text, and no product."""
    ink = pieces(np.linalg.norm(colours - sweep.model, axis=-1) > np.clip(3 * sweep.noise + 1.6, 2.2, 9.0))
    return ink.count > _MANY_SCRAPS and bool(ink.areas[1:].max() < _LARGEST_SCRAP * ink.areas[1:].sum())


def with_shadow(backdrop: Pixels, probe: Pixels, shadow: Region) -> Pixels:
    """Return *backdrop* with the floor *shadow* seen in *probe*, carried a few cells in under the product."""
    if not shadow.any():
        return backdrop
    weight = blur(shadow.astype(np.float32), 2)[..., None]
    seen = blur(as_field(probe * shadow[..., None]), 2) / np.maximum(weight, 1e-3)
    share = np.clip(4 * weight, 0, 1)
    mixed = np.where(shadow[..., None], probe, backdrop * (1 - share) + seen * share)
    return as_pixels(mixed)


def _poured(free: Region) -> Region:
    """Pour from the border through gaps wider than three cells: thin leaks in a pale edge hold."""
    wide = reached_from_border(shrunk(free, 1))
    return grown(wide, 1) & free


def _without_shadow(body: Region, same: Region, colours: Field, sweep: Sweep) -> Region:
    """Take soft, colourless darkening next to the backdrop for shadow, unless that eats the product.

    First in the lower half of *body*, then only farther down: a white cup is as soft and colourless.
    """
    darker = sweep.model[..., 0] - colours[..., 0]
    tint = np.linalg.norm(colours[..., 1:] - sweep.model[..., 1:], axis=-1)
    across, down = slopes(colours[..., 0])
    grey = (darker > 0) & (darker < _DARKEST_SHADOW) & (tint < _TINT_OF_SHADOW)
    soft = grey & (np.hypot(across, down) < _STEEPEST_SHADOW)
    for start in (0.55, 0.3, 0.8, 0.9):
        low = _below(body, start)
        bare = ~_poured(same | (soft & low))
        if _still_whole(body, bare) and not _sawn_off(body, bare, low):
            bare &= ~(low & _foot(bare, colours[..., 0], sweep.model[..., 0], tint))
            return _without_contact(bare, low, colours[..., 0], tint)
    return body


def _foot(bare: Region, lightness: Field, backdrop: Field, tint: Field) -> Region:
    """Return the cells at the edge of *bare* that are more backdrop in shadow than the product just inside."""
    inside = shrunk(bare, 3).astype(np.float32)
    weight = blur(inside, 4)
    product = blur(lightness * inside, 4) / np.maximum(weight, 1e-3)
    paler = (lightness > (product + backdrop) / 2) & (backdrop - product > _CLEARLY_DARKER) & (weight > 1e-3)  # noqa: PLR2004 - product in reach
    return bare & grown(~bare, 2) & paler & (tint < _TINT_OF_SHADOW)


def _without_contact(bare: Region, low: Region, lightness: Field, tint: Field) -> Region:
    """Peel the dark shadow where a coloured product stands: colourless cells, never lighter than outside of them.

    A white sole under a shoe is colourless too, but lighter than the shadow it throws.
    """
    inside = shrunk(bare, 4)
    weight = blur(inside.astype(np.float32), 7)
    coloured = blur((inside & (tint > _CLEARLY_COLOURED)).astype(np.float32), 7) > 0.3 * np.maximum(weight, 1e-3)
    open_to_peel = low & coloured & (tint < _TINT_OF_SHADOW)
    for _ in range(_CONTACT_CELLS):
        outside = (~bare).astype(np.float32)
        beyond = box_blur(lightness * outside, 1) / np.maximum(box_blur(outside, 1), 1e-3)
        peeled = bare & open_to_peel & grown(~bare, 1) & (lightness < beyond + 0.5)
        if not peeled.any():
            break
        bare = bare & ~peeled
    return bare


def _below(body: Region, start: float) -> Region:
    """Return the rows from *start* 0..1 of the height of *body* downwards."""
    low = np.zeros_like(body)
    rows = np.nonzero(body.any(axis=1))[0]
    if len(rows):
        low[round(rows[0] + start * (rows[-1] - rows[0])) :] = True
    return low


def _still_whole(body: Region, bare: Region) -> bool:
    """Whether *bare*, *body* without its shadow, kept the product: little went, or only a thin layer below it.

    A pale product on a pale sweep looks like shadow too, but then half of its height would be gone.
    """
    if float(bare.sum()) >= 0.85 * float(body.sum()):
        return True
    if float(bare.sum()) < 0.35 * float(body.sum()):
        return False
    columns = bare.any(axis=0)
    below = np.cumsum(bare[::-1], axis=0)[::-1] == 0
    depth = (body & ~bare & below)[:, columns].sum(axis=0)
    height = np.nonzero(bare.any(axis=1))[0]
    return float(depth.mean()) < 0.6 * (int(height[-1]) - int(height[0]) + 1)


def _sawn_off(body: Region, bare: Region, low: Region) -> bool:
    """Whether what was taken ends in a straight line at the top of *low*: no shadow does, a pale product does."""
    first = int(np.argmax(low.any(axis=1)))
    if first == 0:
        return False
    cut = bare[first - 1] & body[first] & ~bare[first]
    return float(cut.sum()) > 0.25 * max(1.0, float(body[first].sum()))


def _seen_through(body: Region, away: Field, noise: float, colours: Field) -> Region:
    """Return the holes of *body* that show exactly the backdrop, such as inside a handle."""
    exact = body & (away < max(1.2, 2.2 * noise))
    across, down = slopes(blur(colours[..., 0], 1))
    flat = np.hypot(across, down) < _FLAT
    found = pieces(shrunk(exact & flat, 1))
    if not found.count:
        return np.zeros_like(body)
    seeds = found.only(np.nonzero(found.areas[1:] > body.size * 0.0012)[0] + 1)
    holes = pieces(body & (away < max(2.4, 3 * noise)))
    return holes.only(np.setdiff1d(np.unique(holes.labels[seeds]), [0]))
