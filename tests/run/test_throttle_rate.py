"""The rate: spacing, the hold after a 429, one cut per burst, growth back, learning.  Under virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.rate import LONGEST_HOLD_S, START_PER_MINUTE
from pipeline.throttle import Rates, Throttle

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("virtual")]

NOW = 1_800_000_000.0


def too_many(*, reset_in_s: float | None = None, retry_after_s: float | None = None) -> CallError:
    reset_at = None if reset_in_s is None else NOW + reset_in_s
    return CallError("too many", ErrorClass.RATE_LIMITED, reset_at=reset_at, retry_after_s=retry_after_s)


def throttle_of(rpm: float | None) -> Throttle:
    loop = asyncio.get_running_loop()
    began = loop.time()
    return Throttle(Rates(rpm), wall=lambda: NOW + loop.time() - began, chance=lambda: 0.0)


async def starts(throttle: Throttle, count: int, *, endpoint: str = "a") -> list[float]:
    """When each of *count* calls that are asked for at once may start; each goes well."""
    loop = asyncio.get_running_loop()
    began, times = loop.time(), []

    async def one() -> None:
        async with throttle.admit(endpoint):
            times.append(loop.time() - began)
        throttle.went_well()

    await asyncio.gather(*(one() for _ in range(count)))
    return times


async def test_calls_are_spaced_by_the_rate_and_never_come_in_a_bunch() -> None:
    throttle = throttle_of(120)

    times = await starts(throttle, 10)
    await throttle.close()

    assert times[0] == pytest.approx(0, abs=1e-3)
    assert [later - sooner for sooner, later in pairwise(times)] == pytest.approx([0.5] * 9, abs=1e-3)


async def test_a_pause_earns_no_bunch() -> None:
    throttle = throttle_of(60)
    await starts(throttle, 1)
    await asyncio.sleep(600)

    times = await starts(throttle, 3)
    await throttle.close()

    assert times == pytest.approx([0, 1, 2], abs=1e-3)


async def test_no_limit_starts_everything_at_once() -> None:
    throttle = throttle_of(0)

    times = await starts(throttle, 64)
    await throttle.close()

    assert times == [0] * 64
    assert throttle.per_minute is None


@pytest.mark.parametrize("rpm", [0, 600])
@pytest.mark.parametrize(
    ("refusal", "wait_s"),
    [
        (too_many(reset_in_s=20), 20),
        (too_many(retry_after_s=9), 9),
        (too_many(reset_in_s=20, retry_after_s=9), 20),
        (too_many(), 0.5),
        (too_many(reset_in_s=LONGEST_HOLD_S + 1), 0.5),
        (too_many(reset_in_s=-5), 0.5),
    ],
)
async def test_a_429_holds_every_endpoint_until_the_time_it_names(
    rpm: float, refusal: CallError, wait_s: float
) -> None:
    throttle = throttle_of(rpm)

    throttle.busy(refusal)
    first, second = await asyncio.gather(starts(throttle, 2), starts(throttle, 2, endpoint="b"))
    await throttle.close()

    assert wait_s <= min(first + second) <= wait_s + 0.3


async def test_back_off_doubles_from_burst_to_burst_when_nobody_says_how_long() -> None:
    throttle = throttle_of(600)
    waits = []
    for _ in range(5):
        throttle.busy(too_many())
        waits.append(throttle.held_s)
        await asyncio.sleep(throttle.held_s)

    assert waits == pytest.approx([0.5, 1, 2, 4, 8], abs=1e-3)


async def test_a_burst_of_refusals_lowers_the_rate_once() -> None:
    throttle = throttle_of(600)
    throttle.busy(too_many(reset_in_s=10))
    once = throttle.per_minute
    assert once is not None
    assert once < 600

    for _ in range(20):
        throttle.busy(too_many(reset_in_s=10))

    assert throttle.per_minute == once
    assert throttle.limited_count == 21


async def test_the_rate_grows_back_to_what_was_asked_for_and_no_further() -> None:
    throttle = throttle_of(120)
    throttle.busy(too_many(reset_in_s=1))
    assert throttle.per_minute == pytest.approx(84)

    await starts(throttle, 700)
    await throttle.close()

    assert throttle.per_minute == pytest.approx(120, rel=2e-3)


async def test_without_a_rate_it_starts_low_and_learns() -> None:
    throttle = throttle_of(None)
    assert throttle.per_minute == START_PER_MINUTE

    await starts(throttle, 300)
    await throttle.close()

    assert throttle.per_minute is not None
    assert throttle.per_minute > 3 * START_PER_MINUTE


async def test_what_was_never_tried_is_not_learned() -> None:
    throttle = throttle_of(None)

    for _ in range(50):
        await starts(throttle, 1)
        await asyncio.sleep(10)  # six calls a minute say nothing about seventy
    await throttle.close()

    assert throttle.per_minute == START_PER_MINUTE


@pytest.mark.parametrize("rpm", [0, 600])
async def test_a_wait_of_nothing_is_not_believed_for_ever(rpm: float) -> None:
    throttle = throttle_of(rpm)
    loop = asyncio.get_running_loop()
    began = loop.time()

    for _ in range(10):
        await starts_without_success(throttle)
        throttle.busy(too_many(retry_after_s=0))

    await throttle.close()
    assert loop.time() - began > 60


async def starts_without_success(throttle: Throttle) -> None:
    async with throttle.admit("a"):
        pass


async def test_its_repr_tells_its_state() -> None:
    throttle = throttle_of(60)

    assert repr(throttle) == "<Throttle 60/min, 0 in flight, 0 waiting>"
