"""Runs of the whole engine against a sandbox on loopback, quick ones; and virtual time that always moves."""

from __future__ import annotations

import asyncio
import csv
import sqlite3
from collections import Counter
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import pipeline
from pipeline.policy import Patience
from pipeline.provider import Backoff
from pipeline.sandbox import SANDBOX_KEY, Sandbox, SandboxOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

QUICK = Patience(base_s=0.001, longest_s=0.01)
QUICK_LOOKS = Backoff(first_s=0.005, most_s=0.02)
RELIGHT = {
    "light_direction": "left",
    "light_type": "softbox",
    "light_temperature": "neutral",
    "light_intensity": "bright",
}
STUDIO = {"name": "studio", "endpoint": "segmind-relighting-v2", "params": {"image": "{image_url}", **RELIGHT}}
MOOD = {"name": "mood", "endpoint": "ic-light", "params": {"subject_image": "{image_url}", "prompt": "{title}"}}
SCENE = {"name": "scene", "endpoint": "segmind-scenecraft-v01", "params": {"image": "{image_url}", "prompt": "{title}"}}
TICK_S = 1e-6


def recipe(*steps: Mapping[str, Any]) -> dict[str, Any]:
    return {"recipe": {"name": "test", "key": "{sku}"}, "step": list(steps)}


def products(count: int, *, first: int = 1) -> list[dict[str, str]]:
    return [
        {"sku": f"P-{n:03}", "title": f"Product {n}", "image_url": f"https://shop.example/{n}.jpg"}
        for n in range(first, first + count)
    ]


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass
class Shop:
    """One sandbox, one result folder, and the runs between them."""

    sandbox: Sandbox
    base_url: str
    folder: Path
    flags: dict[str, Any] = field(default_factory=dict)

    async def run(self, rows: Sequence[Mapping[str, str]], *steps: Mapping[str, Any], **flags: Any) -> dict[str, Any]:
        """Run *rows* through *steps* (default: one relighting); returns the summary."""
        manifest = write_csv(self.folder.parent / "catalog.csv", rows)
        what = flags.pop("recipe", recipe(*(steps or (STUDIO,))))
        return (await pipeline.run(manifest, what, out=self.folder, **self._flags(flags))).summary

    async def resume(self, **flags: Any) -> dict[str, Any]:
        return (await pipeline.resume(self.folder, **self._flags(flags))).summary

    def results(self) -> list[dict[str, str]]:
        with (self.folder / "results.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def states(self) -> Counter[str]:
        return Counter(line["state"] for line in self.results())

    def bills(self) -> int:
        return len(self.sandbox.bills)

    def asked(self, kind: str) -> int:
        """How many requests of *kind* the sandbox got."""
        return self.sandbox.backend.log.counts[kind]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "ledger.db")) as db:
            return db.execute(sql).fetchall()

    def _flags(self, flags: Mapping[str, Any]) -> dict[str, Any]:
        quick = {"patience": QUICK, "backoff": QUICK_LOOKS, "settle_after_s": 0.0, "rpm": 0, "base_url": self.base_url}
        return {**quick, "api_key": SANDBOX_KEY, **self.flags, **flags}


class Open(Protocol):
    """Opens a shop: ``await open_shop(*fault_rules, **sandbox_options)``."""

    async def __call__(self, *rules: Mapping[str, Any], **options: Any) -> Shop: ...


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def begin(*rules: Mapping[str, Any], **options: Any) -> Shop:
            chosen = {"edit": "instant", "latency": 0.0, "faults": rules, **options}
            sandbox = Sandbox(SandboxOptions(**chosen))
            base_url = await stack.enter_async_context(sandbox)
            return Shop(sandbox, base_url, tmp_path / "out")

        yield begin


@pytest.fixture
async def virtual() -> None:
    """Timers a rounding error away are a microsecond away: virtual time would stand still, real time never does."""
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    def later(when: float, *args: Any, **context: Any) -> asyncio.TimerHandle:
        return call_at(max(when, loop.time() + TICK_S), *args, **context)

    loop.call_at = later  # type: ignore[method-assign]  # a property of this one loop
