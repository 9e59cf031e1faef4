"""seg-swap: the object into the mask's region, under the room's own light; nothing else changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image

from pipeline.sandbox.studio.chance import Chance, chance_from
from pipeline.sandbox.studio.color import LUMA, Field, Pixels, encode_srgb, linear_light
from pipeline.sandbox.studio.composite import strips
from pipeline.sandbox.studio.cutout import Cutout, cut_out
from pipeline.sandbox.studio.encode import Edited, finish
from pipeline.sandbox.studio.fields import blur, grid_size, resize, resize_pixels
from pipeline.sandbox.studio.inpaint import filled
from pipeline.sandbox.studio.reach import grown_round, inward
from pipeline.sandbox.studio.region import Region, box_of, pieces
from pipeline.sandbox.studio.source import Photo, open_photo

_LARGEST = 4_200_000
_FEATHER = 2.0
_STRETCH = 1.25
_APART = 0.93
_HALF = 127
_ALIKE = 8


@dataclass(frozen=True, slots=True)
class Layers:
    """What is mixed inside the region's box, all (height, width, ...): the room, what is behind, the object.

    `behind` is the room with its old object painted over; `cover` is 0..255 where the new object is;
    `edge` 0..1 fades the change out towards the region's border; `shade` is the room's light, about 1.
    """

    room: Pixels
    behind: Pixels
    new: Pixels
    cover: Pixels
    edge: Field
    shade: Field


def swap(settings: Mapping[str, Any], images: Mapping[str, bytes]) -> list[Edited]:
    """Put `object_image` where `mask_image` is white in `main_image`.

    The region is grown by `growmask` pixels.  `horizontal_repeat` x `vertical_repeat` objects tile its box.
    `subject_strength` mixes from the room as it was to the swap; `fashion_strength` from the old surface in
    the object's colour to the object itself.  The answer has the size of `main_image`, up to 4.2 megapixels.
    `steps` and `prompt` change nothing that could be seen here.
    """
    main = open_photo(images["main_image"], "main_image", _LARGEST)
    region = _region(open_photo(images["mask_image"], "mask_image", _LARGEST), main.size, int(settings["growmask"]))
    new = cut_out(open_photo(images["object_image"], "object_image"))
    seed = int(settings["seed"])
    pixels = _swapped(main.rgb, region, new, settings, chance_from(seed))
    kind, quality = settings["image_format"], int(settings["image_quality"])
    return [finish(pixels, kind, quality, alpha=main.alpha, seed=seed)]


def _region(mask: Photo, size: tuple[int, int], growth: int) -> Region:
    """Return the white of *mask* (or what is opaque, in a mask drawn by transparency), grown, at *size*."""
    levels = np.asarray(Image.fromarray(mask.rgb).convert("L"))
    if mask.alpha is not None and _one_colour(mask.rgb[mask.alpha > _HALF]):
        levels = mask.alpha
    return grown_round(resize_pixels(levels, size, sharp=False) > _HALF, growth)


def _one_colour(colours: Pixels) -> bool:
    """Whether *colours* (n, 3) are all about the same."""
    return len(colours) == 0 or int(np.ptp(colours, axis=0).max()) <= _ALIKE


def _swapped(room: Pixels, region: Region, new: Cutout, settings: Mapping[str, Any], chance: Chance) -> Pixels:
    box = box_of(region)
    if box is None:
        return room
    left, top, right, bottom = box
    part = slice(top, bottom), slice(left, right)
    inside = region[part]
    repeats = int(settings["horizontal_repeat"]), int(settings["vertical_repeat"])
    layer = _tiled(new, (right - left, bottom - top), repeats)
    around = filled(room, region, box)
    layers = Layers(
        room=room[part], behind=around, new=layer[..., :3], cover=layer[..., 3],
        edge=inward(inside, _FEATHER), shade=_shade(room, region, box),
    )  # fmt: skip
    light = chance.normal(1, 0.025) * (1 + chance.normal(0, 0.012) * np.array([1, 0, -1], np.float32))
    out = room.copy()
    out[part] = _mixed(layers, settings, light.astype(np.float32))
    return out


def _tiled(new: Cutout, size: tuple[int, int], repeats: tuple[int, int]) -> Pixels:
    """Return (height, width, 4): *new* repeated (across, down) over a box of *size* (width, height)."""
    across, down = repeats
    tile = _tile(new, repeats)
    canvas = Image.new("RGBA", size)
    columns = [round(n * size[0] / across) for n in range(across + 1)]
    rows = [round(n * size[1] / down) for n in range(down + 1)]
    for left, right in pairwise(columns):
        for top, bottom in pairwise(rows):
            if right > left and bottom > top:
                fitted = _fitted(tile, (right - left, bottom - top), repeats, whole=_is_thing(new, repeats))
                canvas.paste(fitted, (left + (right - left - fitted.width) // 2, bottom - fitted.height))
    return np.asarray(canvas)


def _is_thing(new: Cutout, repeats: tuple[int, int]) -> bool:
    """Whether the picture shows a thing to cut out rather than a surface to lay on.

    A thing stands on a plain sweep or in transparency; tiled, it is one thing or a pair, or else a pattern.
    """
    few = max(repeats) == 1 or pieces(new.mask(128) > 0.5).count <= 2  # noqa: PLR2004 - half covered; a pair
    return new.sure and new.plain and few


def _tile(new: Cutout, repeats: tuple[int, int]) -> Image.Image:
    if not _is_thing(new, repeats):
        return Image.fromarray(new.rgb).convert("RGBA")
    left, top, right, bottom = new.box
    return Image.fromarray(np.dstack([new.own, new.alpha])[top:bottom, left:right])


def _fitted(tile: Image.Image, cell: tuple[int, int], repeats: tuple[int, int], *, whole: bool) -> Image.Image:
    """Return *tile* filling *cell*; a *whole* thing keeps its proportions but for a quarter, a pattern is stretched.

    Things side by side keep a little distance, patterns none.
    """
    if not whole:
        return tile.resize(cell, Image.Resampling.BICUBIC, reducing_gap=2.0)
    wide, high = (side * (_APART if number > 1 else 1) for side, number in zip(cell, repeats, strict=True))
    share = min(wide / tile.width, high / tile.height)
    width = round(min(wide, tile.width * share * _STRETCH))
    height = round(min(high, tile.height * share * _STRETCH))
    return tile.resize((max(1, width), max(1, height)), Image.Resampling.BICUBIC, reducing_gap=2.0)


def _shade(room: Pixels, region: Region, box: tuple[int, int, int, int]) -> Field:
    """Return the room's light over *box* on a small grid, about 1: slow changes of brightness, no colour."""
    grid = grid_size((room.shape[1], room.shape[0]), 192)
    bright = linear_light(resize_pixels(room, grid)) @ LUMA + 0.01
    slow = blur(bright, max(grid) / 14)
    inside = resize_pixels(region.astype(np.uint8) * 255, grid) > 0
    level = float(np.median(slow[inside])) if inside.any() else float(np.median(slow))
    shade = np.clip((slow / level) ** 0.6, 0.55, 1.6).astype(np.float32)
    left, top, right, bottom = box
    share = grid[0] / room.shape[1], grid[1] / room.shape[0]
    part = (left * share[0], top * share[1], right * share[0], bottom * share[1])
    return resize(shade, grid_size((right - left, bottom - top), 192), part)


def _mixed(layers: Layers, settings: Mapping[str, Any], light: Field) -> Pixels:
    out = np.empty_like(layers.room)
    height, width = layers.cover.shape
    colour = _mean_colour(layers)
    share = layers.shade.shape[0] / height
    for top, bottom in strips(width, height):
        box = (0.0, top * share, float(layers.shade.shape[1]), min(float(layers.shade.shape[0]), bottom * share))
        shade = resize(layers.shade, (width, bottom - top), box)[..., None] * light
        out[top:bottom] = _strip(layers, slice(top, bottom), shade, colour, settings)
    return out


def _strip(layers: Layers, rows: slice, shade: Field, colour: Field, settings: Mapping[str, Any]) -> Pixels:
    fashion, subject = float(settings["fashion_strength"]), float(settings["subject_strength"])
    room = linear_light(layers.room[rows])
    bright = (room @ LUMA)[..., None]
    new = linear_light(layers.new[rows]) * shade
    new = fashion * new + (1 - fashion) * colour * bright
    cover = layers.cover[rows][..., None].astype(np.float32) / 255
    mixed = cover * new + (1 - cover) * linear_light(layers.behind[rows])
    amount = layers.edge[rows][..., None] * subject
    pixels = encode_srgb((room + amount * (mixed - room)).astype(np.float32))
    return np.where(amount > 0, pixels, layers.room[rows])


def _mean_colour(layers: Layers) -> Field:
    """Return the object's mean colour (3,) at luminance 1."""
    here = layers.cover > _HALF
    mean = linear_light(layers.new[here]).mean(axis=0) if here.any() else np.ones(3, np.float32)
    return np.asarray(mean / max(1e-3, float(mean @ LUMA)), np.float32)
