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
MAX_NAME = 60
LETTER = 26
INK = (30, 30, 30)
PAPER = (244, 240, 230)


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
        image = _scene(dice, _name(url))
    else:
        image = _product(dice, _name(url))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _name(url: str) -> str:
    """The URL's file name, or its host, shortened in the middle."""
    parts = urlsplit(url)
    name = unquote(parts.path.rpartition("/")[2]) or parts.netloc
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME // 2]}...{name[-MAX_NAME // 2 :]}"


def _color(dice: bytes, at: int, floor: int = 40) -> tuple[int, int, int]:
    red, green, blue = (floor + value % (220 - floor) for value in dice[at : at + 3])
    return red, green, blue


def _product(dice: bytes, name: str) -> Image.Image:
    """A bottle on white; its label carries *name*."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(image)
    half_width, top, middle = 130 + dice[0] % 120, 120 + dice[1] % 160, SIDE // 2
    body, trim = _color(dice, 2), _color(dice, 5)
    pen.rounded_rectangle((middle - 45, top - 60, middle + 45, top + 40), radius=8, fill=trim)
    pen.rounded_rectangle((middle - half_width, top, middle + half_width, 650), 10 + dice[8] % 80, fill=body)
    label = (middle - half_width + 25, top + 120, middle + half_width - 25, 570)
    pen.rounded_rectangle(label, radius=12, fill=PAPER)
    _write(pen, name, ((label[0] + label[2]) / 2, (label[1] + label[3]) / 2), label[2] - label[0] - 20)
    return image


def _scene(dice: bytes, name: str) -> Image.Image:
    """A wall with a window and a floor; *name* stands at the bottom."""
    wall, floor = _color(dice, 2, 120), _color(dice, 5, 60)
    image = Image.new("RGB", (SIDE, SIDE), wall)
    pen = ImageDraw.Draw(image)
    horizon = 430 + dice[9] % 120
    pen.rectangle((0, horizon, SIDE, SIDE), fill=floor)
    left = 60 + dice[10] % 300
    pen.rectangle((left, 90, left + 240, 330), fill=(235, 240, 250), outline=floor, width=8)
    _write(pen, name, (SIDE / 2, SIDE - 50), SIDE)
    return image


def _mask(dice: bytes) -> Image.Image:
    image = Image.new("L", (SIDE, SIDE), 0)
    left, top = 150 + dice[0] % 150, 250 + dice[1] % 150
    ImageDraw.Draw(image).rectangle((left, top, left + 330, top + 280), fill=255)
    return image


def _write(pen: ImageDraw.ImageDraw, name: str, middle: tuple[float, float], width: int) -> None:
    """*name* around *middle* in as many lines as *width* pixels ask for."""
    font = ImageFont.load_default(LETTER)
    per_line = max(1, int(width / (0.62 * LETTER)))  # 0.62: a wide letter of the default font
    lines = [name[at : at + per_line] for at in range(0, len(name), per_line)]
    pen.multiline_text(middle, "\n".join(lines), font=font, fill=INK, anchor="mm", align="center")
