"""What follows an answer that is no picture, through real sockets: retries, failures, doubts.  Both transports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.run.conftest import MOOD, QUICK, products

if TYPE_CHECKING:
    from tests.run.conftest import Open, Shop

pytestmark = pytest.mark.parametrize("api", ["queue", "sync"])


def paid(fault: str, api: str, **more: Any) -> dict[str, Any]:
    """A rule that strikes the paid request."""
    return {"match": {"kind": "submit" if api == "queue" else "sync"}, "fault": fault, **more}


def only(shop: Shop) -> dict[str, str]:
    (line,) = shop.results()
    return line


@pytest.mark.parametrize("fault", ["502", "503", "504"])
async def test_a_gateway_error_is_retried_until_it_passes(open_shop: Open, api: str, fault: str) -> None:
    shop = await open_shop(paid(fault, api, times=3))

    summary = await shop.run(products(1), api=api)

    assert summary["exit_code"] == 0
    assert summary["requests"]["submit"] == 4
    assert summary["requests"]["http_5xx"] == 3
    assert only(shop)["attempts"] == "4"
    assert shop.bills() == 1


async def test_a_gateway_error_that_stays_fails_the_task_after_five_attempts(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("502", api))

    summary = await shop.run(products(1), api=api)

    assert summary["exit_code"] == 3
    assert (only(shop)["error_class"], only(shop)["http_status"], only(shop)["attempts"]) == ("gateway", "502", "5")
    assert summary["cost"]["billed_usd"] == summary["cost"]["reserved_usd"] == 0


async def test_what_failed_for_a_passing_cause_is_taken_up_by_the_next_run(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("502", api, times=5))
    await shop.run(products(1), api=api)

    summary = await shop.run(products(1), api=api)

    assert summary["tasks"]["done"] == 1
    assert shop.bills() == 1


@pytest.mark.parametrize(("times", "state", "bills"), [(1, "done", 1), (2, "failed", 0)])
async def test_a_500_is_tried_once_more(open_shop: Open, api: str, times: int, state: str, bills: int) -> None:
    shop = await open_shop(paid("500", api, times=times))

    summary = await shop.run(products(1), api=api)

    assert only(shop)["state"] == state
    assert summary["requests"]["submit"] == 2
    assert shop.bills() == bills
    assert only(shop)["error_class"] == ("server_error" if state == "failed" else "")


@pytest.mark.parametrize(
    ("status", "message", "error_class"),
    [
        (400, "Invalid JSON in request body", "bad_request"),
        (404, "Model not found", "not_found"),
        (422, "value is not a valid integer", "bad_request"),
        (406, "Invalid value for parameter: steps", "rejected"),
        (413, "too large", "bad_request"),
    ],
)
async def test_a_refusal_fails_the_task_at_once_and_costs_nothing(
    open_shop: Open, api: str, status: int, message: str, error_class: str
) -> None:
    shop = await open_shop(paid("status", api, status=status, message=message))

    summary = await shop.run(products(2), api=api)

    assert summary["exit_code"] == 3
    assert summary["requests"]["submit"] == 2
    assert summary["cost"]["reserved_usd"] == 0
    for line in shop.results():
        assert (line["state"], line["error_class"], line["http_status"]) == ("failed", error_class, str(status))
        assert message in line["error"]

    again = await shop.run(products(2), api=api)

    assert again["requests"]["submit"] == 0, "final until its parameters change"


async def test_an_inference_that_fails_is_not_billed(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("422-failed", api, times=1))

    summary = await shop.run(products(1), api=api)

    # A blocking call answers 422 for parameters as well, and says no more.
    assert only(shop)["error_class"] == ("inference_failed" if api == "queue" else "bad_request")
    assert summary["cost"]["billed_usd"] == summary["cost"]["reserved_usd"] == 0
    assert shop.bills() == 0


@pytest.mark.parametrize("fault", ["drop-before", "drop-after"])
async def test_no_answer_leaves_the_task_in_doubt_and_it_is_not_sent_again(
    open_shop: Open, api: str, fault: str
) -> None:
    shop = await open_shop(paid(fault, api, times=1), {"match": {"kind": "history"}, "fault": "500"})

    first = await shop.run(products(2), api=api)
    again = await shop.run(products(2), api=api)
    resumed = await shop.resume(api=api)

    assert [each["exit_code"] for each in (first, again, resumed)] == [6, 6, 6]
    assert first["tasks"]["in_doubt"] == resumed["tasks"]["in_doubt"] == 1
    assert (again["requests"]["submit"], resumed["requests"]["submit"]) == (0, 0)
    assert resumed["cost"]["reserved_usd"] > 0
    (doubtful,) = [line for line in shop.results() if line["state"] == "in_doubt"]
    assert doubtful["error_class"] == "connection"


@pytest.mark.parametrize("status", [408, 520, 524])
async def test_a_proxy_that_had_no_answer_leaves_the_task_in_doubt(open_shop: Open, api: str, status: int) -> None:
    kind = "submit" if api == "queue" else "sync"
    rule = {"match": {"kind": kind}, "fault": "status", "status": status, "after": True, "times": 1}
    shop = await open_shop(rule)

    first = await shop.run(products(1), api=api)
    again = await shop.run(products(1), api=api)

    assert (first["exit_code"], again["exit_code"]) == (6, 0)
    assert shop.bills() == again["tasks"]["done"] == 1


async def test_a_call_in_doubt_that_was_billed_is_fetched_from_the_history(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("drop-after", api, times=1))
    await shop.run(products(1), api=api)

    summary = await shop.run(products(1), api=api)

    assert summary["tasks"]["done"] == 1
    assert summary["requests"]["submit"] == 0
    assert shop.bills() == 1
    assert summary["cost"]["reserved_usd"] == 0
    assert summary["cost"]["billed_usd"] == pytest.approx(shop.sandbox.billed_nano / 1e9)


@pytest.mark.parametrize("form", ["imageless", "none"])
async def test_a_call_in_doubt_that_the_history_may_have_is_not_sent_again(
    open_shop: Open, api: str, form: str
) -> None:
    shop = await open_shop(paid("drop-after", api, times=1), history_body=form)
    await shop.run(products(2), api=api)

    again = await shop.run(products(2), api=api)

    assert (again["exit_code"], again["tasks"]["in_doubt"], again["tasks"]["done"]) == (6, 1, 1)
    assert again["requests"]["submit"] == 0
    assert shop.bills() == 2


async def test_a_drawn_seed_is_enough_for_a_history_without_images(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("drop-after", api, times=1), history_body="imageless")
    await shop.run(products(1), MOOD, api=api)

    summary = await shop.run(products(1), MOOD, api=api)

    assert (summary["tasks"]["done"], summary["requests"]["submit"], shop.bills()) == (1, 0, 1)


async def test_a_call_in_doubt_that_never_arrived_is_sent_again(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("drop-before", api, times=1))
    assert (await shop.run(products(1), api=api))["tasks"]["in_doubt"] == 1

    summary = await shop.run(products(1), api=api)

    assert summary["tasks"]["done"] == shop.bills() == 1
    assert summary["requests"]["submit"] == 1


async def test_a_time_out_after_sending_is_in_doubt(open_shop: Open, api: str) -> None:
    from pipeline.provider import Timeouts

    shop = await open_shop(paid("hang", api, times=1))

    summary = await shop.run(products(1), api=api, timeouts=Timeouts(connect_s=0.2, answer_s=0.1, blocking_s=0.1))

    assert summary["exit_code"] == 6
    assert only(shop)["error_class"] == "timeout"


async def test_a_connection_that_never_stood_is_retried(open_shop: Open, api: str) -> None:
    shop = await open_shop()
    await shop.sandbox.stop()

    impatient = replace(QUICK, line_s=0.1)
    summary = await shop.run(products(1), api=api, preflight=False, patience=impatient)

    assert summary["exit_code"] == 3
    assert only(shop)["error_class"] == "connection"
    assert int(only(shop)["attempts"]) > 1
    assert summary["tasks"]["in_doubt"] == 0
