"""segmind-scenecraft-v01: the product cut out and placed on a calm set whose colours come from the prompt."""

import math
import re
from collections.abc import Mapping
from typing import Any

from pipeline.sandbox.studio.chance import chance_from
from pipeline.sandbox.studio.cutout import cut_out
from pipeline.sandbox.studio.encode import Edited, finish
from pipeline.sandbox.studio.fields import resize_pixels
from pipeline.sandbox.studio.palette import mood_of
from pipeline.sandbox.studio.scene import paint
from pipeline.sandbox.studio.source import input_pixels, open_photo
from pipeline.sandbox.studio.stage import Box, Look, combine, lamp_for, lay_out


def place(settings: Mapping[str, Any], images: Mapping[str, bytes]) -> list[Edited]:
    """Place `image` at `x_value`, `y_value` (per cent, the product's centre) at `scale` of the shorter side.

    The canvas is `aspect_ratio` by `megapixel`; `upscale` doubles both of its sides.  `guidance_scale` and
    `steps` change nothing that could be seen here.
    """
    size = canvas_size(settings["aspect_ratio"], settings["megapixel"])
    found = cut_out(open_photo(images["image"], "image", input_pixels(size)))
    box = product_box(found.box, size, settings)
    seed = int(settings["seed"])
    chance = chance_from(seed)
    mood = mood_of(settings["prompt"], settings.get("negative_prompt") or "")
    side = float(chance.choice([-1.0, 1.0]))
    set_ = paint(mood, size, horizon_behind(box, size), side, chance)
    towards = (0.62 * side, -0.5, 0.6)
    shadows = 1.0 if settings["dropshadow"] else 0.0
    look = Look(relit=0.8, cast=0.72 * shadows, contact=0.85 * shadows, wrap=0.10)
    lamp = lamp_for(towards, mood.light, key=0.95 * mood.level, fill=0.42 * mood.level)
    pixels = combine(lay_out(found, size, box), set_, lamp, look)
    if settings["upscale"]:
        pixels = resize_pixels(pixels, (2 * size[0], 2 * size[1]))
    return [finish(pixels, settings["image_format"], int(settings["image_quality"]), seed=seed)]


def canvas_size(aspect_ratio: str, megapixel: float | str) -> tuple[int, int]:
    """Return (width, height) for a label such as "16:9 (Panorama)": *megapixel* million pixels, sides in eights."""
    sides = re.match(r"\s*(\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)", aspect_ratio)
    wide, high = (float(sides[1]), float(sides[2])) if sides else (1.0, 1.0)
    pixels = float(megapixel) * 1e6
    width, height = math.sqrt(pixels * wide / high), math.sqrt(pixels * high / wide)
    return max(8, 8 * round(width / 8)), max(8, 8 * round(height / 8))


def product_box(trimmed: Box, canvas: tuple[int, int], settings: Mapping[str, Any]) -> Box:
    """Return where the product stands, in pixels; it may reach over the canvas, as the numbers ask."""
    width, height = trimmed[2] - trimmed[0], trimmed[3] - trimmed[1]
    share = float(settings["scale"]) * min(canvas) / max(width, height)
    wide, high = max(1, round(width * share)), max(1, round(height * share))
    left = round(canvas[0] * float(settings["x_value"]) / 100 - wide / 2)
    top = round(canvas[1] * float(settings["y_value"]) / 100 - high / 2)
    return left, top, left + wide, top + high


def horizon_behind(box: Box, canvas: tuple[int, int]) -> float:
    """Return where wall and floor meet, 0..1 from the top: a little above the product's foot."""
    foot, high = box[3] / canvas[1], (box[3] - box[1]) / canvas[1]
    return min(0.86, max(0.12, foot - max(0.06, 0.30 * high)))
