"""Whose turn it is: fairness between endpoints, dead endpoints, cancelled callers.  Under virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from pipeline.throttle import Closed, Rates, Throttle

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
