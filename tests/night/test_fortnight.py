"""A fortnight of nights on one folder: at its end everything wanted is there once, paid once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import endpoints
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


async def test_a_fortnight_pays_for_the_differences_and_keeps_everything_once(night: Night, shelf: Shelf) -> None:
    shop = Catalogue(night, shelf)
    owed: Counter[str] = Counter()

    # 1: everything is new.
    for number, colour in enumerate(("red", "green", "blue", "gold", "teal", "navy")):
        shop.local(f"P{number}", f"thing {number}", colour)
    shop.remote("R0", "far thing", "olive")
    shop.remote("R1", "far other thing", "plum")
    shop.write()
    owed += shop.pay()
    summary = await night.work(ENOUGH)
    assert (summary["exit_code"], calls(night)) == (0, owed)

    # 2: the same in another order; nobody is paid, every remote image is asked about.
    night.clock.tomorrow()
    shop.write(order=-1)
    summary = await night.work(ENOUGH)
    assert (summary["exit_code"], summary["this_run"]["done"], calls(night)) == (0, 0, owed)
    assert shelf.answers[-2:] == [304, 304]

    # 3: added, removed, other prompts.
    night.clock.tomorrow()
    del shop.rows["P5"]
    shop.local("P6", "thing 6", "pink")
    shop.local("P7", "a twin of thing 6", "pink")
    shop.retitled("P1", "a better thing")
    shop.write()
    owed += shop.pay()
    summary = await night.work(ENOUGH)
    assert (summary["exit_code"], summary["this_run"]["rows_left"], calls(night)) == (0, 1, owed)
    assert (night.out / "images" / "P5" / "studio.png").exists()

    # 4: images changed behind their names, here and on the web.
    night.clock.tomorrow()
    shop.redrawn("P2", "brown")
    shop.remote("R1", "far other thing", "tan")
    shop.write()
    owed += shop.pay()
    summary = await night.work(ENOUGH)
    assert (summary["exit_code"], calls(night)) == (0, owed)
    assert owed[STUDIO] == 11

    # 5: killed in the middle.  6: what was paid for is fetched, the rest is done.
    night.clock.tomorrow()
    for number in range(8, 13):
        shop.local(f"P{number}", f"thing {number}", ("white", "gray", "black", "cyan", "lime")[number - 8])
    shop.write()
    owed += shop.pay()
    await kill_half_way(night, 3)
    night.clock.tomorrow()
    summary = await night.work(ENOUGH)
    assert (summary["exit_code"], calls(night)) == (0, owed)

    # 7: the night's cap.  8: the rest.
    night.clock.tomorrow()
    for number in (0, 1, 2, 3, 8, 9):
        shop.retitled(f"P{number}", f"a fine thing {number}")
    shop.write()
    owed += shop.pay()
    before = night.sandbox.billed_nano
    summary = await night.work("[money]\ncap_night = 0.15\n")
    spent = night.sandbox.billed_nano - before
    assert (summary["exit_code"], summary["stopped_by"]) == (4, "cap")
    assert 0 < spent <= 150_000_000
    again = await night.work("[money]\ncap_night = 0.15\n")  # the same night once more: no second allowance
    assert night.sandbox.billed_nano - before <= 150_000_000
    assert again["exit_code"] == 4
    night.clock.tomorrow()
    summary = await night.work(ENOUGH)
    assert (summary["exit_code"], calls(night)) == (0, owed)

    # 9: the window is long enough for the quick endpoint only.  10: the rest.
    night.clock.tomorrow()
    shop.redrawn("P3", "coral")
    shop.redrawn("P4", "khaki")
    shop.write()
    owed += shop.pay()
    summary = await night.work(ENOUGH, deadline=night.clock() + 50)
    assert (summary["exit_code"], summary["stopped_by"], summary["tasks"]["open"]) == (10, "deadline", 2)
    assert calls(night)[MOOD] == owed[MOOD]
    night.clock.tomorrow()
    summary = await night.work(ENOUGH)
    assert (summary["exit_code"], calls(night)) == (0, owed)

    # 11: an outage.  12: it has passed.
    night.clock.tomorrow()
    for number in (6, 7, 10, 11, 12):
        shop.retitled(f"P{number}", f"a great thing {number}")
    shop.write()
    owed += shop.pay()
    before_outage = calls(night)
    night.sandbox.backend.faults = FaultPlan([{"match": {"kind": "submit"}, "fault": "502"}])
    summary = await night.work(ENOUGH)
    assert summary["exit_code"] in (3, 10)
    assert calls(night) == before_outage
    night.sandbox.backend.faults = FaultPlan()
    night.clock.tomorrow()
    summary = await night.work(ENOUGH)
    assert (summary["exit_code"], calls(night)) == (0, owed)

    # 13: an empty catalogue is somebody's mistake: nothing is touched.
    night.clock.tomorrow()
    night.catalogue([])
    with pytest.raises(ManifestError):
        await night.work(ENOUGH)
    assert set(night.results()) == shop.wanted()

    # 14: a product comes back as it was, one leaves for good.
    night.clock.tomorrow()
    shop.local("P5", "thing 5", "navy")
    del shop.rows["P6"]
    shop.write()
    assert not shop.pay()
    summary = await night.work(f"{ENOUGH}\n[output]\nprune = true\n")
    assert (summary["exit_code"], summary["this_run"]["pruned"]) == (0, 2)

    check_the_end(night, shop, owed)


def check_the_end(night: Night, shop: Catalogue, owed: Counter[str]) -> None:
    """Every wanted output stands once and whole, and the bill is the price of the differences."""
    results = night.results()
    assert set(results) == shop.wanted()
    assert {line["state"] for line in results.values()} == {"done"}
    standing = {path.relative_to(night.out).as_posix() for path in (night.out / "images").rglob("*") if path.is_file()}
    assert standing == {line["output"] for line in results.values()}
    for line in results.values():
        assert hashlib.sha256((night.out / line["output"]).read_bytes()).hexdigest() == line["sha256"]
    assert calls(night) == owed
    price = {bill.endpoint: bill.cost_nano for bill in night.sandbox.bills}
    assert night.sandbox.billed_nano == sum(price[slug] * count for slug, count in owed.items())
    assert set(price) == {endpoints.get(slug).slug for slug in owed}
