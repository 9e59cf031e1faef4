"""A shared cap file and the folders that use it: moved, mounted under one name, cut off.  Real ledgers, real files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from pipeline.capfile import LEASE_S, OWNER_ID, CapFile
from pipeline.ledger import Ledger
from pipeline.orders import Orders, Pool
from pipeline.preflight import make_budget
from pipeline.salvage import rebuild
from tests.money.rig import NOW, Rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.budget import Budget

CAP = 100
PLACE = "out"
"""Where every folder of these tests says that it is."""


class House:
    """Folders that all have the same path, one cap file, and a clock."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.file = home / "cap.db"
        self.now = NOW
        self._open = contextlib.ExitStack()
        self._ledgers: dict[str, Ledger] = {}

    def ledger(self, name: str) -> Ledger:
        if name not in self._ledgers:
            self._ledgers[name] = Ledger(self.home / name)
            self._open.callback(self._ledgers[name].close)
        return self._ledgers[name]

    async def starts(self, name: str) -> Budget:
        """A run begins on the folder *name*."""
        orders = Orders(self.home / PLACE, pool=Pool(self.file, CAP))
        return await make_budget(self.ledger(name), orders, lambda: self.now)

    def standing(self) -> tuple[int, int, int]:
        return CapFile(self.file, CAP, "judge", clock=lambda: self.now).standing_now()

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


async def test_a_folder_of_the_same_path_lets_go_of_nothing_that_another_holds(house: House) -> None:
    mine = await house.starts("mine")
    held = await mine.reserve(60)
    assert held is not None

    await house.starts("theirs")
    assert house.standing() == (40, 60, 1)
    house.now += LEASE_S + 1
    await house.starts("a new one of the old name")

    assert house.standing() == (40, 60, 1)


async def test_what_a_killed_run_set_aside_and_never_sent_is_free_for_the_next_on_its_folder(house: House) -> None:
    await (await house.starts("mine")).reserve(60)

    await house.starts("mine")

    assert house.standing() == (100, 0, 0)


async def test_what_a_copy_of_the_folder_set_aside_is_free_when_its_lease_is_over(house: House) -> None:
    await (await house.starts("mine")).close()
    await (await house.starts("mine")).reserve(60)
    house.ledger("mine").run(lambda db: db.execute("UPDATE meta SET value='of the copy' WHERE name=?", (OWNER_ID,)))

    again = await house.starts("mine")
    assert house.standing() == (40, 60, 1), "its lease is not over"
    house.now += LEASE_S + 1

    assert await again.reserve(70) is not None
    assert house.standing() == (30, 70, 1)


async def test_a_run_that_took_its_leave_holds_nothing_that_it_never_sent(house: House) -> None:
    ended = await house.starts("mine")
    await ended.reserve(60)
    await ended.close()

    await house.starts("mine")

    assert house.standing() == (100, 0, 0)


async def test_entries_of_an_earlier_release_are_known_by_their_path(house: House) -> None:
    earlier = CapFile(house.file, CAP, str((house.home / PLACE).absolute()), clock=lambda: house.now)
    settled, strange = await earlier.reserve(30), await earlier.reserve(20)
    rig = Rig(house.home / "mine")
    rig.plan("a")
    await rig.work()
    settle = "UPDATE attempts SET reservation=?, held_nano=0, billed_nano=25"
    rig.ledger.run(lambda db: db.execute(settle, (settled,)))
    rig.ledger.close()

    await house.starts("mine")

    assert strange is not None
    assert house.standing() == (55, 20, 1)


async def test_the_bill_of_an_entry_that_is_gone_is_added_once(tmp_path: Path) -> None:
    shared = CapFile(tmp_path / "cap.db", CAP, "here")
    name = await shared.reserve(60)
    assert name is not None
    shared.release([name])
    await shared.leave()
    shared.release([name])
    assert shared.standing_now() == (100, 0, 0)

    for _ in range(2):
        await shared.settle(name, 25)

    assert shared.standing_now() == (75, 0, 0)


@pytest.mark.parametrize(("again", "sum_nano"), [(25, 25), (40, 40), (10, 10), (0, 25), (None, 25)])
async def test_another_price_told_at_a_second_fetch_corrects_the_file_too(
    house: House, again: int | None, sum_nano: int
) -> None:
    budget = await house.starts("mine")
    first = await budget.reserve(60)
    assert first is not None
    await budget.settle(first, 25)

    for _ in range(2):
        await budget.settle(budget.take_over(0, first.name, 25), again)

    assert house.standing() == (CAP - sum_nano, 0, 0)


async def test_a_bill_from_before_bills_were_kept_adds_only_its_news(tmp_path: Path) -> None:
    shared = CapFile(tmp_path / "cap.db", CAP, "here")

    await shared.settle("settled by an earlier release", 40, known_nano=25)

    assert shared.standing_now() == (85, 0, 0)


async def test_a_rebuilt_ledger_lets_go_of_nothing_that_it_forgot(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "mine")
    rig.plan("a")
    await rig.work()
    orders = Orders(tmp_path / PLACE, pool=Pool(tmp_path / "cap.db", CAP))
    budget = await make_budget(rig.ledger, orders, lambda: NOW)
    in_doubt = await budget.reserve(60)
    assert in_doubt is not None
    await budget.settle(in_doubt, None)
    await budget.close()
    rig.ledger.close()

    rebuild(rig.folder, NOW)
    with contextlib.closing(Ledger(rig.folder)) as rebuilt:
        await make_budget(rebuilt, orders, lambda: NOW + LEASE_S + 1)

    assert CapFile(tmp_path / "cap.db", CAP, "judge").standing_now() == (40, 60, 1)
