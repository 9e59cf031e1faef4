"""Read an input image from disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.images.decode import MEGA, Limits
from pipeline.images.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path


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
