"""Contact sheets: every parameter value of every endpoint over a folder of photographs, side by side.

Run as ``python -m pipeline.sandbox.studio.gallery [PHOTOS_DIR [OUT_DIR]]``.  For people who change the studio,
or who want to see what it makes of their own catalogue.
"""

import argparse
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from pipeline import endpoints
from pipeline.sandbox.studio import edit

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif"}
_CELL = 260
_HEAD = 40
_GREY = (66, 66, 68)
_CHECKS = ((150, 150, 152), (110, 110, 112))


@dataclass(frozen=True)
class Sheet:
    """One contact sheet: what every picture shares, and one column per entry of `columns`."""

    slug: str
    shared: Mapping[str, Any]
    columns: Sequence[Mapping[str, Any]] = field(default_factory=list)


def _each(slug: str, *names: str) -> list[dict[str, Any]]:
    """Return one column for every value that the parameters *names* of endpoint *slug* can have."""
    known = endpoints.get(slug)
    chosen = [(name, known.choices(name)) for name in names]
    return [{name: value} for name, choices in chosen if choices for value in choices.values]


def sheets() -> list[Sheet]:
    """Return the sheets: all choices, and telling values of what is a number or a prompt."""
    relighting, scenecraft = "segmind-relighting-v2", "segmind-scenecraft-v01"
    lamp = {
        "light_direction": "left", "light_type": "softbox", "light_temperature": "neutral",
        "light_intensity": "strong", "output_format": "webp", "output_compression": 90,
    }  # fmt: skip
    lights = _each(relighting, "light_direction", "light_type", "light_temperature", "light_intensity")
    sun = [{"light_direction": side, "light_type": "sunlight"} for side in ("back", "right", "top")]
    spot = [{"light_direction": side, "light_type": "spotlight"} for side in ("back", "right", "top")]
    return [
        Sheet(relighting, lamp, [*lights, *sun, *spot, *_each(relighting, "background", "size", "quality")]),
        Sheet("ic-light", {"prompt": "product photo, sunset beach", "seed": 7}, _ic_light()),
        Sheet("seg-swap", {"seed": 7, "image_format": "jpeg"}, _seg_swap()),
        Sheet(scenecraft, {"prompt": "on a walnut table, morning light", "seed": 7, "megapixel": 0.5}, _scenes()),
        Sheet(scenecraft, {"prompt": "minimal studio", "seed": 7, "megapixel": 0.1}, _each(scenecraft, "aspect_ratio")),
        Sheet("bg-replace", {"prompt": "product on a table", "seed": 7}, _backgrounds()),
    ]


def _ic_light() -> list[dict[str, Any]]:
    prompts = ["neon city night", "deep forest", "cozy room by the window", "white marble kitchen"]
    others: list[dict[str, Any]] = [{"cfg": 1}, {"cfg": 12}, {"lowres_denoise": 0.2}, {"highres_scale": 1}, {"seed": 8}]
    return [*_each("ic-light", "light_source"), *({"prompt": prompt} for prompt in prompts), *others]


def _seg_swap() -> list[dict[str, Any]]:
    return [
        {}, {"growmask": 0}, {"growmask": 20}, {"horizontal_repeat": 3}, {"vertical_repeat": 2},
        {"horizontal_repeat": 3, "vertical_repeat": 3}, {"subject_strength": 0.5}, {"fashion_strength": 0.2},
        {"seed": 8},
    ]  # fmt: skip


def _scenes() -> list[dict[str, Any]]:
    prompts = [
        "beach at sunset", "white marble kitchen", "garden with leaves, sunny", "neon city night", "winter snow",
        "dark luxury, gold", "calm lake, morning fog", "pastel pink studio", "concrete, industrial", "",
    ]  # fmt: skip
    places: list[dict[str, Any]] = [
        {}, {"dropshadow": False}, {"x_value": 20}, {"x_value": 85, "y_value": 30}, {"y_value": 75},
        {"scale": 0.2}, {"scale": 0.95}, {"upscale": True}, {"seed": 8},
    ]  # fmt: skip
    return [*places, *({"prompt": prompt} for prompt in prompts)]


def _backgrounds() -> list[dict[str, Any]]:
    return [
        {}, {"seed": 8}, {"seed": 9}, {"strength": 0.0}, {"strength": 0.5}, {"cn_weight": 0.0}, {"cn_weight": 1.0},
        {"ip_adapter_weight": 0.0, "prompt": "red sunset"}, {"ip_adapter_weight": 1.0, "prompt": "red sunset"},
    ]  # fmt: skip


def draw(sheet: Sheet, photos: Sequence[Path]) -> Image.Image:
    """Return *sheet* as a picture: the photographs below each other, the parameter values side by side."""
    page = Image.new("RGB", (_CELL * (1 + len(sheet.columns)), _HEAD + _CELL * len(photos)), _GREY)
    for column, params in enumerate(sheet.columns, start=1):
        _label(page, column, params)
    for row, photo in enumerate(photos):
        before = Image.open(photo)
        _paste(page, before, 0, row)
        images = _inputs(sheet.slug, photos, row)
        for column, params in enumerate(sheet.columns, start=1):
            sent = {**sheet.shared, **params, **dict.fromkeys(images, photo.name)}
            _paste(page, Image.open(io.BytesIO(edit(sheet.slug, sent, images)[0].data)), column, row)
    return page


def _inputs(slug: str, photos: Sequence[Path], row: int) -> dict[str, bytes]:
    """Return the image fields of one call: the row's photograph, and the next one where two are needed."""
    this, following = photos[row].read_bytes(), photos[(row + 1) % len(photos)].read_bytes()
    others = {"ref_image": following, "object_image": following, "mask_image": _ellipse()}
    return {name: others.get(name, this) for name in endpoints.get(slug).images}


def _ellipse() -> bytes:
    mask = Image.new("L", (400, 400), 0)
    ImageDraw.Draw(mask).ellipse((90, 70, 310, 330), fill=255)
    out = io.BytesIO()
    mask.save(out, "PNG")
    return out.getvalue()


def _label(page: Image.Image, column: int, params: Mapping[str, Any]) -> None:
    lines = [f"{name} = {value}" for name, value in params.items()] or ["defaults"]
    pen = ImageDraw.Draw(page)
    pen.text((column * _CELL + 5, 4), "\n".join(lines), fill="white", font=ImageFont.load_default(12))


def _paste(page: Image.Image, picture: Image.Image, column: int, row: int) -> None:
    picture = picture.convert("RGBA")
    picture.thumbnail((_CELL - 6, _CELL - 6))
    under = _checks(picture.size)
    under.paste(picture, mask=picture.getchannel("A"))
    left, top = column * _CELL + (_CELL - picture.width) // 2, _HEAD + row * _CELL + (_CELL - picture.height) // 2
    page.paste(under, (left, top))


def _checks(size: tuple[int, int]) -> Image.Image:
    """Return the chequered ground that stands for transparency."""
    small = Image.new("RGB", (2, 2), _CHECKS[0])
    small.putpixel((0, 1), _CHECKS[1])
    small.putpixel((1, 0), _CHECKS[1])
    tile = small.resize((16, 16), Image.Resampling.NEAREST)
    ground = Image.new("RGB", size)
    for left in range(0, size[0], 16):
        for top in range(0, size[1], 16):
            ground.paste(tile, (left, top))
    return ground


def write(photos: Sequence[Path], out: Path) -> Iterator[Path]:
    """Write one JPEG per sheet into *out* and yield each path as it is there."""
    out.mkdir(parents=True, exist_ok=True)
    for number, sheet in enumerate(sheets(), start=1):
        path = out / f"{number}-{sheet.slug}.jpg"
        draw(sheet, photos).save(path, quality=88)
        yield path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sheets for a folder of photographs; return the exit code, 2 when there are none."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.sandbox.studio.gallery", description=__doc__)
    parser.add_argument("photos", nargs="?", type=Path, default=Path("manifests/images"), help="folder of photographs")
    parser.add_argument("out", nargs="?", type=Path, default=Path("out/gallery"), help="folder for the sheets")
    parser.add_argument("--limit", type=int, default=6, help="at most so many photographs")
    chosen = parser.parse_args(arguments)
    found = sorted(chosen.photos.iterdir()) if chosen.photos.is_dir() else []
    photos = [path for path in found if path.suffix.lower() in _SUFFIXES][: chosen.limit]
    if not photos:
        sys.stderr.write(f"error: no photographs in {chosen.photos}\nhint: name a folder of JPEG, PNG or WebP files\n")
        return 2
    for path in write(photos, chosen.out):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
