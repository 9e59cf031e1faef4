"""Read an input image from disk, and look at it before money is spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.images.decode import MEGA, Limits
from pipeline.images.errors import BadInput
from pipeline.images.prepare import examine

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What an input image is, as it will be sent."""

    width: int
    height: int
    mode: str
    """Pillow's name of the colour model: L, RGB, RGBA ..."""
    kind: str
    """The format of the file: PNG, JPEG, TIFF ..."""
    size_bytes: int
    """Of the file as it is."""
    changed: tuple[str, ...]
    """What will be changed before it is sent, in words."""


def read_image_file(path: Path, *, limits: Limits | None = None) -> bytes:
    """The bytes of the file *path*; a file over the limit is not read.  Raises BadInput."""
    limits = limits or Limits()
    try:
        if path.is_dir():
            raise BadInput(str(path), "it is a folder, not an image")
        size_bytes = path.stat().st_size
        if size_bytes > limits.max_bytes:
            words = f"it has {size_bytes / MEGA:.1f} MB, more than the limit of {limits.max_bytes / MEGA:g} MB"
            raise BadInput(str(path), words)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(str(path), "there is no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        words = getattr(error, "strerror", None) or str(error)
        raise BadInput(str(path), f"it cannot be read: {words}") from error


def probe(path: Path, *, limits: Limits | None = None) -> InputFacts:
    """Facts about the image file *path*, every pixel decoded.  Blocking.  Raises BadInput."""
    data = read_image_file(path, limits=limits)
    seen = examine(data, limits=limits, name=str(path))
    picture = seen.picture
    return InputFacts(picture.width, picture.height, picture.mode, seen.kind, len(data), seen.changed)
