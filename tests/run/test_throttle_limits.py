"""How well a server's limit is used, and how rarely it is hit: three kinds of limits, given and learned rates.

Under virtual time, with the sandbox's own limits and a little jitter on the way.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.sandbox.limits import Bucket, FixedWindow, SlidingWindow
from pipeline.throttle import Rates, Throttle

if TYPE_CHECKING:
    from pipeline.sandbox.limits import Limit

pytestmark = [pytest.mark.looptime(noop_cycles=8), pytest.mark.usefixtures("virtual")]

EPOCH = 1_800_000_017.3  # in the middle of a minute of the clock
PER_MINUTE = 600
LIMITS = {
    "fixed": lambda: FixedWindow(PER_MINUTE),
    "sliding": lambda: SlidingWindow(PER_MINUTE),
    "bucket": lambda: Bucket(PER_MINUTE, PER_MINUTE // 60),
}


@dataclass
class Server:
    """Counts what its limit lets through, by second of its time."""

    limit: Limit
    jitter_s: float = 0.02
    latency_s: float = 2.0
    passed: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    async def call(self) -> None:
        await asyncio.sleep(self.chance.random() * self.jitter_s)
        now = self.now()
        reset_at = self.limit.admit(now)
        if reset_at is not None:
            self.refused.append(now)
            raise CallError("too many", ErrorClass.RATE_LIMITED, http_status=429, reset_at=reset_at)
        self.passed.append(now)
        await asyncio.sleep(self.latency_s)


async def press(server: Server, throttle: Throttle, seconds: float) -> None:
    """Ask for as many calls as the throttle lets through, for *seconds*."""

    async def worker() -> None:
        while True:
            try:
                async with throttle.admit("ic-light"):
                    await server.call()
                throttle.went_well()
            except CallError as error:
                throttle.busy(error)

    workers = [asyncio.create_task(worker()) for _ in range(60)]
    await asyncio.sleep(seconds)
    for each in workers:
        each.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await throttle.close()


class Incident:
    """A limit that refuses everything for ten minutes, without saying until when that lasts."""

    def __init__(self) -> None:
        self._limit = FixedWindow(PER_MINUTE)

    def admit(self, now: float) -> float | None:
        if 600 <= now - EPOCH < 1200:
            return now + 20
        return self._limit.admit(now)


@pytest.mark.parametrize("rpm", [600, None])
async def test_after_ten_minutes_in_which_everything_was_refused_the_rate_is_back_soon(rpm: float | None) -> None:
    server = Server(Incident())
    throttle = Throttle(Rates(rpm, in_flight=64), wall=server.now, chance=server.chance.random)

    await press(server, throttle, 1800)

    assert sum(at - EPOCH >= 1500 for at in server.passed) >= 0.95 * PER_MINUTE * 5


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize(("rpm", "warm_up_s"), [(600, 0.0), (None, 180.0)])
async def test_a_limit_is_used_up_and_hardly_ever_hit(kind: str, rpm: float | None, warm_up_s: float) -> None:
    server = Server(LIMITS[kind]())
    throttle = Throttle(Rates(rpm, in_flight=64), wall=server.now, chance=server.chance.random)
    began, seconds = server.now() + warm_up_s, 300.0

    await press(server, throttle, warm_up_s + seconds)

    passed = sum(at >= began for at in server.passed)
    refused = sum(at >= began for at in server.refused)
    assert passed >= 0.95 * PER_MINUTE * seconds / 60
    assert refused < 0.01 * (passed + refused)


@pytest.mark.parametrize("limit", [FixedWindow(5), SlidingWindow(5)])
async def test_a_limit_of_a_few_calls_a_minute_is_learnt_without_hitting_it_every_other_minute(limit: Limit) -> None:
    server = Server(limit)
    throttle = Throttle(Rates(None, in_flight=64), wall=server.now, chance=server.chance.random)
    began, seconds = server.now() + 1200.0, 7200.0

    await press(server, throttle, 1200.0 + seconds)

    passed = sum(at >= began for at in server.passed)
    refused = sum(at >= began for at in server.refused)
    assert passed >= 0.9 * 5 * seconds / 60
    assert refused < 0.06 * (passed + refused)


class Chance:
    """Refuses one call in *share*, whatever the rate, for two seconds."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._chance = random.Random(3)

    def admit(self, now: float) -> float | None:
        return now + 2 if self._chance.random() < self._share else None


@pytest.mark.parametrize(("share", "least"), [(0.02, 45), (0.1, 8)])
async def test_refusals_by_chance_never_end_at_a_standstill(share: float, least: float) -> None:
    server = Server(Chance(share))
    throttle = Throttle(Rates(None, in_flight=64), wall=server.now, chance=server.chance.random)

    await press(server, throttle, 3 * 3600)

    assert sum(at - EPOCH >= 2 * 3600 for at in server.passed) >= least * 60


async def test_one_refused_poll_costs_minutes_and_not_the_night() -> None:
    server = Server(FixedWindow(PER_MINUTE))
    throttle = Throttle(Rates(None, in_flight=64), wall=server.now, chance=server.chance.random)

    async def polls() -> None:
        for _ in range(5400):
            await throttle.before_poll()
            throttle.polled()
            await asyncio.sleep(0.3)

    async def refused() -> None:
        await asyncio.sleep(20)
        throttle.limited(CallError("too many", ErrorClass.RATE_LIMITED, http_status=429, reset_at=server.now() + 2))

    async with asyncio.TaskGroup() as group:
        group.create_task(polls())
        group.create_task(refused())
        await press(server, throttle, 1500)

    assert sum(at - EPOCH >= 1200 for at in server.passed) >= 0.95 * PER_MINUTE * 5
