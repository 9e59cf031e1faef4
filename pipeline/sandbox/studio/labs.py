"""The way back from L*a*b* to 8-bit sRGB, for the modelled backdrop."""

import numpy as np

from pipeline.sandbox.studio.color import Field, Pixels, encode_srgb

_XYZ_TO_RGB = np.linalg.inv(
    np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
).astype(np.float32)
_WHITE_D65 = np.array([0.9505, 1.0, 1.089], np.float32)


def lab_to_srgb(colours: Field) -> Pixels:
    """Return *colours* (..., 3 L*a*b*, D65) as 8-bit sRGB, clipped to what sRGB can show."""
    y = (colours[..., 0] + 16) / 116
    root = np.stack([y + colours[..., 1] / 500, y, y - colours[..., 2] / 200], axis=-1)
    xyz = np.where(root > 0.2069, root**3, (root - 16 / 116) / 7.787) * _WHITE_D65
    return encode_srgb((xyz @ _XYZ_TO_RGB.T).clip(0, 1).astype(np.float32))
