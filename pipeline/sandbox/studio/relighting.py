"""segmind-relighting-v2: the same photograph under another lamp."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.sandbox.studio import shadow
from pipeline.sandbox.studio.color import Field, Pixels, linear_light
from pipeline.sandbox.studio.composite import compose
from pipeline.sandbox.studio.cutout import Cutout, cut_out
from pipeline.sandbox.studio.encode import Edited, finish
from pipeline.sandbox.studio.fields import grid_size, resize_pixels
from pipeline.sandbox.studio.light import (
    COLOURS,
    DIRECTIONS,
    FILLS,
    GRID,
    KINDS,
    STRENGTHS,
    Lamp,
    Lighting,
    evened,
    light_set,
)
from pipeline.sandbox.studio.normals import Surface, inflate
from pipeline.sandbox.studio.reframe import contain, cover, fits
from pipeline.sandbox.studio.source import open_photo

_DETAIL = {"high": 1.0, "medium": 0.7, "low": 0.45}
"""Share of the output's resolution that is really rendered at each quality."""


def relight(settings: Mapping[str, Any], images: Mapping[str, bytes]) -> list[Edited]:
    """Relight `image` as `light_direction`, `light_type`, `light_temperature`, `light_intensity` say.

    `size` auto keeps the input's size up to 2.1 megapixels; another size crops, or extends the backdrop
    when a crop would cut the product.  `background` transparent leaves the product alone, with alpha.
    """
    found = _framed(cut_out(open_photo(images["image"], "image")), settings["size"])
    pixels = _lit(_rendered(found, settings["quality"]), lamp_of(settings))
    pixels = resize_pixels(pixels, found.size)
    alpha = found.alpha if settings["background"] == "transparent" else None
    return [finish(pixels, settings["output_format"], int(settings["output_compression"]), alpha=alpha)]


def lamp_of(settings: Mapping[str, Any]) -> Lamp:
    """Return the lamp that the four lighting parameters describe."""
    temperature = settings["light_temperature"]
    return Lamp(
        DIRECTIONS[settings["light_direction"]],
        KINDS[settings["light_type"]],
        STRENGTHS[settings["light_intensity"]],
        COLOURS[temperature],
        FILLS[temperature],
    )


def _framed(found: Cutout, size: str) -> Cutout:
    """Bring the picture to *size*, "1536x1024" or "auto"."""
    if size == "auto":
        return found
    width, height = (int(side) for side in size.split("x"))
    left, top, right, bottom = found.box
    wide, high = found.size
    box = (left / wide, top / high, right / wide, bottom / high)
    if found.sure and fits(found.size, (width, height), box):
        centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        return found.through(lambda layer: cover(layer, (width, height), centre))
    return found.through(lambda layer: contain(layer, (width, height), plain=found.plain))


def _rendered(found: Cutout, quality: str) -> Cutout:
    share = _DETAIL[quality]
    if share == 1:
        return found
    size = (max(1, round(found.size[0] * share)), max(1, round(found.size[1] * share)))
    return found.through(lambda layer: resize_pixels(layer, size))


def _lit(found: Cutout, lamp: Lamp) -> Pixels:
    grid = grid_size(found.size, GRID)
    linear = linear_light(resize_pixels(found.rgb, grid))
    mask = found.mask(GRID)
    if not found.sure:  # a flat picture shows direction by fading alone
        lamp = replace(lamp, kind=replace(lamp.kind, falloff=max(0.9, lamp.kind.falloff)))
    surface = inflate(mask, 1.25) if found.sure else _sheet(mask)
    shadows = _shadows(lamp, mask) if found.sure else np.ones_like(mask)
    lighting = light_set(lamp, mask if found.sure else mask * 0, surface, shadows)
    if not found.sure:
        lighting = Lighting(lighting.backdrop, lighting.backdrop, lighting.added)
    even = evened(linear, mask, 0.45)[..., None]
    lighting = Lighting(lighting.product * even, lighting.backdrop, lighting.added)
    return compose(found.own, found.set, found.alpha, lighting)


def _sheet(mask: Field) -> Surface:
    """Return the normals of a flat sheet facing the camera: what a picture without a found product is."""
    nothing = np.zeros_like(mask)
    return Surface(nothing, nothing, np.ones_like(mask))


def _shadows(lamp: Lamp, mask: Field) -> Field:
    kind = lamp.kind
    return shadow.cast(mask, lamp.towards, kind.shadow, kind.hardness) * shadow.contact(mask, 0.35)
