"""Put a cut-out product on a set: lay it out on the canvas, light it like the set, give it its shadows."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipeline.sandbox.studio import shadow
from pipeline.sandbox.studio.color import LUMA, Field, Pixels, linear_light
from pipeline.sandbox.studio.composite import compose
from pipeline.sandbox.studio.cutout import Cutout
from pipeline.sandbox.studio.fields import blur, grid_size, resize_pixels
from pipeline.sandbox.studio.light import FILLS, GRID, KINDS, Lamp, Lighting, Strength, evened, light_set
from pipeline.sandbox.studio.normals import inflate

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """A product on a canvas: `rgb` (height, width, 3) its own colours, `alpha` (height, width) where it is."""

    rgb: Pixels
    alpha: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


@dataclass(frozen=True, slots=True)
class Look:
    """How the product joins the set: amounts 0..1.

    `relit` how far the lamp replaces the light it had, `cast` and `contact` how dark its shadows are,
    `wrap` how much of the set's light spills over its edge.
    """

    relit: float
    cast: float
    contact: float
    wrap: float


def lay_out(found: Cutout, size: tuple[int, int], box: Box) -> Placed:
    """Return *found*, trimmed, filling *box* (left, top, right, bottom) on a canvas of *size* (width, height)."""
    left, top, right, bottom = box
    layer = np.dstack([found.own, found.alpha])[found.box[1] : found.box[3], found.box[0] : found.box[2]]
    target = (max(1, right - left), max(1, bottom - top))
    picture = Image.fromarray(np.ascontiguousarray(layer)).resize(target, Image.Resampling.BICUBIC, reducing_gap=2.0)
    canvas = Image.new("RGBA", size, (0, 0, 0, 0))
    canvas.paste(picture, (left, top))
    pixels = np.asarray(canvas)
    return Placed(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]))


def lamp_for(towards: tuple[float, float, float], colour: Field, key: float, fill: float) -> Lamp:
    """Return a soft lamp of linear *colour* (3,) for a set."""
    red, green, blue = (float(part) for part in colour)
    return Lamp(towards, KINDS["softbox"], Strength(key, fill), (red, green, blue), FILLS["neutral"])


def combine(product: Placed, backdrop: Pixels, lamp: Lamp, look: Look, wall: Field | None = None) -> Pixels:
    """Return *product* before *backdrop* (height, width, 3) under *lamp*; *wall* is a further gain of the backdrop.

    The backdrop is taken as already lit: it only receives the shadows and *wall*, (grid, grid, 3).
    """
    grid = grid_size(product.size, GRID)
    mask = resize_pixels(product.alpha, grid).astype(np.float32) / 255
    lighting = light_set(lamp, mask, inflate(mask, 1.2), np.ones_like(mask))
    gain = _relit(lighting.product, product, mask, look.relit)
    dark = shadow.cast(mask, lamp.towards, look.cast, 0.72) * shadow.contact(mask, look.contact)
    behind = np.broadcast_to(dark[..., None], (*mask.shape, 3)) * (1.0 if wall is None else wall)
    spill = _wrapped(resize_pixels(backdrop, grid), mask, look.wrap)
    joined = Lighting(gain.astype(np.float32), behind.astype(np.float32), spill)
    return compose(product.rgb, backdrop, product.alpha, joined)


def _relit(gain: Field, product: Placed, mask: Field, amount: float) -> Field:
    """Mix *gain* with none at all, after taking out part of the light the product came with."""
    linear = linear_light(resize_pixels(product.rgb, (mask.shape[1], mask.shape[0])))
    even = evened(linear, mask, 0.35)[..., None]
    return (gain * even) * amount + (1 - amount)


def _wrapped(backdrop: Pixels, mask: Field, amount: float) -> Field:
    """Return the backdrop's light that creeps over the product's edge."""
    if not amount:
        return np.zeros((*mask.shape, 3), np.float32)
    radius = max(mask.shape) / 70
    around = blur(linear_light(backdrop) * (1 - mask)[..., None], radius)
    return (amount * around * mask[..., None]).astype(np.float32)


def ambience(pixels: Pixels) -> tuple[Field, float]:
    """Return the colour cast (3,), luminance 1, of *pixels* and where their light comes from, -1 left .. 1 right."""
    linear = linear_light(resize_pixels(pixels, grid_size((pixels.shape[1], pixels.shape[0]), 64)))
    mean = linear.reshape(-1, 3).mean(axis=0)
    cast = (mean + 0.02) / float((mean + 0.02) @ LUMA)
    columns = (linear @ LUMA).mean(axis=0)
    half = max(1, len(columns) // 2)
    left, right = float(columns[:half].mean()), float(columns[-half:].mean())
    return cast.astype(np.float32), float(np.clip(2.5 * (right - left) / (right + left + 1e-3), -1, 1))
