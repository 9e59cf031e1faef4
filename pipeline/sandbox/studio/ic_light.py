"""ic-light: the subject relit from one side, before a background that the prompt's words suggest."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.sandbox.studio.chance import Chance, chance_from
from pipeline.sandbox.studio.color import Field, Pixels
from pipeline.sandbox.studio.cutout import Cutout, cut_out
from pipeline.sandbox.studio.encode import Edited, finish
from pipeline.sandbox.studio.fields import coordinates, grid_size, resize_pixels
from pipeline.sandbox.studio.light import DIRECTIONS, GRID
from pipeline.sandbox.studio.palette import mood_of
from pipeline.sandbox.studio.reframe import cover
from pipeline.sandbox.studio.scene import paint
from pipeline.sandbox.studio.scenecraft import horizon_behind
from pipeline.sandbox.studio.source import fit_within, input_pixels, open_photo
from pipeline.sandbox.studio.stage import Look, Placed, combine, lamp_for

_RENDERED = 2_400_000
"""Pixels that are really rendered; a larger `highres_scale` enlarges from there."""

_SOURCES = {
    "None": "front",
    "Left Light": "left",
    "Right Light": "right",
    "Top Light": "top",
    "Bottom Light": "bottom",
}


def relight(settings: Mapping[str, Any], images: Mapping[str, bytes]) -> list[Edited]:
    """Relight `subject_image` from `light_source`; `number_of_images` pictures with seeds counted up from `seed`.

    The subject is cropped to `width` x `height` round its middle and the answer is `highres_scale` times
    that.  `cfg` deepens the prompt's colour and contrast, `lowres_denoise` is how far the old light gives way.
    `steps` and `highres_denoise` change nothing that could be seen here.
    """
    share = float(settings["highres_scale"])
    size = (round(int(settings["width"]) * share), round(int(settings["height"]) * share))
    whole = cut_out(open_photo(images["subject_image"], "subject_image", input_pixels(size)))
    rendered = fit_within(size, _RENDERED)
    found = whole.through(lambda layer: cover(layer, rendered))
    first = int(settings["seed"])
    kind, quality = settings["output_format"], int(settings["output_quality"])
    return [
        finish(resize_pixels(_sample(found, settings, seed), size), kind, quality, seed=seed)
        for seed in range(first, first + int(settings["number_of_images"]))
    ]


def _sample(found: Cutout, settings: Mapping[str, Any], seed: int) -> Pixels:
    chance = chance_from(seed)
    source = _SOURCES.get(settings.get("light_source") or "None", "front")
    towards = _jittered(DIRECTIONS[source], chance)
    words = f"{settings['prompt']} {settings.get('appended_prompt') or ''}"
    mood = mood_of(words, settings.get("negative_prompt") or "")
    heed = 0.55 + 0.45 * (1 - np.exp(-(float(settings["cfg"]) - 1) / 3))
    tint = (1 + (mood.light - 1) * heed).astype(np.float32)
    backdrop = found.rgb
    if found.sure:
        backdrop = paint(mood, found.size, horizon_behind(found.box, found.size), towards[0], chance)
    lamp = lamp_for(towards, tint, key=(1.0 + 0.35 * heed) * mood.level, fill=0.30 * mood.level)
    look = Look(relit=float(settings["lowres_denoise"]), cast=0.55, contact=0.7, wrap=0.10)
    return combine(Placed(found.own, found.alpha), backdrop, lamp, look, _wall(found.size, towards, float(heed)))


def _jittered(towards: tuple[float, float, float], chance: Chance) -> tuple[float, float, float]:
    """Return *towards* moved a little: no two photographs have their lamp in quite the same place."""
    moved = np.array(towards) + chance.normal(0, 0.06, 3)
    x, y, z = moved / np.linalg.norm(moved)
    return float(x), float(y), float(z)


def _wall(size: tuple[int, int], towards: tuple[float, float, float], heed: float) -> Field:
    """Return the backdrop's gain: brighter towards the lamp."""
    x, y = coordinates(grid_size(size, GRID))
    slope = np.exp(0.75 * heed * (x * towards[0] + y * towards[1]))
    return np.asarray(slope[..., None], np.float32)
