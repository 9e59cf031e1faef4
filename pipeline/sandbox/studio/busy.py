"""A product in a busy scene: what differs from the border and stands near the middle, learnt by colour.

Saliency against the border's colours starts two colour histograms, product and surroundings; a few rounds
of "which of the two explains this cell better", smoothed along edges, settle the mask.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.sandbox.studio.color import Field, as_field
from pipeline.sandbox.studio.fields import blur, coordinates, resize
from pipeline.sandbox.studio.guided import guided
from pipeline.sandbox.studio.region import Region, grown, pieces, shrunk

_BINS = (10, 16, 16)
_ROUNDS = 6


def busy_subject(colours: Field) -> Region:
    """Return the product in *colours* (height, width, 3 L*a*b*)."""
    bins = _bin_numbers(colours)
    likely = _first_guess(colours, bins)
    anchor = blur(likely, min(bins.shape) / 10)
    luma = colours[..., 0] / 100
    for _ in range(_ROUNDS):
        place = 0.5 * blur(likely, min(bins.shape) / 14) + 0.5 * anchor
        likely = guided(luma, _posterior(bins, likely, place), radius=4, softness=2e-3).clip(0, 1)
    return _central(_smooth(likely > 0.5), likely)  # noqa: PLR2004 - more likely than not


def _bin_numbers(colours: Field) -> NDArray[np.intp]:
    low, high = np.array([0, -64, -64]), np.array([100.01, 64, 64])
    steps = ((colours - low) / (high - low) * _BINS).astype(int)
    level, green_red, blue_yellow = np.moveaxis(np.clip(steps, 0, np.array(_BINS) - 1), -1, 0)
    return np.asarray((level * _BINS[1] + green_red) * _BINS[2] + blue_yellow, np.intp)


def _histogram(bins: NDArray[np.intp], weight: Field) -> Field:
    """Return how often each colour occurs, summing to 1, softened over neighbouring colours."""
    flat = np.bincount(bins.ravel(), weight.ravel(), minlength=int(np.prod(_BINS)))
    counts: NDArray[np.float64] = flat.astype(np.float64).reshape(_BINS)
    for axis in range(3):
        counts = _softened(counts, axis)
    share = counts.ravel() / max(1e-9, counts.sum())
    return as_field(share)


def _softened(counts: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    pad = [(0, 0)] * 3
    pad[axis] = (1, 1)
    wide = np.moveaxis(np.pad(counts, pad, mode="edge"), axis, 0)
    return np.moveaxis(0.25 * wide[:-2] + 0.5 * wide[1:-1] + 0.25 * wide[2:], 0, axis)


def _first_guess(colours: Field, bins: NDArray[np.intp]) -> Field:
    """Return 0..1: of colours that the border does not have, and near the middle of the picture."""
    height, width = bins.shape
    x, y = coordinates((width, height))
    ring = _ring((width, height))
    middle = np.exp(-3.0 * (x * x + y * y)).astype(np.float32)
    here, there = _histogram(bins, middle)[bins], _histogram(bins, ring)[bins]
    rare = here / (here + 1.5 * there + 1e-9)
    contrast = _border_contrast(colours, ring)
    centre = np.exp(-1.6 * (x * x + y * y)).astype(np.float32)
    guess = blur((0.6 * rare * rare + 0.4 * contrast) * centre, max(2, min(bins.shape) / 64))
    return as_field(guess / max(1e-6, float(np.quantile(guess, 0.97)))).clip(0, 1)


def _ring(size: tuple[int, int]) -> Field:
    """Return 1 in the outer twentieth of a picture of *size* (width, height), else 0."""
    x, y = coordinates(size)
    return ((np.abs(x) > 0.9) | (np.abs(y) > 0.9)).astype(np.float32)  # noqa: PLR2004 - of 1


def _border_contrast(colours: Field, ring: Field) -> Field:
    """Return 0..1: how far each cell is from the nearest of the border's main colours."""
    samples = colours[ring > 0]
    palette = samples[np.argsort(samples[:, 0])][:: max(1, len(samples) // 24)]
    small = resize(colours, (max(1, colours.shape[1] // 2), max(1, colours.shape[0] // 2)))
    away = np.min(np.linalg.norm(small[..., None, :] - palette, axis=-1), axis=-1)
    away = resize(away.astype(np.float32), (colours.shape[1], colours.shape[0]))
    return (away / max(1e-6, float(np.quantile(away, 0.98)))).clip(0, 1)


def _posterior(bins: NDArray[np.intp], likely: Field, place: Field) -> Field:
    """Return the chance 0..1 that a cell is product, by its colour and by *place*, where it was so far."""
    inside = _histogram(bins, likely)[bins]
    outside = _histogram(bins, 1 - likely)[bins]
    place = (0.03 + 0.9 * place) * (1 - 0.6 * _ring((bins.shape[1], bins.shape[0])))
    odds = (inside + 1e-6) * place / ((outside + 1e-6) * (1 - place))
    return as_field(odds / (1 + odds))


def _smooth(region: Region) -> Region:
    """Cut off what hangs on by a thread, and close cracks."""
    return shrunk(grown(grown(shrunk(region, 2), 2), 2), 2)


def _central(region: Region, likely: Field) -> Region:
    """Keep the piece with the most evidence near the middle, and others of a fair size beside it."""
    found = pieces(region)
    if not found.count:
        return region
    height, width = region.shape
    x, y = coordinates((width, height))
    weight = likely * np.exp(-2 * (x * x + y * y))
    score = np.bincount(found.labels.ravel(), weight.ravel())[1:]
    return found.only(np.nonzero(score > 0.25 * score.max())[0] + 1)
