"""The table of results, and the words about the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGES = ("photobatch", "aiohttp", "uvloop", "requests", "scrapy", "pillow", "pyarrow", "pandas")


@dataclass(frozen=True)
class Line:
    """One measured figure; ``goal`` is empty where nothing was promised."""

    what: str
    measured: str
    goal: str
    note: str = ""

    @classmethod
    def at_least(cls, what: str, ratio: float, goal: float, note: str = "") -> Line:
        """A ratio that should not be lower than *goal*."""
        return cls(what, f"{ratio:.2f} x", f"at least {goal:g} x{'' if ratio >= goal else ': missed'}", note)

    @classmethod
    def at_most(cls, what: str, ratio: float, goal: float, note: str = "") -> Line:
        """A ratio that should not be higher than *goal*."""
        return cls(what, f"{ratio:.2f} x", f"at most {goal:g} x{'' if ratio <= goal else ': missed'}", note)


def markdown(lines: Iterable[Line]) -> str:
    """The lines as a Markdown table."""
    rows = [f"| {line.what} | {line.measured} | {line.goal} | {line.note} |" for line in lines]
    return "\n".join(["| what | measured | goal | |", "|---|---|---|---|", *rows])


def machine() -> str:
    """What it was measured on, in a few lines."""
    memory = Path("/dev/shm").is_dir()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    place = "outputs in memory (/dev/shm), so no disk is measured" if memory else "outputs in the temporary folder"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {cores} cores,"
        f" Python {platform.python_version()}, {place}.  {_versions()}."
    )


def _versions() -> str:
    said = []
    for name in PACKAGES:
        try:
            said.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            said.append(f"{name} not installed")
    return ", ".join(said)
