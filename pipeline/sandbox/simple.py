"""A small, real edit for each endpoint, in a few milliseconds: enough to see that the right image came back.

Used when the studio is not wanted.  Knows nothing of jobs or HTTP: parameters and input bytes in, encoded
pictures out.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from pipeline.sandbox.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORKING_SIDE = 1024
DEFAULT_QUALITY = 90
_FORMATS = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "webp": "WEBP"}
_TINTS = {"warm": (255, 196, 120), "sunset": (255, 140, 90), "cool": (130, 180, 255), "neutral": (255, 255, 255)}
_GAINS = {"mood": 0.7, "medium": 0.9, "bright": 1.15, "strong": 1.35}
_ANGLES = {"top": 0, "left": 90, "back": 180, "bottom": 180, "right": 270}
"""Degrees by which a ramp that is bright at the top is turned (counter-clockwise)."""


def edit(slug: str, params: Mapping[str, Any], images: Mapping[str, bytes], seeds: list[int]) -> list[Picture]:
    """One picture for each of *seeds*; raises ValueError when an input cannot be decoded."""
    opened = {name: _opened(name, data) for name, data in images.items()}
    make = _EDITS.get(slug, _first)
    return [encoded(make(params, opened, seed), params, seed) for seed in seeds]


def encoded(image: Image.Image, params: Mapping[str, Any], seed: int | None = None) -> Picture:
    """*image* in the format and quality that *params* ask for (bg-replace has no such field: JPEG)."""
    kind = _FORMATS[str(params.get("output_format") or params.get("image_format") or "jpeg")]
    asked = (params.get(name) for name in ("output_quality", "image_quality", "output_compression"))
    quality = max(1, int(next((value for value in asked if value is not None), DEFAULT_QUALITY)))
    out = io.BytesIO()
    flat = image.convert("RGB") if kind == "JPEG" else image
    flat.save(out, kind, quality=quality, compress_level=1)
    return Picture(out.getvalue(), f"image/{kind.lower()}", image.width, image.height, seed)


def wanted_size(slug: str, params: Mapping[str, Any], source: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the output for an input of *source*."""
    if slug == "segmind-relighting-v2" and params["size"] != "auto":
        width, _, height = str(params["size"]).partition("x")
        return int(width), int(height)
    if slug == "ic-light":
        return round(params["width"] * params["highres_scale"]), round(params["height"] * params["highres_scale"])
    if slug == "segmind-scenecraft-v01":
        return _canvas(str(params["aspect_ratio"]), float(params["megapixel"]) * (4 if params["upscale"] else 1))
    return source


def _canvas(ratio: str, megapixels: float) -> tuple[int, int]:
    wide, _, high = ratio.split(" ", 1)[0].partition(":")
    share = float(wide) / float(high)
    height = math.sqrt(megapixels * 1_000_000 / share)
    return max(8, round(height * share)), max(8, round(height))


def _opened(name: str, data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((WORKING_SIDE, WORKING_SIDE))
            return upright.convert("RGBA")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name}: not an image that can be decoded") from error


def _lit(image: Image.Image, angle: int, tint: tuple[int, int, int], gain: float) -> Image.Image:
    """*image* multiplied by a ramp of light that comes from *angle*."""
    ramp = ImageOps.invert(Image.linear_gradient("L")).rotate(angle).resize(image.size)
    shade = ImageChops.lighter(ramp, Image.new("L", image.size, 90))
    light = ImageChops.multiply(Image.merge("RGB", (shade,) * 3), Image.new("RGB", image.size, tint))
    flat = ImageChops.multiply(image.convert("RGB"), light)
    return ImageEnhance.Brightness(flat).enhance(gain * 1.3)


def _relight(params: Mapping[str, Any], images: Mapping[str, Image.Image], seed: int) -> Image.Image:
    del seed
    image = images["image"]
    image = ImageOps.fit(image, wanted_size("segmind-relighting-v2", params, image.size))
    lit = _lit(
        image,
        _ANGLES[params["light_direction"]],
        _TINTS[params["light_temperature"]],
        _GAINS[params["light_intensity"]],
    )
    if params["background"] == "transparent":
        lit.putalpha(ImageChops.invert(image.convert("L")).point(lambda value: 255 if value > 8 else 0))  # noqa: PLR2004 - nearly white is background
    return lit


def _ic_light(params: Mapping[str, Any], images: Mapping[str, Image.Image], seed: int) -> Image.Image:
    side = str(params["light_source"]).split(" ", maxsplit=1)[0].casefold()
    image = ImageOps.pad(images["subject_image"], wanted_size("ic-light", params, (0, 0)), color="white")
    tint = (255, 170 + seed % 80, 140 + seed // 80 % 100)
    return _lit(image, _ANGLES.get(side, 0), tint, 1.0)


def _swap(params: Mapping[str, Any], images: Mapping[str, Image.Image], seed: int) -> Image.Image:
    del params, seed
    scene = images["main_image"].convert("RGB")
    mask = images["mask_image"].convert("L").resize(scene.size)
    box = mask.getbbox() or (0, 0, *scene.size)
    patch = images["object_image"].convert("RGB").resize((box[2] - box[0], box[3] - box[1]))
    scene.paste(patch, box[:2], mask.crop(box))
    return scene


def _scene(params: Mapping[str, Any], images: Mapping[str, Image.Image], seed: int) -> Image.Image:
    width, height = wanted_size("segmind-scenecraft-v01", params, (0, 0))
    floor = (120 + seed % 90, 90 + seed // 90 % 80, 70)
    canvas = ImageOps.colorize(Image.linear_gradient("L").resize((width, height)), "#e8e4dc", floor)
    side = max(1, round(min(width, height) * float(params["scale"])))
    product = ImageOps.contain(images["image"], (side, side))
    at = (
        round(width * float(params["x_value"]) / 100 - product.width / 2),
        round(height * float(params["y_value"]) / 100 - product.height / 2),
    )
    canvas.paste(product, at, product)
    return canvas


def _replace(params: Mapping[str, Any], images: Mapping[str, Image.Image], seed: int) -> Image.Image:
    del params, seed
    product = images["image"]
    backdrop = ImageOps.fit(images["ref_image"].convert("RGB"), product.size).filter(ImageFilter.GaussianBlur(4))
    cut = ImageChops.invert(product.convert("L")).point(lambda value: 255 if value > 8 else 0)  # noqa: PLR2004 - nearly white is background
    return Image.composite(product.convert("RGB"), backdrop, cut)


def _first(params: Mapping[str, Any], images: Mapping[str, Image.Image], seed: int) -> Image.Image:
    """An endpoint of another package: its first image, or a grey card."""
    del params, seed
    return next(iter(images.values()), Image.new("RGB", (512, 512), "grey"))


_EDITS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Image.Image], int], Image.Image]] = {
    "segmind-relighting-v2": _relight,
    "ic-light": _ic_light,
    "seg-swap": _swap,
    "segmind-scenecraft-v01": _scene,
    "bg-replace": _replace,
}
