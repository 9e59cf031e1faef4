"""Rate limits of three kinds, with the provider's header and without Retry-After, under virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.sandbox.limits import Bucket, FixedWindow, SlidingWindow, reset_header
from tests.sandbox.bodies import LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.sandbox.limits import Limit
    from tests.sandbox.conftest import Start

HEADER = "x-rate-limit-reset-at-utc"


@pytest.mark.parametrize(
    ("limit", "passed"),
    [
        (FixedWindow(6), {0: 6, 59: 0, 60: 6}),
        (SlidingWindow(6), {0: 3, 30: 3, 59: 0, 60: 3, 90: 3}),
        (Bucket(6, 2), {0: 2, 5: 0, 10: 1, 40: 2}),
    ],
)
def test_each_kind_lets_through_what_it_should(limit: Limit, passed: dict[int, int]) -> None:
    for at, calls in passed.items():
        tried = 3 if isinstance(limit, SlidingWindow) and calls else 8
        admitted = [limit.admit(1_800_000_000 + at) for _ in range(tried)]
        assert admitted.count(None) == calls, f"at second {at}"


@pytest.mark.parametrize("limit", [FixedWindow(5), SlidingWindow(5), Bucket(5, 1)])
def test_a_call_at_the_reset_time_passes(limit: Limit) -> None:
    now = 1_800_000_000.3
    while (reset_at := limit.admit(now)) is None:
        pass

    assert reset_at > now
    assert limit.admit(reset_at) is None


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("iso", {HEADER: "2027-01-15T08:00:00.251Z"}),
        ("datetime", {HEADER: "2027-01-15 08:00:01"}),
        ("epoch", {HEADER: "1800000001"}),
        ("none", {}),
    ],
)
def test_the_reset_is_never_told_too_early(form: str, told: dict[str, str]) -> None:
    assert reset_header(1_800_000_000.2504, form) == told


@pytest.mark.looptime
@pytest.mark.parametrize("kind", ["fixed", "sliding", "bucket"])
async def test_a_refused_call_is_told_when_to_come_back_and_then_passes(
    start: Start, virtual_time: Callable[[], float], kind: str
) -> None:
    client = await start(rpm=3, rpm_window=kind, rpm_burst=3, clock=virtual_time)

    first = [(await client.post("/v1/ic-light", LIGHT)).status for _ in range(3)]
    refused = await client.post("/v1/ic-light", LIGHT)

    assert first == [200, 200, 200]
    assert refused.status == 429
    assert "retry-after" not in refused.headers
    reset_at = datetime.fromisoformat(refused.headers[HEADER]).astimezone(UTC).timestamp()
    await asyncio.sleep(reset_at - virtual_time())
    assert (await client.post("/v1/ic-light", LIGHT)).status == 200
    assert len(client.sandbox.bills) == 4


async def test_polls_count_only_when_told_to_and_every_key_has_its_own_limit(start: Start) -> None:
    free, counting = await start(rpm=2), await start(rpm=2, polls_count=True)

    for client, last in ((free, 200), (counting, 429)):
        sent = (await client.post("/v2/ic-light", LIGHT)).json
        polls = [(await client.get(sent["status_url"])).status for _ in range(3)]
        assert polls[-1] == last
        other = await client.get("/v1/get-user-credits", headers={"x-api-key": "SG_" + "0" * 16})
        assert other.status == 200
