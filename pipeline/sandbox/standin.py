"""Draw a picture for an image URL that cannot be fetched offline, always the same one for the same URL.

The file name of the URL is written on it, so that a rehearsed gallery shows which row is which.  Knows nothing of
HTTP or jobs.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Mapping

SIDE = 768
SCENES = frozenset({"main_image", "ref_image"})
"""Fields that show a room or a landscape instead of a product."""
MASKS = frozenset({"mask_image"})


@dataclass(frozen=True, slots=True)
class StandIn:
    """An image that has to be drawn in place of *url*."""

    url: str


Source = bytes | StandIn
"""One input image of a job."""


def drawn(images: Mapping[str, Source]) -> dict[str, bytes]:
    """*images*, by parameter, with every stand-in drawn."""
    return {name: draw(one.url, name) if isinstance(one, StandIn) else one for name, one in images.items()}


@lru_cache(maxsize=128)
def draw(url: str, field: str) -> bytes:
    """PNG of 768 x 768 pixels for *url* in the parameter *field*."""
    dice = hashlib.sha256(url.encode()).digest()
    if field in MASKS:
        image = _mask(dice)
    elif field in SCENES:
        image = _scene(dice)
    else:
        image = _product(dice)
    if field not in MASKS:
        _label(image, url)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _color(dice: bytes, at: int, floor: int = 40) -> tuple[int, int, int]:
    red, green, blue = (floor + value % (220 - floor) for value in dice[at : at + 3])
    return red, green, blue


def _product(dice: bytes) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(image)
    half_width = 110 + dice[0] % 140
    top = 120 + dice[1] % 160
    body, trim = _color(dice, 2), _color(dice, 5)
    middle = SIDE // 2
    box = (middle - half_width, top, middle + half_width, 650)
    pen.ellipse((middle - half_width, 630, middle + half_width, 670), fill=(222, 222, 222))
    pen.rounded_rectangle(box, radius=10 + dice[8] % 90, fill=body)
    pen.rounded_rectangle((box[0] + 30, top + 120, box[2] - 30, 560), radius=12, fill=trim)
    pen.rectangle((middle - 45, top - 60, middle + 45, top + 10), fill=trim)
    return image


def _scene(dice: bytes) -> Image.Image:
    wall, floor = _color(dice, 2, 120), _color(dice, 5, 60)
    image = Image.new("RGB", (SIDE, SIDE), wall)
    pen = ImageDraw.Draw(image)
    horizon = 430 + dice[9] % 120
    pen.rectangle((0, horizon, SIDE, SIDE), fill=floor)
    left = 60 + dice[10] % 300
    pen.rectangle((left, 90, left + 240, 330), fill=(235, 240, 250), outline=floor, width=8)
    return image


def _mask(dice: bytes) -> Image.Image:
    image = Image.new("L", (SIDE, SIDE), 0)
    left, top = 150 + dice[0] % 150, 250 + dice[1] % 150
    ImageDraw.Draw(image).rectangle((left, top, left + 330, top + 280), fill=255)
    return image


def _label(image: Image.Image, url: str) -> None:
    parts = urlsplit(url)
    name = unquote(parts.path.rpartition("/")[2]) or parts.netloc
    text = name if len(name) <= 44 else f"{name[:20]}...{name[-20:]}"  # noqa: PLR2004 - what fits the width
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(26)
    pen.text((SIDE / 2, SIDE - 40), text, font=font, fill=(30, 30, 30), anchor="mm")
