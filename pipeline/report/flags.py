"""Cheap looks at each output beside its input: what a person should see first.  They never cost money.

    measure   two small pictures ─▶ numbers, which are kept
    judge     numbers and thresholds ─▶ flags, which cost nothing to compute again

Pure functions on small arrays.  A flag is a reason to look, not a verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.endpoints.parameters import nearest
from pipeline.errors import RecipeError
from pipeline.report.colour import delta_e, to_lab

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]
    """Height x width x 4, RGBA, at most some 200 pixels a side."""
    Mask = npt.NDArray[np.bool_]

VERSION = 1
"""Raised when `measure` changes: what was kept before is measured again."""

FLAGS: dict[str, str] = {
    "blank": "blank or nearly uniform",
    "unchanged": "nearly identical to the input",
    "shape": "another size or aspect than asked for",
    "opaque": "no transparency, though it was asked for",
    "clipped": "highlights clipped beyond the input's",
    "crushed": "shadows crushed beyond the input's",
    "colour": "the product's colour moved away from the input's",
}
"""Every flag and what it says, in the order in which they are shown."""

LIGHTEST, DARKEST = 251, 4
NEAR = 6
"""Levels within which a pixel counts as the picture's one colour."""
PLAIN_BORDER, OFF_BORDER = 8.0, 12.0
"""L*a*b* distances: how even a backdrop is at its border, and how far the product stands out from it."""
PRODUCT_SHARES = (0.01, 0.9)
SAME_PLACE = 0.35
"""Correlation of outlines from which on the product counts as standing where it stood."""
ASPECT = re.compile(r"^\s*(\d{1,5})\s*[:x]\s*(\d{1,5})(?=\D|$)")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a number is a flag: the recipe's ``[checks]``.  0 or false switches a flag off."""

    blank: float = 0.995
    """Share of pixels that have the picture's one colour."""
    unchanged: float = 1.5
    """Mean difference in levels of 255 below which nothing was done."""
    shape: float = 0.03
    """Relative difference of width to height."""
    clipped: float = 0.08
    """Share of pixels lost to white, beyond the input's share."""
    crushed: float = 0.08
    """Share of pixels lost to black, beyond the input's share."""
    delta_e: float = 15.0
    """CIEDE2000 between the mean colours of the product."""

    @classmethod
    def from_checks(cls, checks: Mapping[str, Any]) -> Thresholds:
        """Thresholds of a recipe; raises RecipeError for an unknown name or a value that is no number."""
        known = [each.name for each in fields(cls)]
        for name, value in checks.items():
            if name not in known:
                raise RecipeError(
                    f"[checks] has an unknown entry {name!r}{nearest(name, known)}",
                    hint=f"there are {', '.join(known)}",
                )
            if not isinstance(value, int | float) or value < 0:
                raise RecipeError(f"[checks] {name} must be a number from 0 on, not {value!r}")
        return cls(**{name: float(value) for name, value in checks.items()})


@dataclass(frozen=True, slots=True)
class Measures:
    """What can be seen in a pair of pictures; None where it cannot be seen."""

    uniform: float
    """Share of pixels near the median colour."""
    opaque: bool
    difference: float | None = None
    """Mean absolute difference in levels; None without an input of the same shape."""
    clipped: float | None = None
    crushed: float | None = None
    """Shares of pixels at the ends of the scale, minus the input's."""
    delta_e: float | None = None
    """Between mean colours of the product area; None when the product is not found in the same place."""

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Measures:
        """From what `asdict` gave."""
        return cls(**kept)


def measure(before: Pixels | None, after: Pixels) -> Measures:
    """Look at *after* beside *before*: two small RGBA pictures."""
    uniform = _uniform(after)
    opaque = bool((after[..., 3] == 255).all())  # noqa: PLR2004  # a full byte
    if before is None:
        return Measures(uniform, opaque)
    clipped = round(_share_light(after) - _share_light(before), 4)
    crushed = round(_share_dark(after) - _share_dark(before), 4)
    if not _same_shape(before, after):
        return Measures(uniform, opaque, None, clipped, crushed)
    fitted = _fit(after, before.shape[:2])
    difference = float(np.abs(_on_white(fitted).astype(int) - _on_white(before)).mean())
    return Measures(uniform, opaque, round(difference, 2), clipped, crushed, _colour_shift(before, fitted))


def judge(
    found: Measures | None,
    limits: Thresholds,
    *,
    size: tuple[int, int],
    params: Mapping[str, Any],
) -> list[str]:
    """The flags of one output, in the order of FLAGS.  *size* is (width, height) in pixels, *params* what was asked."""
    flags = {"shape": limits.shape > 0 and _wrong_shape(size, params, limits.shape)}
    if found is not None:
        flags |= {
            "blank": 0 < limits.blank <= found.uniform,
            "unchanged": found.difference is not None and found.difference < limits.unchanged,
            "opaque": found.opaque and str(params.get("background", "")).casefold() == "transparent",
            "clipped": _above(found.clipped, limits.clipped),
            "crushed": _above(found.crushed, limits.crushed),
            "colour": _above(found.delta_e, limits.delta_e),
        }
    return [name for name in FLAGS if flags.get(name)]


def asked_aspect(params: Mapping[str, Any]) -> float | None:
    """Width to height as asked for by size, aspect ratio, or width and height; None when nothing was asked."""
    for name in ("size", "aspect_ratio"):
        found = ASPECT.match(str(params.get(name, "")))
        if found and int(found[2]):
            return int(found[1]) / int(found[2])
    width, height = params.get("width"), params.get("height")
    if isinstance(width, int) and isinstance(height, int) and height > 0:
        return width / height
    return None


def _wrong_shape(size: tuple[int, int], params: Mapping[str, Any], tolerance: float) -> bool:
    asked = asked_aspect(params)
    return asked is not None and bool(abs(size[0] / size[1] / asked - 1) > tolerance)


def _above(value: float | None, limit: float) -> bool:
    return value is not None and limit > 0 and value > limit


def _uniform(picture: Pixels) -> float:
    flat = _on_white(picture).reshape(-1, 3).astype(int)
    near = (np.abs(flat - np.median(flat, axis=0)) <= NEAR).all(axis=1)
    return round(float(near.mean()), 4)


def _share_light(picture: Pixels) -> float:
    return float((_on_white(picture).min(axis=2) >= LIGHTEST).mean())


def _share_dark(picture: Pixels) -> float:
    return float((_on_white(picture).max(axis=2) <= DARKEST).mean())


def _on_white(picture: Pixels) -> Pixels:
    alpha = picture[..., 3:].astype(np.uint16)
    return ((picture[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _same_shape(one: Pixels, other: Pixels) -> bool:
    (h1, w1), (h2, w2) = one.shape[:2], other.shape[:2]
    return bool(abs((w1 * h2) / (w2 * h1) - 1) <= 0.03)  # noqa: PLR2004  # one pixel of rounding at these sizes


def _fit(picture: Pixels, shape: tuple[int, int]) -> Pixels:
    """*picture* at *shape* by nearest neighbours: both are small already."""
    rows = np.linspace(0, picture.shape[0] - 1, shape[0]).round().astype(int)
    columns = np.linspace(0, picture.shape[1] - 1, shape[1]).round().astype(int)
    fitted: Pixels = picture[rows][:, columns]
    return fitted


def _colour_shift(before: Pixels, after: Pixels) -> float | None:
    one = to_lab(_on_white(before))
    product = _product(before, one)
    if product is None:
        return None
    other = to_lab(_on_white(after))
    if _likeness(one[..., 0], other[..., 0], product) < SAME_PLACE:
        return None
    return round(delta_e(one[product].mean(axis=0), other[product].mean(axis=0)), 1)


def _product(picture: Pixels, lab: npt.NDArray[np.float64]) -> Mask | None:
    """Where the product is: what is not transparent, or stands out from an even backdrop; None when that is unclear."""
    if (picture[..., 3] < 128).mean() > 0.02:  # noqa: PLR2004  # a cut-out, not a soft edge
        mask = picture[..., 3] >= 128  # noqa: PLR2004
    else:
        border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
        backdrop = np.median(border, axis=0)
        if np.median(np.linalg.norm(border - backdrop, axis=1)) > PLAIN_BORDER:
            return None
        mask = np.linalg.norm(lab - backdrop, axis=2) > OFF_BORDER
    least, most = PRODUCT_SHARES
    return mask if least <= mask.mean() <= most else None


def _likeness(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], where: Mask) -> float:
    """Correlation of the outlines of two lightness planes within *where* and its edge, from -1 to 1."""
    around = where.copy()
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            around |= np.roll(where, step, axis=axis)
    first, second = _outlines(one)[around], _outlines(other)[around]
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _outlines(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    down, across = np.gradient(plane)
    steepness: npt.NDArray[np.float64] = np.hypot(down, across)
    return steepness
