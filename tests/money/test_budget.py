"""No interleaving of calls passes the cap; nobody waits for ever."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.budget import Budget, CapReached, Reservation

CALLS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 100), st.integers(0, 5), st.booleans()), min_size=1, max_size=25
)


@given(cap=st.integers(0, 200), calls=CALLS, seed=st.integers(0, 2**16))
def test_no_interleaving_passes_the_cap(cap: int, calls: list[tuple[int, int, int, bool]], seed: int) -> None:
    """Each call: its worst price, the share of it that is billed, turns under way, and whether its end is unknown."""
    chance = random.Random(seed)
    billed_at_provider = 0

    async def call(budget: Budget, worst: int, share: int, turns: int, *, unknown: bool) -> None:
        nonlocal billed_at_provider
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        try:
            reservation = await budget.reserve(worst)
        except CapReached:
            return
        assert reservation is not None
        for _ in range(turns):
            await asyncio.sleep(0)
        billed = worst * share // 100
        billed_at_provider += billed
        assert billed_at_provider <= cap
        assert budget.billed_nano + budget.held_nano <= cap
        await budget.settle(reservation, None if unknown else billed)

    async def every() -> Budget:
        budget = Budget(cap)
        async with asyncio.TaskGroup() as group:
            for worst, share, turns, unknown in calls:
                group.create_task(call(budget, worst, share, turns, unknown=unknown))
        return budget

    budget = asyncio.run(every())
    assert billed_at_provider <= budget.billed_nano + budget.held_nano <= cap


async def test_what_does_not_fit_waits_for_calls_under_way() -> None:
    budget = Budget(100)
    first = await budget.reserve(60)
    second = asyncio.create_task(budget.reserve(60))
    await asyncio.sleep(0)
    assert not second.done()
    assert first is not None
    await budget.settle(first, 30)
    assert await second == Reservation(60)


async def test_a_refusal_says_what_is_needed_free_and_reserved_by_how_many() -> None:
    budget = Budget(1_000_000_000, billed_nano=300_000_000, held_nano=500_000_000, held_count=3)
    with pytest.raises(CapReached, match=r"\$0\.34\d* needed, \$0\.20\d* free, \$0\.50\d* reserved by 3 calls"):
        await budget.reserve(340_000_000)
    assert budget.hopeless(340_000_000)
    assert not budget.hopeless(100_000_000)


async def test_a_reservation_of_unknown_outcome_stays() -> None:
    budget = Budget(100)
    first = await budget.reserve(60)
    assert first is not None
    await budget.settle(first, None)
    with pytest.raises(CapReached):
        await budget.reserve(60)
    assert await budget.reserve(40) is not None


async def test_who_waits_goes_home_when_the_run_stops() -> None:
    budget = Budget(100)
    await budget.reserve(100)
    stopped: list[bool] = []
    waiting = asyncio.create_task(budget.reserve(1, gone=lambda: bool(stopped)))
    await asyncio.sleep(0)
    stopped.append(True)
    budget.stir()
    assert await waiting is None
