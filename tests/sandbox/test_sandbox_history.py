"""The request history: what it lists, in which order, on which page, and when it knows of a job."""

from __future__ import annotations

import ast
import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.bodies import LIGHT, REPLACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Client, Start

DAY_S = 86_400.0
PATH = "/inference-request/request-history"


async def rows(client: Client, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(PATH, params=asked)).json["data"]
    return found


async def test_every_output_of_a_request_is_a_row_with_the_full_cost(start: Start) -> None:
    client = await start()
    made = await client.run("bg-replace", {**REPLACE, "samples": 3})

    found = await rows(client)

    assert {row["request_id"] for row in found} == {made.json["request_id"]}
    assert sorted(row["generation_url"] for row in found) == sorted(made.json["output"])
    assert [row["credits_deduction"] for row in found] == [0.03] * 3


@pytest.mark.looptime
async def test_failed_and_running_requests_are_listed_too(start: Start, virtual_time: Callable[[], float]) -> None:
    client = await start(latency=10.0, clock=virtual_time, faults=({"fault": "422-failed", "times": 1},))
    failed = (await client.post("/v2/ic-light", LIGHT)).json
    await asyncio.sleep(11)
    running = (await client.post("/v2/ic-light", LIGHT)).json

    assert [row["request_id"] for row in await rows(client, status="PENDING")] == [running["request_id"]]
    [row] = await rows(client, status="FAILED")
    assert row["request_id"] == failed["request_id"]
    assert row["credits_deduction"] == 0
    assert row["error"]
    assert row["generation_url"] is None
    assert (await client.get("/inference-request/generations")).json["data"] == []


async def test_pages_names_and_order(start: Start) -> None:
    client = await start()
    for seed in range(5):
        await client.post("/v1/ic-light", {**LIGHT, "seed": seed, "steps": 10 + seed})
    await client.post("/v1/bg-replace", REPLACE)

    def seeds(found: list[dict[str, Any]]) -> list[int]:
        return [ast.literal_eval(row["request_body"])["seed"] for row in found]

    assert seeds(await rows(client, model_name="light")) == [4, 3, 2, 1, 0]
    assert seeds(await rows(client, model_name="ic-light", sort_order="asc", per_page=2, page=2)) == [2, 3]
    assert await rows(client, page=9) == []
    by_cost = await rows(client, sort_by="credits_deduction")
    assert [row["credits_deduction"] for row in by_cost] == sorted(
        (r["credits_deduction"] for r in by_cost), reverse=True
    )
    names = [row["model_name"] for row in await rows(client, sort_by="model_name", sort_order="asc")]
    assert names == ["bg-replace", *["ic-light"] * 5]
    page = (await client.get(PATH, params={"per_page": 4})).json
    assert (page["total"], page["total_pages"], len(page["data"])) == (6, 2, 4)


@pytest.mark.parametrize(
    "asked",
    [
        {"per_page": "0"},
        {"per_page": "101"},
        {"page": "zero"},
        {"status": "DONE"},
        {"sort_by": "price"},
        {"from_date": "01.02.2027"},
        {"from_date": "2026-01-01", "to_date": "2026-03-01"},
        {"from_date": "2026-02-01", "to_date": "2026-01-01"},
    ],
)
async def test_what_cannot_be_asked_is_a_bad_request(start: Start, asked: dict[str, str]) -> None:
    client = await start()

    assert (await client.get(PATH, params=asked)).status == 400


@pytest.mark.looptime
async def test_the_window_is_seven_days_and_one_request_is_found_at_any_age(
    start: Start, virtual_time: Callable[[], float]
) -> None:
    client = await start(clock=virtual_time)
    made = await client.post("/v1/ic-light", LIGHT)
    await asyncio.sleep(10 * DAY_S)

    assert await rows(client) == []
    assert len(await rows(client, from_date="2027-01-10", to_date="2027-01-20")) == 1
    request_id = made.headers["x-request-id"]
    assert (await client.get(f"{PATH}/{request_id}")).json["request_id"] == request_id


@pytest.mark.looptime
async def test_the_history_may_lag_behind(start: Start, virtual_time: Callable[[], float]) -> None:
    client = await start(history_lag_s=30, clock=virtual_time)
    await client.post("/v1/ic-light", LIGHT)

    assert await rows(client) == []
    await asyncio.sleep(30)
    assert len(await rows(client)) == 1


@pytest.mark.parametrize(
    ("form", "read"), [("repr", ast.literal_eval), ("json", json.loads), ("object", lambda body: body)]
)
async def test_the_body_is_kept_as_sent_in_the_chosen_form(start: Start, form: str, read: Callable[[Any], Any]) -> None:
    client = await start(history_body=form)
    await client.post("/v1/ic-light", LIGHT)

    [row] = await rows(client)

    assert read(row["request_body"]) == LIGHT


@pytest.mark.parametrize(("form", "kept"), [("imageless", {"prompt": LIGHT["prompt"]}), ("none", None)])
async def test_the_body_may_be_kept_without_its_images_or_not(start: Start, form: str, kept: object) -> None:
    client = await start(history_body=form)
    await client.post("/v1/ic-light", LIGHT)

    [row] = await rows(client)

    assert row["request_body"] == kept


@pytest.mark.looptime
async def test_records_expire_after_an_hour_and_outputs_after_a_week(
    start: Start, virtual_time: Callable[[], float]
) -> None:
    client = await start(clock=virtual_time)
    sent = (await client.post("/v2/ic-light", LIGHT)).json
    url = (await client.settled(sent)).json["output"]

    await asyncio.sleep(3590)
    assert (await client.get(sent["response_url"])).status == 200
    await asyncio.sleep(20)
    for name in ("status_url", "response_url", "poll_url"):
        assert (await client.get(sent[name])).status == 404
    assert (await client.get(url)).status == 200
    await asyncio.sleep(7 * DAY_S)
    assert (await client.get(url)).status == 404
