"""Whose turn it is: fairness between endpoints, dead endpoints, cancelled callers.  Under virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.rate import FREE_COUNT_S
from pipeline.throttle import Closed, Lane, Rates, Throttle

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("virtual")]


async def call(throttle: Throttle, endpoint: str, order: list[str], *, takes_s: float = 0.0) -> None:
    async with throttle.admit(endpoint):
        order.append(endpoint)
        await asyncio.sleep(takes_s)


@pytest.mark.parametrize("endpoints", ["ab", "abc", "abcd", "abcde"])
async def test_endpoints_take_turns(endpoints: str) -> None:
    throttle = Throttle(Rates(per_minute=600, in_flight=64))
    order: list[str] = []

    async with asyncio.TaskGroup() as group:
        for endpoint in endpoints:
            for _ in range(20):
                group.create_task(call(throttle, endpoint, order))
    await throttle.close()

    assert Counter(order[: 10 * len(endpoints)]) == dict.fromkeys(endpoints, 10)


async def test_a_dead_endpoint_only_probes_and_leaves_the_places_to_the_others() -> None:
    throttle = Throttle(Rates(per_minute=0, in_flight=10))
    for _ in range(Lane.FAILS):
        throttle.lane("dead").told(well=False)
    order: list[str] = []

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(call(throttle, "dead", order, takes_s=60))
        for _ in range(100):
            group.create_task(call(throttle, "good", order, takes_s=1))
        await asyncio.sleep(30)
        done_early = Counter(order)
    await throttle.close()

    assert done_early == {"dead": 1, "good": 100}
    assert Counter(order)["dead"] == 20, "one after the other, all of them get their turn"


async def test_a_lane_widens_again_after_one_good_answer() -> None:
    lane = Lane()
    lane.unanswered = 1
    for _ in range(Lane.FAILS):
        lane.told(well=False)
    assert not lane.open

    lane.told(well=True)

    assert lane.open


@pytest.mark.parametrize("per_minute", [0, 600])
async def test_accepted_jobs_that_only_wait_hold_up_no_probe_and_a_good_answer_lets_all_in(per_minute: float) -> None:
    throttle = Throttle(Rates(per_minute, in_flight=64))
    let_in: list[str] = []

    async def job(*, well: bool, name: str) -> None:
        async with throttle.admit("a") as place:
            let_in.append(name)
            await asyncio.sleep(1)
            place.answered(well=well)
            await asyncio.sleep(900 if well else 0)

    async with asyncio.TaskGroup() as group:
        group.create_task(job(well=True, name="slow"))
        await asyncio.sleep(2)
        for _ in range(Lane.FAILS):
            group.create_task(job(well=False, name="bad"))
        await asyncio.sleep(3)
        for name in ("probe", "next", "next"):
            group.create_task(job(well=True, name=name))
        await asyncio.sleep(0.5)
        probing = let_in[Lane.FAILS + 1 :]
        await asyncio.sleep(1.5)
        after = let_in[Lane.FAILS + 1 :]
    await throttle.close()

    assert (probing, after) == (["probe"], ["probe", "next", "next"])


async def test_a_place_that_is_left_without_an_answer_is_free_for_a_probe() -> None:
    throttle = Throttle(Rates(per_minute=0))
    for _ in range(Lane.FAILS):
        throttle.lane("a").told(well=False)

    for _ in range(2):
        async with asyncio.timeout(1):
            await call(throttle, "a", [])
    await throttle.close()

    assert throttle.lane("a").unanswered == 0


@pytest.mark.parametrize("per_minute", [0, 60])
async def test_cancelled_callers_give_their_places_back(per_minute: float) -> None:
    throttle = Throttle(Rates(per_minute, in_flight=2))
    order: list[str] = []
    callers = [asyncio.create_task(call(throttle, "a", order, takes_s=100)) for _ in range(10)]
    await asyncio.sleep(5)

    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert throttle.in_flight == 0
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(call(throttle, "a", order))
    await throttle.close()

    assert len(order) == 2 + 4


async def test_a_caller_cancelled_in_the_moment_of_its_grant_gives_it_back() -> None:
    throttle = Throttle(Rates(per_minute=60, in_flight=1))
    order: list[str] = []
    first, second = (asyncio.create_task(call(throttle, "a", order)) for _ in range(2))
    while throttle.in_flight == 0:  # noqa: ASYNC110  # the moment itself is what is tested
        await asyncio.sleep(0)

    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    await second
    await throttle.close()

    assert (order[-1], throttle.in_flight) == ("a", 0)


async def test_a_caller_cancelled_in_the_moment_in_which_doors_close_gives_nothing_back() -> None:
    throttle = Throttle(Rates(per_minute=60, in_flight=1))
    order: list[str] = []
    inside, waiting = (asyncio.create_task(call(throttle, "a", order, takes_s=10)) for _ in range(2))
    await asyncio.sleep(1)

    throttle.close_doors()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    in_flight = throttle.in_flight
    await inside
    await throttle.close()

    assert (in_flight, throttle.in_flight) == (1, 0)


async def test_closed_doors_turn_everybody_away_who_waits_and_nobody_who_is_in() -> None:
    throttle = Throttle(Rates(per_minute=60, in_flight=1))
    order: list[str] = []
    callers = [asyncio.create_task(call(throttle, "a", order, takes_s=10)) for _ in range(3)]
    await asyncio.sleep(1)

    throttle.close_doors()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    await throttle.close()

    assert order == ["a"]
    assert [type(end) for end in ends] == [type(None), Closed, Closed]


async def test_doors_may_close_for_one_endpoint() -> None:
    throttle = Throttle(Rates(per_minute=600))
    order: list[str] = []
    throttle.lane("a")

    throttle.close_doors("a")
    with pytest.raises(Closed):
        await call(throttle, "a", order)
    await call(throttle, "b", order)
    await throttle.close()

    assert order == ["b"]


async def test_who_waits_for_the_rate_holds_no_place() -> None:
    throttle = Throttle(Rates(per_minute=60, in_flight=5))
    callers = [asyncio.create_task(call(throttle, "a", [])) for _ in range(20)]

    await asyncio.sleep(3.5)

    assert throttle.in_flight <= 1
    await asyncio.gather(*callers)
    await throttle.close()


async def test_polls_wait_for_the_reset_as_well_and_count_once_they_were_refused_twice() -> None:
    throttle = Throttle(Rates(per_minute=60))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(5):
        await throttle.before_poll()
    assert loop.time() == began

    async def refused_and_asked_again() -> float:
        throttle.limited(CallError("too many", ErrorClass.RATE_LIMITED, retry_after_s=7))
        began = loop.time()
        await throttle.before_poll()
        assert loop.time() - began >= 7
        at = loop.time()
        for _ in range(3):
            await throttle.before_poll()
        return loop.time() - at

    assert await refused_and_asked_again() == 0, "once may be chance"
    assert await refused_and_asked_again() >= 1, "polls take permits"
    await asyncio.sleep(FREE_COUNT_S)
    at = loop.time()
    for _ in range(3):
        await throttle.before_poll()
    assert loop.time() == at, "it is tried anew"
    await throttle.close()
