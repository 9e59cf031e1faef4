"""How often tasks are looked after, and how late they are noticed, under virtual time."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pipeline.provider.pace import FLOOR_S, Latencies, Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TASKS = 300
WORKERS = 16


@dataclass(frozen=True)
class Seen:
    """What a simulated run came to."""

    polls: float
    """Per task."""
    lateness: float
    """Mean, as a share of the latency; 0.2 s are never late."""
    in_time: float
    """Share of tasks noticed within 10 % or 0.2 s."""


async def simulate(latency: Callable[[int, random.Random], float], documented_s: float, *, told: bool) -> Seen:
    pace = Pace(documented_s)
    chance = random.Random(3)
    queue = iter([latency(number, chance) for number in range(TASKS)])
    polls = itertools.count()
    late: list[float] = []

    async def worker() -> None:
        for latency_s in queue:
            waited_s = await _wait(pace, latency_s, polls, told=told)
            late.append(0.0 if waited_s - latency_s <= 0.2 else waited_s / latency_s - 1)

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    return Seen(next(polls) / TASKS, sum(late) / TASKS, sum(share <= 0.1 + 1e-9 for share in late) / TASKS)


async def _wait(pace: Pace, latency_s: float, polls: Iterator[int], *, told: bool) -> float:
    now = asyncio.get_running_loop().time
    start = now()
    with pace.watch() as watch:
        while True:
            await watch.until_due()
            watch.looks()
            next(polls)
            if now() - start >= latency_s - 1e-9:
                watch.finished(latency_s if told else None)
                return now() - start
            watch.unfinished()


def spread(middle_s: float, sigma: float) -> Callable[[int, random.Random], float]:
    return lambda _number, chance: middle_s * math.exp(chance.gauss(0, sigma))


KINDS = {
    "a stand-in of 30 ms": lambda _number, _chance: 0.03,
    "2 s": lambda _number, _chance: 2.0,
    "70 s": lambda _number, _chance: 70.0,
    "9 s, spread by 20 %": spread(9, 0.2),
    "70 s, spread by 20 %": spread(70, 0.2),
    "from 30 to 60 s": lambda number, chance: spread(30 if number < TASKS / 2 else 60, 0.05)(number, chance),
    "30 s with cold boots": lambda number, chance: 180.0 if chance.random() < 0.02 else spread(30, 0.1)(number, chance),
}


@pytest.mark.looptime
@pytest.mark.parametrize("told", ["told", ""])
@pytest.mark.parametrize("documented_s", [9.0, 30.0, 70.0])
@pytest.mark.parametrize("kind", KINDS)
async def test_polls_are_few_and_results_noticed_soon(kind: str, documented_s: float, told: str) -> None:
    seen = await simulate(KINDS[kind], documented_s, told=bool(told))

    assert seen.polls <= 4
    assert seen.lateness <= 0.1
    assert seen.in_time >= 0.7


@pytest.mark.looptime
@pytest.mark.parametrize("told", ["told", ""])
@pytest.mark.parametrize(
    "latency",
    [spread(30, 0.6), lambda _number, chance: spread(chance.choice([30, 60]), 0.03)(0, chance)],
    ids=["spread by 60 %", "30 or 60 s"],
)
async def test_a_wide_spread_costs_lateness_before_it_costs_polls(
    latency: Callable[[int, random.Random], float], told: str
) -> None:
    seen = await simulate(latency, 30.0, told=bool(told))

    assert seen.polls <= 4
    assert seen.lateness <= 0.6


@pytest.mark.looptime
async def test_a_provider_that_becomes_faster_is_followed() -> None:
    seen = await simulate(lambda number, _chance: 60.0 if number < 100 else 30.0, 30.0, told=True)

    assert seen.polls <= 4
    assert seen.in_time >= 0.7


@pytest.mark.looptime
async def test_one_task_explores_and_its_news_wakes_the_others() -> None:
    pace = Pace(70.0)
    polls = itertools.count()

    waited = await asyncio.gather(*(_wait(pace, 2.0, polls, told=False) for _ in range(50)))

    assert max(waited) <= 2.0 * 1.3 + FLOOR_S
    assert next(polls) <= 15 + 50


@pytest.mark.looptime
async def test_an_explorer_that_gives_up_hands_on() -> None:
    pace = Pace(70.0)
    explorer = pace.watch()
    await explorer.until_due()
    other = asyncio.create_task(_wait(pace, 0.05, itertools.count(), told=False))
    await asyncio.sleep(1)
    assert not other.done()

    explorer.__exit__()

    assert await other == 1.0


@pytest.mark.looptime
async def test_a_resumed_task_is_looked_after_at_once_and_teaches_nothing_wrong() -> None:
    pace = Pace(30.0)
    now = asyncio.get_running_loop().time
    start = now()
    with pace.watch(submitted_s_ago=7200) as watch:
        await watch.until_due()
        watch.looks()
        watch.finished()

    assert now() == start
    assert not pace.latencies.known


@pytest.mark.looptime
async def test_a_resumed_task_that_goes_on_is_looked_after_often() -> None:
    pace = Pace(40.0)
    now = asyncio.get_running_loop().time
    start = now()
    with pace.watch(submitted_s_ago=7200) as watch:
        for _ in range(3):
            await watch.until_due()
            watch.looks()
            watch.unfinished()

    assert now() - start == pytest.approx(2 * 9.0)


@pytest.mark.looptime
async def test_the_last_look_is_at_the_limit() -> None:
    pace = Pace(70.0)
    now = asyncio.get_running_loop().time
    start = now()
    with pace.watch(limit_s=10) as watch:
        while not watch.over:
            await watch.until_due()
            watch.looks()
            watch.unfinished()

    assert now() - start == pytest.approx(10)


def test_a_wrong_figure_of_the_provider_cannot_ruin_the_plan() -> None:
    latencies = Latencies(30.0)
    for _ in range(40):
        latencies.learn(0.0, 30.0, told_s=0.001)

    assert latencies.first_s() >= 10


def test_the_first_look_is_where_results_end() -> None:
    latencies = Latencies(30.0)
    for number in range(40):
        latencies.learn(19.5 + number % 5 / 10, 20.5, told_s=20.0 + number % 5 / 10)

    assert latencies.first_s() == 20.4
    assert latencies.next_s(20.4) == pytest.approx(22.44)
    assert "32 known" in repr(latencies)
