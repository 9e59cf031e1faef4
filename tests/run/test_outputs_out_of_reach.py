"""What was paid for and cannot be had at present: it stays open, says why, stops the buying, and is had later."""

from __future__ import annotations

import contextlib
import sqlite3
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from pipeline.inspection import reading, summary_of
from pipeline.report.terminal import render_status
from pipeline.sandbox.faults import FaultPlan
from tests.run.conftest import products

if TYPE_CHECKING:
    from tests.run.conftest import Open, Shop

DOWN = {"match": {"kind": "output"}, "fault": "500"}
WEEK_S = 7 * 86_400


def status(shop: Shop) -> str:
    out = StringIO()
    with reading(shop.folder) as db:
        Console(file=out, width=400).print(render_status(db))
    return out.getvalue()


@pytest.mark.parametrize(
    ("rule", "error_class"),
    [
        (DOWN, "server_error"),
        ({"match": {"kind": "status"}, "fault": "status", "status": 400}, "bad_request"),
        ({"match": {"kind": "status"}, "fault": "status", "status": 418}, "bad_request"),
        ({"match": {"kind": "status"}, "fault": "redirect"}, "bad_request"),
    ],
    ids=["output", "400", "418", "redirect"],
)
async def test_a_task_that_cannot_be_had_says_why_until_it_is_done(
    open_shop: Open, rule: dict[str, Any], error_class: str
) -> None:
    shop = await open_shop(rule)

    first = await shop.run(products(1))

    (line,) = shop.results()
    assert (first["exit_code"], first["stopped_by"], first["tasks"]["open"]) == (3, None, 1)
    assert (line["state"], line["error_class"]) == ("submitted", error_class)
    assert first["unfetched"] == summary_of(shop.folder)["unfetched"] == {"tasks": 1, "why": line["error"]}
    assert "asks for it again, at no cost" in status(shop)
    shop.sandbox.backend.faults = FaultPlan()
    again = await shop.run(products(1))
    (line,) = shop.results()
    assert (again["exit_code"], line["error_class"], line["error"], line["http_status"]) == (0, "", "", "")
    assert "unfetched" not in again
    assert shop.asked("submit") == shop.bills() == 1
    assert again["cost"]["reserved_usd"] == 0


async def test_a_host_of_outputs_that_is_down_stops_the_buying_and_is_asked_first_by_later_runs(
    open_shop: Open,
) -> None:
    shop = await open_shop(DOWN)

    first = await shop.run(products(60), concurrency=2)
    bought = shop.bills()
    again = await shop.run(products(60), concurrency=2)

    for each in (first, again):
        assert (each["exit_code"], each["stopped_by"]) == (10, "failures")
        assert "the outputs of 10 cannot be had" in each["message"]
    assert 10 <= bought <= 14, "ten, and what four hands held"
    assert shop.bills() - bought <= 4, "the old ones are asked for first: only hands that found none left bought"
    assert first["unfetched"]["tasks"] == bought
    shop.sandbox.backend.faults = FaultPlan()
    assert (await shop.run(products(60)))["tasks"]["done"] == shop.bills() == 60


async def test_a_stop_at_the_third_failure_counts_outputs_that_cannot_be_had(open_shop: Open) -> None:
    shop = await open_shop(DOWN)

    summary = await shop.run(products(20), concurrency=1, max_failures="3")

    assert (summary["exit_code"], summary["stopped_by"]) == (10, "failures")
    assert 3 <= shop.bills() <= 5


async def test_what_the_provider_need_not_have_any_more_stops_no_run(open_shop: Open) -> None:
    shop = await open_shop(DOWN)
    await shop.run(products(10))
    with contextlib.closing(sqlite3.connect(shop.folder / "ledger.db")) as db, db:
        db.execute("UPDATE tasks SET submitted_at = submitted_at - ?", (WEEK_S,))

    summary = await shop.run(products(11))

    assert (summary["exit_code"], summary["stopped_by"], summary["unfetched"]["tasks"]) == (3, None, 11)


async def test_an_output_that_was_lost_and_then_cannot_be_had_tells_the_newest_reason(open_shop: Open) -> None:
    shop = await open_shop({"match": {"kind": "output"}, "fault": "status", "status": 410})
    first = await shop.run(products(1))
    shop.sandbox.backend.faults = FaultPlan([DOWN])

    again = await shop.run(products(1))

    assert (first["tasks"]["failed"], again["tasks"]["failed"], again["tasks"]["open"]) == (1, 0, 1)
    assert shop.results()[0]["error_class"] == "server_error"
    shop.sandbox.backend.faults = FaultPlan()
    assert (await shop.run(products(1)))["tasks"]["done"] == shop.bills() == 1
