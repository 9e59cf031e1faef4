"""Shadows on the set: cast by a lamp onto the floor, and the dark line where a product stands.

Shadows are (height, width) fields on the light grid: 1 where nothing is shaded, towards 0 in shadow.
"""

import numpy as np
from PIL import Image

from pipeline.sandbox.studio.color import Field, as_field
from pipeline.sandbox.studio.fields import blur
from pipeline.sandbox.studio.region import box_of


def cast(mask: Field, towards: tuple[float, float, float], depth: float, hardness: float) -> Field:
    """Return the shadow of *mask* (height, width) on a floor that runs towards the camera.

    *towards* points to the lamp, x right, y down, z towards the camera; *depth* is how dark it is and
    *hardness* how sharp, both 0..1.
    """
    box = box_of(mask > 0.5)  # noqa: PLR2004 - half covered
    if box is None or depth <= 0:
        return np.ones_like(mask)
    thrown = _thrown(mask, box, towards)
    tall = max(box[2] - box[0], box[3] - box[1])
    soft = tall * (0.005 + 0.07 * (1 - hardness))
    return as_field(1 - depth * _widening(thrown, box[3], soft))


def _thrown(mask: Field, box: tuple[int, int, int, int], towards: tuple[float, float, float]) -> Field:
    """Lay the outline down on the floor: hinged at its base, leaning away from the lamp."""
    top, bottom = box[1], box[3]
    lean = -1.25 * towards[0]
    squash = 0.30 + 0.2 * max(0.0, -towards[1] - 0.3)
    if towards[2] < 0:  # from behind it falls towards the camera
        squash = -0.55
    reach = squash if abs(towards[0]) > 0.3 or towards[2] < 0 else 0.16  # noqa: PLR2004 - clearly from the side
    base = bottom - 0.035 * (bottom - top)  # the foot of a round thing is in front of its middle
    # Output (x, y) shows the mask at (x - lean * h, base - h) where h = (base - y) / reach.
    k = 1 / reach
    matrix = (1, lean * k, -lean * k * base, 0, k, base - k * base)
    picture = Image.fromarray((mask * 255).astype(np.uint8))
    moved = picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(moved).astype(np.float32) / 255


def _widening(thrown: Field, base: int, soft: float) -> Field:
    """Blur the shadow more, and thin it, the farther it is from the foot of the product."""
    rows = np.arange(thrown.shape[0], dtype=np.float32)
    far = np.clip(np.abs(rows - base) / max(1.0, thrown.shape[0] * 0.35), 0, 1)[:, None]
    near, wide = blur(thrown, soft), blur(thrown, 2.6 * soft + 1)
    return as_field((near * (1 - far) + wide * far) * (1 - 0.35 * far))


def contact(mask: Field, depth: float) -> Field:
    """Return the dark, soft line under the lowest parts of *mask* (height, width), *depth* 0..1."""
    box = box_of(mask > 0.5)  # noqa: PLR2004 - half covered
    if box is None:
        return np.ones_like(mask)
    left, top, right, bottom = box
    height = bottom - top
    foot = np.zeros_like(mask)
    start = max(top, round(bottom - 0.10 * height))
    foot[start:bottom] = mask[start:bottom]
    small = max(1.0, 0.012 * max(right - left, height))
    down = round(1.2 * small)
    foot = np.roll(foot, down, axis=0)
    foot[:down] = 0
    dark = np.maximum(0.85 * blur(foot, small), 0.6 * blur(foot, 3.5 * small))
    return as_field(1 - depth * np.clip(dark, 0, 1))
