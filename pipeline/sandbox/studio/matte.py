"""From a coarse mask to a clean edge: soft coverage at full resolution, and the product's own colours there."""

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from pipeline.sandbox.studio.color import Field, Pixels
from pipeline.sandbox.studio.fields import resize, resize_pixels
from pipeline.sandbox.studio.guided import coefficients
from pipeline.sandbox.studio.mask import Subject
from pipeline.sandbox.studio.region import grown, shrunk
from pipeline.sandbox.studio.source import Photo

_REACH = 3
"""Cells of the probe grid on either side of the coarse edge within which the fine edge may lie."""


def coverage(photo: Photo, subject: Subject) -> Pixels:
    """Return how much of each pixel of *photo* is product: (height, width), 0..255; all 255 when unsure."""
    height, width = photo.rgb.shape[:2]
    if photo.alpha is not None:
        return photo.alpha
    if not subject.sure:
        return np.full((height, width), 255, np.uint8)
    guide = _from_sweep(photo.rgb, subject.sweep) if subject.sweep is not None else _separating(photo.rgb, subject)
    return _along_edges(guide, subject)


def _from_sweep(rgb: Pixels, sweep: Pixels) -> Pixels:
    """Return the largest channel difference from the empty backdrop, stretched: small differences decide."""
    backdrop = Image.fromarray(resize_pixels(sweep, (rgb.shape[1], rgb.shape[0]), sharp=False))
    red, green, blue = ImageChops.difference(Image.fromarray(rgb), backdrop).split()
    away = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return np.asarray(away.point([min(255, round(255 * (1 - 2 ** (-n / 40)))) for n in range(256)]))


def _separating(rgb: Pixels, subject: Subject) -> Pixels:
    """Return the one mixture of the channels that tells product from surroundings best (Fisher's)."""
    height, width = subject.region.shape
    probe = resize_pixels(rgb, (width, height)).astype(np.float64)
    near = grown(subject.region, 12)
    inside, outside = probe[subject.region], probe[near & ~subject.region]
    if len(inside) < 8 or len(outside) < 8:  # noqa: PLR2004 - too few for a covariance
        return np.asarray(Image.fromarray(rgb).convert("L"))
    scatter = np.cov(inside.T) + np.cov(outside.T) + 20 * np.eye(3)
    weights = np.linalg.solve(scatter, inside.mean(axis=0) - outside.mean(axis=0))
    weights /= np.abs(weights).sum() + 1e-9
    mixed = probe @ weights
    low, high = np.quantile(mixed, [0.01, 0.99])
    gain = 255 / max(1.0, high - low)
    matrix = [*(weights * gain), -low * gain]
    return np.asarray(Image.fromarray(rgb).convert("L", matrix=tuple(matrix)))


def _along_edges(guide: Pixels, subject: Subject) -> Pixels:
    height, width = guide.shape
    rows, columns = subject.region.shape
    small = resize_pixels(guide, (columns, rows)).astype(np.float32) / 255
    gain, offset = coefficients(small, subject.region.astype(np.float32), radius=_REACH, softness=4e-4)
    soft = resize(gain, (width, height)) * (guide.astype(np.float32) / 255)
    soft += resize(offset, (width, height))
    soft -= 0.5
    soft *= 1.5 * 255
    soft += 0.5 * 255
    fine = soft.clip(0, 255).astype(np.uint8)
    sure_in = _enlarged(shrunk(subject.region, _REACH), (width, height))
    maybe = _enlarged(grown(subject.region, _REACH), (width, height))
    return np.minimum(np.maximum(fine, sure_in), maybe)


def _enlarged(region: Field | np.ndarray, size: tuple[int, int]) -> Pixels:
    return resize_pixels(region.astype(np.uint8) * 255, size, sharp=False)


def own_colours(rgb: Pixels, alpha: Pixels) -> Pixels:
    """Return *rgb* with the backdrop's colour washed out of the half-covered edge: (height, width, 3).

    Colours of the fully covered inside are carried outwards over the edge, so that a product cut from a
    white sweep has no white fringe on a dark set.
    """
    core = Image.fromarray(alpha).point([0 if n < 250 else 255 for n in range(256)])  # noqa: PLR2004 - whole
    if core.getbbox() is None:
        return rgb
    reach = max(1.5, min(alpha.shape) / 256)
    picture = Image.fromarray(rgb)
    inside = Image.composite(picture, Image.new("RGB", picture.size), core)
    blurred = np.asarray(inside.filter(ImageFilter.GaussianBlur(reach)))
    weight = np.asarray(core.filter(ImageFilter.GaussianBlur(reach)))
    edge = (alpha < 250) & (weight > 3)  # noqa: PLR2004 - enough of the inside in reach
    carried = rgb.copy()
    spread = blurred[edge].astype(np.float32) * (255 / weight[edge].astype(np.float32))[:, None]
    carried[edge] = spread.clip(0, 255).astype(np.uint8)
    return carried
