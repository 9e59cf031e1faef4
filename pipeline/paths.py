"""Paths as cells and people write them.  Never raises: what cannot be a file is a file that is not there."""

from __future__ import annotations

import os
from pathlib import Path


def local_path(text: str | Path) -> Path:
    """The path that *text* writes, ``~`` expanded; ``~name`` stays as it is where nobody has that name."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  # Path.expanduser raises where nobody has that name


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; not one whose name is too long, or whose folder may not be entered."""
    return os.path.exists(path)  # noqa: PTH110  # Path.exists raises for both
