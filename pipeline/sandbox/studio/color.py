"""Colour: the tables between 8-bit sRGB and linear light, and Lab for measuring differences.

Everything else in the studio computes light in linear RGB, float32, where 1.0 is paper white.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(height, width, 3) sRGB, or (height, width) coverage, 0..255."""

Field = NDArray[np.floating[Any]]
"""(height, width) or (height, width, channels) of linear light, gains or coverage."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 luminance of linear RGB."""

BRIGHTEST = 6.0
"""Linear light above this is recorded like this: six times paper white is only ever white."""

_DARK_CODE = 0.04045  # below this sRGB is a straight line (IEC 61966-2-1)
_DARK_CUBE = 0.008856  # below this L*a*b* is a straight line (CIE 15)
_SHOULDER = 0.62
_STEPS = 8192
_RGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
_XYZ_TO_RGB = np.linalg.inv(_RGB_TO_XYZ)
_WHITE_D65 = np.array([0.9505, 1.0, 1.089], np.float32)


def as_field(values: Any) -> Field:
    """Return *values* as float32."""
    return np.asarray(values, np.float32)


def as_pixels(values: Any) -> Pixels:
    """Return *values* cut to 0..255 and to whole numbers."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _decoding_table() -> Field:
    code = np.arange(256, dtype=np.float64) / 255
    dark = code <= _DARK_CODE
    return as_field(np.where(dark, code / 12.92, ((code + 0.055) / 1.055) ** 2.4))


def _encode_exactly(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    bright = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    curve: NDArray[np.float64] = np.where(linear <= _DARK_CODE / 12.92, linear * 12.92, bright)
    return curve


def _roll_off(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend what is brighter than the shoulder towards 1.0, as film does; below it nothing changes."""
    room = 1 - _SHOULDER
    over = np.maximum(linear - _SHOULDER, 0)
    bent = _SHOULDER + room * (1 - np.exp(-over / room))
    return np.where(linear > _SHOULDER, bent, linear)


def _developing_table() -> Pixels:
    """Tabulate roll-off and sRGB over the square root of light, which spends its steps on shadows."""
    linear = BRIGHTEST * (np.arange(_STEPS, dtype=np.float64) / (_STEPS - 1)) ** 2
    # 1.0 must stay near white although the shoulder is asymptotic: lift the curve so that 1.6 is 255.
    ceiling = _roll_off(np.array([1.6]))[0]
    film = np.minimum(_roll_off(linear) / ceiling, 1.0)
    blend = np.clip((linear - 0.3) / 0.7, 0, 1)
    return as_pixels(np.rint(_encode_exactly(linear * (1 - blend) + film * blend) * 255))


_DECODED = _decoding_table()
_DEVELOPED = _developing_table()
_ENCODED = as_pixels(np.rint(_encode_exactly((np.arange(_STEPS) / (_STEPS - 1)) ** 2) * 255))


def linear_light(srgb: Pixels) -> Field:
    """Return the linear light, 0..1, of 8-bit *srgb* of any shape."""
    return _DECODED[srgb]


def develop(linear: Field) -> Pixels:
    """Return *linear* light (0 and more, any shape) as 8-bit sRGB through a filmic shoulder."""
    developed: Pixels = _DEVELOPED[_steps(linear, BRIGHTEST)]
    return developed


def encode_srgb(linear: Field) -> Pixels:
    """Return *linear* light, 0..1, as 8-bit sRGB without any tone curve: the inverse of `linear_light`."""
    encoded: Pixels = _ENCODED[_steps(linear, 1.0)]
    return encoded


def _steps(linear: Field, top: float) -> NDArray[np.uint16]:
    root = np.sqrt(np.clip(linear, 0, top) * np.float32(1 / top))
    root *= _STEPS - 1
    root += 0.5
    steps: NDArray[np.uint16] = root.astype(np.uint16)
    return steps


def luminance(linear: Field) -> Field:
    """Return the luminance (height, width) of *linear* RGB (height, width, 3)."""
    return linear @ LUMA


def lab(srgb: Pixels) -> Field:
    """Return CIE L*a*b* (L 0..100), D65, of *srgb* (..., 3); one unit is about one just visible difference."""
    xyz = linear_light(srgb) @ _RGB_TO_XYZ.T / _WHITE_D65
    root = np.where(xyz > _DARK_CUBE, np.cbrt(xyz), 7.787 * xyz + 16 / 116).astype(np.float32)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_srgb(colours: Field) -> Pixels:
    """Return *colours* (..., 3 L*a*b*, D65) as 8-bit sRGB, clipped to what sRGB can show."""
    y = (colours[..., 0] + 16) / 116
    root = np.stack([y + colours[..., 1] / 500, y, y - colours[..., 2] / 200], axis=-1)
    xyz = np.where(root > np.cbrt(_DARK_CUBE), root**3, (root - 16 / 116) / 7.787) * _WHITE_D65
    return encode_srgb(as_field(xyz @ _XYZ_TO_RGB.T))


def rgb(code: str) -> Field:
    """Return the linear light (3,) of a hexadecimal sRGB colour such as ``"#d8c3a5"``."""
    return _DECODED[np.frombuffer(bytes.fromhex(code.removeprefix("#")), np.uint8)]
