"""A drawn product and its true outline."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Drawing:
    picture: Image.Image
    outline: np.ndarray

    @property
    def png(self) -> bytes:
        return encoded(self.picture)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def masked(size: tuple[int, int], draw: Callable[[ImageDraw.ImageDraw], None]) -> np.ndarray:
    mask = Image.new("L", size, 0)
    draw(ImageDraw.Draw(mask))
    return np.asarray(mask) > 127
