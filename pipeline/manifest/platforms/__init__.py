"""The shop platforms whose exports are understood, one file each.

A new platform is one new file beside these: a module with a ``PLATFORM``.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.manifest.columns import fold
from pipeline.manifest.platforms.platform import Platform, recognised_by

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE = "none"


@cache
def platforms() -> tuple[Platform, ...]:
    """All platforms, those with the longest signatures first: Meta's columns contain Google's."""
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    found = [module.PLATFORM for module in modules if hasattr(module, "PLATFORM")]
    return tuple(sorted(found, key=lambda p: (-max(map(len, p.signatures)), p.name)))


def named(name: str) -> Platform:
    """The platform that ``--platform`` asks for."""
    wanted = name.strip().casefold()
    for platform in platforms():
        if platform.name == wanted:
            return platform
    known = [*sorted(platform.name for platform in platforms()), NONE]
    near = difflib.get_close_matches(wanted, known, n=1)
    raise ManifestError(
        f"--platform {name}: unknown",
        hint=f"{f'did you mean {near[0]}? ' if near else ''}known are {', '.join(known)}",
    )


def recognise(columns: Sequence[str]) -> tuple[Platform, tuple[str, ...]] | None:
    """The platform whose export has these columns, and the columns that tell; None for any other table.

    A task manifest (it has a column ``endpoint``) says itself what to do with each row, and is no export.
    """
    if any(fold(column) == "endpoint" for column in columns):
        return None
    for platform in platforms():
        reasons = recognised_by(platform, columns)
        if reasons:
            return platform, reasons
    return None


__all__ = ["NONE", "Platform", "named", "platforms", "recognise"]
