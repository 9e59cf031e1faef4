"""When a run stops by itself: at its deadline, and when too much is in doubt."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.preflight import watch_deadline
from tests.run.conftest import products

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.stop import Reason
    from tests.run.conftest import Open


def tools_of(clock: Callable[[], float], reasons: list[Reason], *, left: bool) -> Any:
    async def do(_operation: object) -> bool:
        return left

    return SimpleNamespace(clock=clock, stop_run=reasons.append, ledger=SimpleNamespace(do=do))


@pytest.mark.looptime
async def test_a_deadline_that_finds_nothing_left_to_send_stops_nothing() -> None:
    reasons: list[Reason] = []

    await watch_deadline(tools_of(lambda: 1000.0, reasons, left=False), 1000.0)

    assert reasons == []


@pytest.mark.looptime
async def test_at_the_deadline_the_run_stops_even_if_the_clock_was_set_meanwhile() -> None:
    loop = asyncio.get_running_loop()
    ahead_s = 0.0
    reasons: list[Reason] = []
    tools = tools_of(lambda: 1000.0 + loop.time() + ahead_s, reasons, left=True)
    began = loop.time()

    watching = asyncio.create_task(watch_deadline(tools, 1000.0 + began + 7200))
    await asyncio.sleep(600)
    assert not watching.done()
    ahead_s = 3600.0
    await watching

    assert [reason.word for reason in reasons] == ["deadline"]
    assert 3600 <= loop.time() - began <= 3660


@pytest.mark.parametrize(("api", "kind"), [("queue", "submit"), ("sync", "sync")])
async def test_tasks_in_doubt_stop_the_run_as_failures_do(open_shop: Open, api: str, kind: str) -> None:
    shop = await open_shop({"match": {"kind": kind}, "fault": "drop-after"})

    summary = await shop.run(products(200), api=api, concurrency=4)

    assert (summary["stopped_by"], summary["exit_code"]) == ("failures", 10)
    assert summary["tasks"]["in_doubt"] == shop.bills() < 30
