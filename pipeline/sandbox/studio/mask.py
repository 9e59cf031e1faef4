"""Where the product is: a coarse mask with a confidence, for plain sweeps and for busy scenes.

Owns the decision which of the two a photograph is, and when to give up: an unsure mask is the whole
picture, so that every edit still does something sensible.  Does not know what the mask is used for.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.sandbox.studio.busy import busy_subject
from pipeline.sandbox.studio.color import Field, Pixels, lab
from pipeline.sandbox.studio.fields import blur, grid_size, resize_pixels, slopes, steps_between
from pipeline.sandbox.studio.region import Region, grown, pieces, shrunk, without_holes
from pipeline.sandbox.studio.source import Photo
from pipeline.sandbox.studio.sweep import Sweep, find_sweep, is_scattered, sweep_subject, with_shadow

PROBE = 256
"""Longer side, in cells, of the picture that is searched for the product."""

SURE = 0.5
"""Below this confidence the whole picture counts as the product."""

_SMALLEST = 12


@dataclass(frozen=True, slots=True)
class Subject:
    """The product in a picture.

    `region` is (height, width) on the probe grid; `confidence` is 0..1; `backdrop` (height, width, 3) is
    the set as it would look without the product, its shadow included, when that is a plain sweep; `clean`
    the same without the shadow, and `shadow` where that was.
    """

    region: Region
    confidence: float
    backdrop: Pixels | None = None
    clean: Pixels | None = None
    shadow: Region | None = None

    @property
    def sure(self) -> bool:
        """Whether the product was found; if not, `region` is everything."""
        return self.confidence >= SURE


def find_subject(photo: Photo) -> Subject:
    """Find the product in *photo*: by its transparency, else against a plain sweep, else in a busy scene."""
    size = grid_size(photo.size, PROBE)
    if min(size) < _SMALLEST:
        return _whole(size, 0.0)
    if photo.alpha is not None:
        return _from_alpha(photo.alpha, size)
    probe = resize_pixels(photo.rgb, size)
    colours = lab(probe)
    sweep = find_sweep(colours)
    found = _on_sweep(probe, colours, sweep) if sweep else _in_scene(colours)
    if found.confidence < SURE:
        return _whole(size, found.confidence)
    return found


def _whole(size: tuple[int, int], confidence: float) -> Subject:
    return Subject(np.ones((size[1], size[0]), bool), confidence)


def _from_alpha(alpha: Pixels, size: tuple[int, int]) -> Subject:
    region = resize_pixels(alpha, size) > 127  # noqa: PLR2004 - half covered
    share = float(region.mean())
    return Subject(region, 1.0) if share > 0 else _whole(size, 0.0)


def _on_sweep(probe: Pixels, colours: Field, sweep: Sweep) -> Subject:
    product, shadow = sweep_subject(colours, sweep)
    region = _tidied(product)
    confidence = 0.3 if is_scattered(colours, sweep) else _confidence(region)
    confidence *= _sharpness(region, colours)
    floor = shadow & ~grown(region, 1)
    return Subject(region, confidence, with_shadow(sweep.pixels, probe, floor), sweep.pixels, floor)


def _in_scene(colours: Field) -> Subject:
    region = _tidied(without_holes(busy_subject(colours)))
    return Subject(region, _confidence(region) * _sharpness(region, colours) * 0.9)


def _tidied(region: Region) -> Region:
    """Drop specks: pieces below a fiftieth of the largest."""
    found = pieces(region)
    if not found.count:
        return region
    return found.only(np.nonzero(found.areas[1:] * 50 >= found.areas[1:].max())[0] + 1)


def _confidence(region: Region) -> float:
    """Judge by size, borders touched, and whether it is one thing (or a few) rather than many scraps."""
    share = float(region.mean())
    if not 0.004 < share < 0.93:  # noqa: PLR2004 - a speck, or everything
        return 0.0
    sides = (region[0], region[-1], region[:, 0], region[:, -1])
    touched = sum(float(side.mean()) > 0.12 for side in sides)  # noqa: PLR2004 - more than a tip
    return _one_thing(region) * (1.0, 1.0, 0.85, 0.45, 0.2)[touched] * _solid(region)


def _one_thing(region: Region) -> float:
    """Return the share of the area that the five largest pieces hold, less for every further piece."""
    found = pieces(region)
    areas = np.sort(found.areas[1:])[::-1]
    return float(areas[:5].sum() / areas.sum()) * (0.6 if found.count > 12 else 1.0)  # noqa: PLR2004 - lines of text


def _solid(region: Region) -> float:
    """Return 1 for a body, less for lace: how much survives closing small gaps, unless it is one piece."""
    if pieces(region).count <= 2:  # noqa: PLR2004 - a thin ring or a chain is still one thing
        return 1.0
    kept = float(shrunk(region, 2).sum()) / max(1.0, float(region.sum()))
    return 1.0 if kept > 0.35 else 0.4  # noqa: PLR2004 - letters lose nearly everything


def _sharpness(region: Region, colours: Field) -> float:
    """Return 1 when the outline is a real edge, 0 when it runs through soft gradients.

    Measured as the steepest slope near the outline over the difference between both sides of it: 0.6 and
    more for things, even white on white; 0.1 to 0.35 for shadows on a wall and leaves out of focus.
    """
    core = shrunk(region, 1)
    outline = region & ~core
    outline[:2] = outline[-2:] = False
    outline[:, :2] = outline[:, -2:] = False
    if not outline.any():
        return 1.0
    steep = np.sum([np.hypot(*slopes(colours[..., n])) for n in range(3)], axis=0)
    steepest = np.maximum(np.maximum(steep, np.roll(steep, 1, 0)), np.roll(steep, -1, 0))
    steepest = np.maximum(np.maximum(steepest, np.roll(steepest, 1, 1)), np.roll(steepest, -1, 1))
    near = grown(outline, 4)
    across = _local_mean(colours, near & shrunk(region, 2)) - _local_mean(colours, near & ~grown(region, 1))
    contrast = np.linalg.norm(across[outline], axis=-1)
    ratio = float(np.median(steepest[outline] / (contrast + 1)))
    return float(steps_between(0.25, 0.45, np.array(ratio)))


def _local_mean(colours: Field, where: Region) -> Field:
    """Return the mean of *colours* over nearby cells of *where*."""
    weight = where.astype(np.float32)[..., None]
    return blur(colours * weight, 3) / np.maximum(blur(weight, 3), 1e-3)
