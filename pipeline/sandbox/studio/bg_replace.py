"""bg-replace: the product stays where it is, the reference picture becomes its background."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from pipeline.sandbox.studio.chance import Chance, chance_from
from pipeline.sandbox.studio.color import LUMA, Field, Pixels
from pipeline.sandbox.studio.cutout import Cutout, cut_out
from pipeline.sandbox.studio.encode import Edited, finish
from pipeline.sandbox.studio.palette import mood_of
from pipeline.sandbox.studio.reframe import cover
from pipeline.sandbox.studio.source import Photo, open_photo
from pipeline.sandbox.studio.stage import Look, Placed, ambience, combine, lamp_for, lay_out

_QUALITY = 95


def replace(settings: Mapping[str, Any], images: Mapping[str, bytes]) -> list[Edited]:
    """Put `ref_image` behind the product of `image`; `samples` pictures, each with its own crop and light.

    `strength` mixes from the old background to the new; `ip_adapter_weight` from the prompt's colours to the
    reference's; `cn_weight` keeps the product's edge and colour as they were.  The answer is JPEG, in the
    size of `image` up to 2.1 megapixels.  Scheduler and steps change nothing that could be seen here.
    """
    found = cut_out(open_photo(images["image"], "image"))
    reference = open_photo(images["ref_image"], "ref_image")
    first = int(settings["seed"])
    seeds = range(first, first + int(settings["samples"]))
    return [finish(_sample(found, reference, settings, seed), "jpeg", _QUALITY, seed=seed) for seed in seeds]


def _sample(found: Cutout, reference: Photo, settings: Mapping[str, Any], seed: int) -> Pixels:
    chance = chance_from(seed)
    backdrop = _backdrop(reference.rgb, found.size, chance)
    cast, side = ambience(backdrop)
    backdrop = _mixed(found.rgb, backdrop, float(settings["strength"])) if found.sure else backdrop
    keep = float(settings["cn_weight"])
    look = Look(relit=0.45 + 0.4 * (1 - keep), cast=0.42, contact=0.75, wrap=0.12 + 0.4 * (1 - keep))
    tint = 1 + (cast - 1) * (0.22 + 0.25 * (1 - keep))
    lamp = lamp_for((0.8 * side, -0.45, 0.6), tint.astype(np.float32), key=0.92, fill=0.45)
    return combine(_standing(found), backdrop, lamp, look, _prompt_wall(settings, chance))


def _standing(found: Cutout) -> Placed:
    """Return the product in its place; a picture whose product was not found becomes a card, three quarters high."""
    if found.sure:
        return Placed(found.own, found.alpha)
    width, height = found.size
    wide, high = max(1, round(0.76 * width)), max(1, round(0.76 * height))
    left, top = (width - wide) // 2, (height - high) // 2
    return lay_out(found, found.size, (left, top, left + wide, top + high))


def _backdrop(reference: Pixels, size: tuple[int, int], chance: Chance) -> Pixels:
    """Return *reference* covering *size*, a little larger and shifted at random, gently out of focus."""
    zoom = 1 + chance.uniform(0.0, 0.10)
    larger = (max(1, round(size[0] * zoom)), max(1, round(size[1] * zoom)))
    wide = Image.fromarray(cover(reference, larger))
    left = int(chance.integers(0, larger[0] - size[0] + 1))
    top = int(chance.integers(0, larger[1] - size[1] + 1))
    part = wide.crop((left, top, left + size[0], top + size[1]))
    return np.asarray(part.filter(ImageFilter.GaussianBlur(max(size) / 260)))


def _mixed(old: Pixels, new: Pixels, strength: float) -> Pixels:
    return np.asarray(Image.blend(Image.fromarray(old), Image.fromarray(new), strength))


def _prompt_wall(settings: Mapping[str, Any], chance: Chance) -> Field:
    """Return the gain (1, 1, 3) by which the prompt's colours tint the reference, and a small change of exposure."""
    mood = mood_of(settings["prompt"], settings.get("negative_prompt") or "")
    colour = mood.wall * mood.light
    hue = colour / max(1e-3, float(colour @ LUMA))
    heed = (1 - float(settings["ip_adapter_weight"])) * min(1.0, float(settings["guidance_scale"]) / 10)
    gain = (1 + 0.55 * heed * (hue - 1)) * (1 + heed * (mood.level - 1)) * chance.uniform(0.94, 1.06)
    return np.asarray(gain, np.float32).reshape(1, 1, 3)
