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

_HALF_AWAY = 26
"""Codes of difference from the backdrop that count half as much as the largest difference."""


def coverage(photo: Photo, subject: Subject) -> Pixels:
    """Return how much of each pixel of *photo* is product: (height, width), 0..255; all 255 when unsure."""
    height, width = photo.rgb.shape[:2]
    if photo.alpha is not None:
        return photo.alpha
    if not subject.sure:
        return np.full((height, width), 255, np.uint8)
    if subject.backdrop is None:
        return _along_edges(_separating(photo.rgb, subject), subject, outwards=_REACH, softness=3e-3)
    key = _from_backdrop(photo.rgb, subject.backdrop)
    soft = _along_edges(key, subject, outwards=2, softness=4e-4)
    surely = _enlarged(shrunk(subject.region, 1), (width, height))
    seen = np.asarray(Image.fromarray(key).point([min(255, 3 * n) for n in range(256)]))
    covered: Pixels = np.minimum(soft, np.maximum(surely, seen))
    return covered


def _from_backdrop(rgb: Pixels, backdrop: Pixels) -> Pixels:
    """Return the largest channel difference from the empty *backdrop*, stretched: small differences decide."""
    empty = Image.fromarray(resize_pixels(backdrop, (rgb.shape[1], rgb.shape[0]), sharp=False))
    red, green, blue = ImageChops.difference(Image.fromarray(rgb), empty).split()
    away = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return np.asarray(away.point([round(255 * (1 - 2 ** (-n / _HALF_AWAY))) for n in range(256)]))


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
    mixture = Image.fromarray(rgb).convert("L", matrix=tuple(matrix))
    return np.asarray(mixture.filter(ImageFilter.GaussianBlur(min(rgb.shape[:2]) / 900)))


def _along_edges(guide: Pixels, subject: Subject, outwards: int, softness: float) -> Pixels:
    height, width = guide.shape
    rows, columns = subject.region.shape
    small = resize_pixels(guide, (columns, rows)).astype(np.float32) / 255
    gain, offset = coefficients(small, subject.region.astype(np.float32), radius=_REACH, softness=softness)
    soft = resize(gain, (width, height)) * (guide.astype(np.float32) / 255)
    soft += resize(offset, (width, height))
    soft -= 0.5
    soft *= 1.5 * 255
    soft += 0.5 * 255
    fine = soft.clip(0, 255).astype(np.uint8)
    sure_in = _enlarged(shrunk(subject.region, _REACH), (width, height))
    maybe = _enlarged(grown(subject.region, outwards), (width, height))
    return np.minimum(np.maximum(fine, sure_in), maybe)


def _enlarged(region: Field | np.ndarray, size: tuple[int, int]) -> Pixels:
    return resize_pixels(region.astype(np.uint8) * 255, size, sharp=False)


def own_colours(rgb: Pixels, alpha: Pixels) -> Pixels:
    """Return *rgb* with the backdrop's colour washed out of the edge: (height, width, 3).

    Colours of the inside, two pixels and more from the edge, are carried outwards over it, so that a
    product cut from a white sweep has no white fringe on a dark set.
    """
    whole = Image.fromarray(alpha).point([0 if n < 250 else 255 for n in range(256)])  # noqa: PLR2004 - covered
    core = whole.filter(ImageFilter.BoxBlur(2)).point([0] * 255 + [255]) if min(alpha.shape) > 48 else whole  # noqa: PLR2004 - not a dot
    if core.getbbox() is None:
        return rgb
    reach = ImageFilter.BoxBlur(max(3.0, min(alpha.shape) / 200))
    picture = Image.fromarray(rgb)
    inside = Image.composite(picture, Image.new("RGB", picture.size), core)
    blurred, weight = np.asarray(inside.filter(reach)), np.asarray(core.filter(reach))
    edge = (np.asarray(core) == 0) & (weight > 3) & (alpha > 0)  # noqa: PLR2004 - enough of the inside in reach
    carried = rgb.copy()
    spread = blurred[edge].astype(np.float32) * (255 / weight[edge].astype(np.float32))[:, None]
    carried[edge] = spread.clip(0, 255).astype(np.uint8)
    return carried
