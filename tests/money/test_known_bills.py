"""A bill that is known stays known while its output is fetched once more, and is never added a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.budget import Allowance, Budget
from pipeline.capfile import CapFile
from pipeline.ledger.reopen import ask_again
from pipeline.missing import reopen_missing
from tests.money.rig import Crash, Rig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "out")


async def with_a_missing_output(rig: Rig) -> int:
    """A finished task, opened again because its output is gone; its bill."""
    rig.plan("a")
    await rig.work()
    for path in rig.folder.glob("images/*/*"):
        path.unlink()
    rig.ledger.run(lambda db: reopen_missing(db, rig.folder, now=rig.now))
    return rig.provider.billed_nano


def billed(rig: Rig) -> tuple[int, int, int]:
    """(over all calls, held, of the task)."""
    (of_task,) = rig.query("SELECT billed_nano FROM tasks WHERE live")[0]
    return (*rig.billed_and_held(), of_task)


async def test_an_output_that_is_gone_for_good_stays_billed(rig: Rig) -> None:
    cost = await with_a_missing_output(rig)
    assert billed(rig) == (cost, 0, cost)
    rig.provider.forgotten |= set(rig.provider.jobs)

    budget = await rig.work()

    assert rig.query("SELECT state, error_class FROM tasks") == [("failed", "lost")]
    assert billed(rig) == (cost, 0, cost)
    assert (budget.billed_nano, budget.held_nano) == (cost, 0)
    assert rig.ledger.run(lambda db: ask_again(db, rig.now)) == 1
    assert billed(rig) == (cost, 0, cost)


async def test_how_long_a_run_was_away_is_no_latency_of_what_it_left(rig: Rig) -> None:
    rig.plan("a")
    rig.provider.fetches.append("crash")
    with pytest.raises(Crash):
        await rig.work()
    rig.crash()
    rig.now += 8 * 3600

    await rig.work()

    assert rig.query("SELECT state, latency_s FROM tasks") == [("done", None)]


async def test_of_two_lost_calls_with_one_body_only_one_is_asked_for_again(rig: Rig) -> None:
    for key in ("a", "b"):
        rig.plan(key)
    await rig.work()
    for change in (
        "UPDATE tasks SET state='failed', error_class='lost'",
        "UPDATE attempts SET outcome='failed'",
        "UPDATE tasks SET fingerprint=(SELECT min(fingerprint) FROM tasks)",
    ):
        rig.ledger.run(lambda db, change=change: db.execute(change))

    assert rig.ledger.run(lambda db: ask_again(db, rig.now)) == 1
    assert rig.ledger.run(lambda db: ask_again(db, rig.now)) == 0

    assert sorted(rig.query("SELECT state FROM tasks")) == [("failed",), ("submitted",)]


async def test_a_job_that_is_called_failed_afterwards_stays_billed(rig: Rig) -> None:
    cost = await with_a_missing_output(rig)
    for job in rig.provider.jobs.values():
        job.failed = True

    await rig.work()

    assert rig.query("SELECT state, error_class FROM tasks") == [("failed", "inference_failed")]
    assert billed(rig) == (cost, 0, cost)


@pytest.mark.parametrize(("told", "times"), [(None, 1), (0, 1), (1, 1), (3, 3)])
async def test_what_is_told_of_a_fetch_replaces_the_bill_and_nothing_takes_it_back(
    rig: Rig, told: int | None, times: int
) -> None:
    cost = await with_a_missing_output(rig)
    rig.provider.tells_again = told

    budget = await rig.work()

    assert billed(rig) == (times * cost, 0, times * cost)
    assert (budget.billed_nano, budget.held_nano) == (times * cost, 0)
    assert rig.query("SELECT calls, sum_nano FROM prices") == [(1, cost)], "one call, one price"
    assert rig.states() == {"done": 1}


async def test_a_known_bill_leaves_the_caps_as_they_were(tmp_path: Path) -> None:
    file = CapFile(tmp_path / "cap.db", 100, "here")
    budget = Budget(100, billed_nano=40, shared=file, allowance=Allowance(60, spent_nano=40))
    fresh = await budget.reserve(20)
    assert fresh is not None
    await budget.settle(fresh, 20)

    again = budget.take_over(0, fresh.name, 20)
    await budget.settle(again, 20)
    lost = budget.take_over(0, fresh.name, 20)
    await budget.settle(lost, None)

    assert (budget.billed_nano, budget.held_nano, budget.free_nano) == (60, 0, 0)
    assert file.standing_now() == (80, 0, 0)
    assert await budget.reserve(0) is not None
