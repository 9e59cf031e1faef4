"""A fortnight of nights on one folder: at its end everything wanted is there once, paid once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import ManifestError
from pipeline.sandbox.faults import FaultPlan

if TYPE_CHECKING:
    from conftest import Night, Shelf  # type: ignore[import-not-found]  # a fixture's types

ROOT = Path(__file__).resolve().parents[2]
STUDIO, MOOD = "segmind-relighting-v2", "ic-light"
ENOUGH = "[money]\ncap_night = 100.0\n"


class Catalogue:
    """What the shop wants, and what that ought to cost: each body once, ever."""

    def __init__(self, night: Night, shelf: Shelf) -> None:
        self._night = night
        self._shelf = shelf
        self.rows: dict[str, tuple[str, str]] = {}
        self._content: dict[str, str] = {}
        self._paid: set[tuple[str, ...]] = set()

    def local(self, key: str, title: str, colour: str) -> None:
        image = self._night.photo(f"{key}-{colour}.png", colour)
        self.rows[key] = (title, image)
        self._content[image] = colour

    def redrawn(self, key: str, colour: str) -> None:
        """Other content under the same name."""
        image = self.rows[key][1]
        (self._night.home / image).write_bytes((self._night.home / self._night.photo("new.png", colour)).read_bytes())
        self._content[image] = colour

    def remote(self, key: str, title: str, colour: str) -> None:
        url = self._shelf.put(f"{key}.png", colour)
        self.rows[key] = (title, url)
        self._content[url] = f"{url} {self._shelf.etags[f'{key}.png']}"

    def retitled(self, key: str, title: str) -> None:
        self.rows[key] = (title, self.rows[key][1])

    def write(self, order: int = 1) -> None:
        self._night.catalogue([(key, *row) for key, row in self.rows.items()][::order])

    def wanted(self) -> set[tuple[str, str]]:
        return {(key, step) for key in self.rows for step in ("studio", "mood")}

    def pay(self) -> Counter[str]:
        """Calls by endpoint that the difference to everything before is worth."""
        bodies = {(STUDIO, self._content[image]) for _, image in self.rows.values()}
        bodies |= {(MOOD, self._content[image], title) for title, image in self.rows.values()}
        new = bodies - self._paid
        self._paid |= new
        return Counter(body[0] for body in new)


def calls(night: Night) -> Counter[str]:
    return Counter(bill.endpoint for bill in night.sandbox.bills)


async def kill_half_way(night: Night, bills: int) -> None:
    """Begin a night in a process of its own and kill it once so many more calls were billed."""
    night.job(ENOUGH)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("one_night.py")),
        str(night.job_file),
        str(night.clock()),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    target = night.bills + bills
    while night.bills < target:  # it is the sandbox's list that grows, in this very loop
        assert child.returncode is None, "the night ended before it could be killed"
        await asyncio.sleep(0.002)
    child.kill()
    await child.wait()


@dataclass
class Fortnight:
    """Fourteen evenings; what is owed after each of them."""

    night: Night
    shelf: Shelf
    owed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.shop = Catalogue(self.night, self.shelf)

    async def work(self, more: str = ENOUGH, **settings: Any) -> dict[str, Any]:
        """Write the catalogue, and do the night that it asks for."""
        self.shop.write()
        self.owed += self.shop.pay()
        return await self.night.work(more, **settings)

    async def settle(self) -> None:
        """A good night: afterwards everything owed is paid, and everything is done."""
        summary = await self.work()
        assert (summary["exit_code"], summary["tasks"]["open"], calls(self.night)) == (0, 0, self.owed)

    async def all_is_new(self) -> None:
        for number, colour in enumerate(("red", "green", "blue", "gold", "teal", "navy")):
            self.shop.local(f"P{number}", f"thing {number}", colour)
        self.shop.remote("R0", "far thing", "olive")
        self.shop.remote("R1", "far other thing", "plum")
        await self.settle()

    async def another_order(self) -> None:
        self.shop.write(order=-1)
        summary = await self.night.work(ENOUGH)
        assert (summary["exit_code"], summary["this_run"]["done"], calls(self.night)) == (0, 0, self.owed)
        assert self.shelf.answers[-2:] == [304, 304]

    async def added_removed_retitled(self) -> None:
        del self.shop.rows["P5"]
        self.shop.local("P6", "thing 6", "pink")
        self.shop.local("P7", "a twin of thing 6", "pink")
        self.shop.retitled("P1", "a better thing")
        await self.settle()
        assert (self.night.out / "images" / "P5" / "studio.png").exists()

    async def images_changed(self) -> None:
        self.shop.redrawn("P2", "brown")
        self.shop.remote("R1", "far other thing", "tan")
        await self.settle()
        assert self.owed[STUDIO] == 11

    async def killed(self) -> None:
        for number, colour in enumerate(("white", "gray", "black", "cyan", "lime"), 8):
            self.shop.local(f"P{number}", f"thing {number}", colour)
        self.shop.write()
        self.owed += self.shop.pay()
        await kill_half_way(self.night, 3)

    async def capped(self) -> None:
        for number in (0, 1, 2, 3, 8, 9):
            self.shop.retitled(f"P{number}", f"a fine thing {number}")
        before = self.night.sandbox.billed_nano
        for _ in range(2):  # started twice in one night: no second allowance
            summary = await self.work("[money]\ncap_night = 0.15\n")
            assert (summary["exit_code"], summary["stopped_by"]) == (4, "cap")
            assert 0 < self.night.sandbox.billed_nano - before <= 150_000_000

    async def out_of_time(self) -> None:
        self.shop.redrawn("P3", "coral")
        self.shop.redrawn("P4", "khaki")
        summary = await self.work(deadline=self.night.clock() + 50)  # long enough for the quick endpoint only
        assert (summary["exit_code"], summary["stopped_by"], summary["tasks"]["open"]) == (10, "deadline", 2)
        assert calls(self.night)[MOOD] == self.owed[MOOD]

    async def outage(self) -> None:
        for number in (6, 7, 10, 11, 12):
            self.shop.retitled(f"P{number}", f"a great thing {number}")
        before = calls(self.night)
        self.night.sandbox.backend.faults = FaultPlan([{"match": {"kind": "submit"}, "fault": "502"}])
        summary = await self.work()
        self.night.sandbox.backend.faults = FaultPlan()
        assert summary["exit_code"] in (3, 10)
        assert calls(self.night) == before

    async def empty_catalogue(self) -> None:
        self.night.catalogue([])
        with pytest.raises(ManifestError):
            await self.night.work(ENOUGH)
        assert set(self.night.results()) == self.shop.wanted()

    async def back_again_and_gone(self) -> None:
        self.shop.local("P5", "thing 5", "navy")
        del self.shop.rows["P6"]
        assert not self.shop.pay()
        summary = await self.work(f"{ENOUGH}\n[output]\nprune = true\n")
        assert (summary["exit_code"], summary["this_run"]["pruned"]) == (0, 2)

    def check_the_end(self) -> None:
        """Every wanted output stands once and whole, and the bill is the price of the differences."""
        out, results = self.night.out, self.night.results()
        assert set(results) == self.shop.wanted()
        assert {line["state"] for line in results.values()} == {"done"}
        standing = {path.relative_to(out).as_posix() for path in (out / "images").rglob("*") if path.is_file()}
        assert standing == {line["output"] for line in results.values()}
        for line in results.values():
            assert hashlib.sha256((out / line["output"]).read_bytes()).hexdigest() == line["sha256"]
        assert calls(self.night) == self.owed
        price = {bill.endpoint: bill.cost_nano for bill in self.night.sandbox.bills}
        assert self.night.sandbox.billed_nano == sum(price[slug] * count for slug, count in self.owed.items())


async def test_a_fortnight_pays_for_the_differences_and_keeps_everything_once(night: Night, shelf: Shelf) -> None:
    nights = Fortnight(night, shelf)
    for evening in (
        nights.all_is_new,
        nights.another_order,
        nights.added_removed_retitled,
        nights.images_changed,
        nights.killed,
        nights.settle,
        nights.capped,
        nights.settle,
        nights.out_of_time,
        nights.settle,
        nights.outage,
        nights.settle,
        nights.empty_catalogue,
        nights.back_again_and_gone,
    ):
        await evening()
        night.clock.tomorrow()
    nights.check_the_end()
