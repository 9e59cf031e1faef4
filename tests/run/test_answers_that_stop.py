"""Answers that stop a run or an endpoint, and the one that holds everybody: through real sockets, both transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import pipeline
from pipeline.errors import AccountError
from tests.run.conftest import MOOD, SCENE, STUDIO, products

if TYPE_CHECKING:
    from tests.run.conftest import Open

pytestmark = pytest.mark.parametrize("api", ["queue", "sync"])


def paid(fault: str, api: str, **more: Any) -> dict[str, Any]:
    match = {"kind": "submit" if api == "queue" else "sync", **more.pop("match", {})}
    return {"match": match, "fault": fault, **more}


@pytest.mark.parametrize("fault", ["401", "406-credits", "406-limit"])
async def test_an_account_that_does_not_work_stops_the_run_and_leaves_its_tasks_open(
    open_shop: Open, api: str, fault: str
) -> None:
    shop = await open_shop(paid(fault, api))

    summary = await shop.run(products(30), api=api, concurrency=2)

    assert (summary["exit_code"], summary["stopped_by"]) == (5, "account")
    assert summary["tasks"]["open"] == 30
    assert summary["requests"]["submit"] <= 2, "at the first one: only what was under way already"
    assert summary["cost"]["reserved_usd"] == 0
    assert shop.states() == {"planned": 30}


async def test_a_run_stopped_for_money_goes_on_when_there_is_some(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("406-credits", api, times=1))
    await shop.run(products(3), api=api, concurrency=1)

    summary = await shop.run(products(3), api=api)

    assert (summary["exit_code"], shop.bills()) == (0, 3)


async def test_a_bad_key_is_found_before_anything_is_sent(open_shop: Open, api: str) -> None:
    shop = await open_shop()

    summary = await shop.run(products(2), api=api, api_key="SG_bad0123456789abcd")

    assert (summary["exit_code"], summary["stopped_by"], summary["tasks"]["open"]) == (5, "account", 2)
    assert "SG_bad" not in str(summary)
    assert shop.asked("submit") == shop.asked("sync") == 0


async def test_no_key_is_an_error_that_names_the_variable(open_shop: Open, api: str) -> None:
    shop = await open_shop()

    with pytest.raises(AccountError) as refused:
        await shop.run(products(1), api=api, api_key=None)

    assert "SEGMIND_API_KEY" in refused.value.hint


@pytest.mark.parametrize("fault", ["403", "410"])
async def test_one_closed_endpoint_does_not_stop_the_others(open_shop: Open, api: str, fault: str) -> None:
    shop = await open_shop(paid(fault, api, match={"endpoint": "ic-light"}))

    summary = await shop.run(products(5), STUDIO, MOOD, SCENE, api=api)

    assert (summary["exit_code"], summary["stopped_by"]) == (5, "account")
    assert summary["tasks"]["done"] == 10
    assert {line["endpoint"] for line in shop.results() if line["state"] == "planned"} == {"ic-light"}
    assert shop.bills() == 10


async def test_a_429_holds_every_worker_until_the_reset_and_uses_up_no_attempt(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("429", api, times=1, reset_s=0.4))

    summary = await shop.run(products(8), api=api, concurrency=1)

    assert summary["exit_code"] == 0
    assert summary["requests"]["http_429"] == 1
    refused, *others = [each for each in shop.sandbox.backend.log.entries if each.kind in ("submit", "sync")]
    assert refused.status == 429
    assert len(others) == 8
    assert min(each.at for each in others) >= refused.at + 0.4


async def test_429s_beyond_the_number_of_attempts_fail_nothing(open_shop: Open, api: str) -> None:
    shop = await open_shop(paid("429", api, times=6, reset_s=0.05))

    summary = await shop.run(products(1), api=api)

    assert summary["exit_code"] == 0
    assert summary["requests"]["submit"] == 7
    assert shop.bills() == 1


async def test_a_limit_at_the_server_is_met_without_a_failure(open_shop: Open, api: str) -> None:
    shop = await open_shop(rpm=600, rpm_window="bucket", rpm_burst=5)

    summary = await shop.run(products(15), api=api)

    assert summary["exit_code"] == 0
    assert summary["requests"]["http_429"] >= 1
    assert shop.bills() == 15


async def test_the_python_interface_names_its_error_family(open_shop: Open, api: str) -> None:
    shop = await open_shop()

    with pytest.raises(pipeline.PipelineError):
        await shop.run(products(1), api=api, api_key="")


async def test_without_a_line_to_the_provider_nothing_is_begun(open_shop: Open, api: str) -> None:
    shop = await open_shop()

    summary = await shop.run(products(3), api=api, base_url="http://127.0.0.1:9")
    later = await shop.resume(api=api)

    assert (summary["stopped_by"], summary["exit_code"], summary["requests"]["submit"]) == ("connection", 10, 0)
    assert summary["tasks"]["open"] == 3
    assert "nothing was sent" in summary["message"]
    assert later["tasks"]["done"] == 3

    idle = await shop.resume(api=api, base_url="http://127.0.0.1:9")

    assert idle["exit_code"] == 0, "nothing is to be sent or fetched"
