"""A file that appears when it is complete, and not at all when something went wrong.

A link is followed, and what it points to is replaced.  What is no regular file, such as a pipe or a device, is written
into.  Knows nothing of what is written.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def complete(path: Path) -> Iterator[Path]:
    """A file aside that becomes *path* when all went well, and vanishes when not.  Raises OSError."""
    target = Path(os.path.realpath(path))  # of a pipe behind /dev/stdout, this is a name that nobody can open
    if not path.exists() or (path.is_file() and target.exists()):
        aside = target.with_name(f".{target.name}.part")
        try:
            yield aside
            os.replace(aside, target)  # noqa: PTH105  # Path.replace is the same call; this reads as what it is
        finally:
            aside.unlink(missing_ok=True)
        return
    with tempfile.TemporaryDirectory(prefix="photobatch-") as name:
        aside = Path(name) / "whole"
        yield aside
        with aside.open("rb") as made, path.open("wb") as into:
            shutil.copyfileobj(made, into)


@contextlib.contextmanager
def named_by_user(path: Path, *, flag: str = "-o") -> Iterator[None]:
    """Say of *path*, which came with *flag*, that it cannot be written, where it cannot; raises InputError."""
    try:
        yield
    except BrokenPipeError:
        raise  # who read it has seen enough
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}", hint=f"choose another: {flag}"
        ) from error
