"""Colour as people see it: sRGB to CIE L*a*b*, and the difference of two colours.

Sources: IEC 61966-2-1 (sRGB, D65 white), CIE 015:2018 (L*a*b*), Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference
Formula" (2005).  Knows arrays, no files.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27


def to_lab(rgb: npt.NDArray[np.uint8]) -> Floats:
    """L*a*b* of 8-bit sRGB; the last axis holds the three channels."""
    value = rgb.astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004  # the standard's
    xyz = linear @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > _EPSILON, np.cbrt(xyz), (_KAPPA * xyz + 16) / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def delta_e(one: Floats, other: Floats) -> float:
    """CIEDE2000 of two L*a*b* colours: 1 is just noticeable, 10 plainly another colour."""
    (l1, a1, b1), (l2, a2, b2) = one.tolist(), other.tolist()
    mean = ((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2) ** 7
    g = 1.5 - 0.5 * math.sqrt(mean / (mean + 25.0**7))
    c1, c2 = math.hypot(g * a1, b1), math.hypot(g * a2, b2)
    h1, h2 = _hue(g * a1, b1), _hue(g * a2, b2)
    turn = ((h2 - h1 + 180) % 360) - 180 if c1 and c2 else 0.0
    hue = _mean_hue(h1, h2) if c1 and c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1 - 0.17 * _cos(hue - 30) + 0.24 * _cos(2 * hue) + 0.32 * _cos(3 * hue + 6) - 0.20 * _cos(4 * hue - 63)
    s_l = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rotation = 60 * math.exp(-(((hue - 275) / 25) ** 2))
    r_t = -2 * math.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * math.sin(math.radians(rotation))
    d_l = (l2 - l1) / s_l
    d_c = (c2 - c1) / s_c
    d_h = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / s_h
    return math.sqrt(max(0.0, d_l**2 + d_c**2 + d_h**2 + r_t * d_c * d_h))


def _hue(a: float, b: float) -> float:
    return math.degrees(math.atan2(b, a)) % 360


def _mean_hue(one: float, other: float) -> float:
    if abs(one - other) <= 180:  # noqa: PLR2004  # half a turn
        return (one + other) / 2
    return ((one + other + 360) / 2) % 360


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))
