"""Reserve, charge once, roll back: bills and balance agree, whatever happens to the answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pipeline.endpoints import get
from pipeline.money import nano
from tests.sandbox.bodies import LIGHT, PAGES, REPLACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Start


async def test_each_success_is_billed_once_and_bills_balance_and_answers_agree(start: Start) -> None:
    client = await start(credits=10, free_credits=0.5)

    sync = await client.post("/v1/ic-light", LIGHT)
    queued = await client.run("bg-replace", REPLACE)

    told = (await client.get("/sandbox/bills")).json
    assert [bill["cost_usd"] for bill in told["bills"]] == [0.037, 0.01]
    assert told["total_usd"] == 0.047
    assert [bill["request_id"] for bill in told["bills"]] == [
        sync.headers["x-request-id"],
        queued.json["request_id"],
    ]
    assert told["bills"][1]["body"] == REPLACE
    assert float(queued.json["metrics"]["remaining_credits"]) == 10.5 - 0.047
    # free credits go first
    assert (await client.get("/v1/get-user-credits")).json == {"credits": 10.0, "free-credits": 0.453}


async def test_the_key_is_never_told_whole(start: Start) -> None:
    client = await start()
    await client.post("/v1/ic-light", LIGHT)

    for path in ("/sandbox/bills", "/sandbox/requests", "/sandbox/state", "/inference-request/request-history"):
        assert b"5a5a5a" not in (await client.get(path)).body


@pytest.mark.looptime
async def test_credits_are_reserved_while_jobs_run_and_the_balance_drops_only_at_the_end(
    start: Start, virtual_time: Callable[[], float]
) -> None:
    client = await start(credits=0.10, latency=30.0, clock=virtual_time)

    first, second = (await client.post("/v2/ic-light", LIGHT)).json, await client.post("/v2/ic-light", LIGHT)
    third = await client.post("/v2/ic-light", LIGHT)

    assert second.status == 200
    assert third.status == 406
    assert third.json == {"error": "Insufficient credits. Balance: 0.1000, required: 0.0370"}
    assert (await client.get("/v1/get-user-credits")).json["credits"] == 0.1
    assert (await client.get("/sandbox/state")).json["reserved_usd"] == 0.074
    await asyncio.sleep(31)
    assert (await client.get(first["response_url"])).json["status"] == "COMPLETED"
    assert (await client.get("/v1/get-user-credits")).json["credits"] == 0.026


async def test_a_failed_job_gives_its_reservation_back(start: Start) -> None:
    client = await start(credits=0.04, faults=({"fault": "422-failed", "times": 1},))

    failed = await client.run("ic-light", LIGHT)
    after = await client.post("/v1/ic-light", LIGHT)

    assert failed.status == 422
    assert after.status == 200
    assert client.sandbox.balance_nano == nano(0.003)


async def test_the_teams_spend_limit_is_another_406(start: Start) -> None:
    client = await start(spend_limit=0.05)

    assert (await client.post("/v1/ic-light", LIGHT)).status == 200
    refused = await client.post("/v1/ic-light", LIGHT)

    assert refused.status == 406
    assert "limit" in refused.json["error"]
    assert "credit" not in refused.json["error"].lower()


async def test_prices_are_typical_fixed_or_random_inside_the_range(start: Start) -> None:
    slug, body = "segmind-relighting-v2", PAGES["segmind-relighting-v2"]
    price = get(slug).price_of(body)
    assert price is not None

    costs = {}
    for name, prices in (("typical", "typical"), ("fixed", 0.25), ("by slug", {slug: 0.3}), ("random", "random")):
        client = await start(prices=prices, seed=3)
        costs[name] = [float((await client.post(f"/v1/{slug}", body)).headers["x-cost"]) for _ in range(5)]

    assert costs["typical"] == [price.typical_nano / 1e9] * 5
    assert costs["fixed"] == [0.25] * 5
    assert costs["by slug"] == [0.3] * 5
    assert len(set(costs["random"])) == 5
    assert all(price.low_nano / 1e9 <= cost <= price.worst_nano / 1e9 for cost in costs["random"])


@pytest.mark.looptime
async def test_a_caller_who_leaves_does_not_stop_the_job_or_its_bill(
    start: Start, virtual_time: Callable[[], float]
) -> None:
    client = await start(latency=60.0, clock=virtual_time)

    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(30):
            await client.post("/v1/ic-light", LIGHT)
    assert client.sandbox.bills == []
    await asyncio.sleep(31)

    assert client.sandbox.billed_nano == nano(0.037)


@pytest.mark.looptime
async def test_a_gateway_that_gives_up_answers_504_and_the_job_is_billed_all_the_same(
    start: Start, virtual_time: Callable[[], float]
) -> None:
    client = await start(latency=70.0, gateway_timeout_s=60.0, clock=virtual_time)

    lost = await client.post("/v1/ic-light", LIGHT)
    assert lost.status == 504
    await asyncio.sleep(11)

    [row] = (await client.get("/inference-request/request-history")).json["data"]
    assert row["model_status"] == "COMPLETED"
    assert client.sandbox.billed_nano == nano(0.037)


async def test_a_drawn_seed_is_told_and_a_sent_one_kept(start: Start) -> None:
    client = await start()

    drawn = await client.post("/v1/ic-light", LIGHT)
    sent = await client.post("/v1/ic-light", {**LIGHT, "seed": 42})
    asked = await client.post("/v1/bg-replace", {**REPLACE, "seed": -1})
    default = await client.post("/v1/seg-swap", {**PAGES["seg-swap"]})

    assert drawn.headers["x-seed-value"].isdigit()
    assert sent.headers["x-seed-value"] == "42"
    assert asked.headers["x-seed-value"] != "-1"
    assert default.headers["x-seed-value"] == "42"
