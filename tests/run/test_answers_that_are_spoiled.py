"""Paid answers that arrive spoiled: what is free is repeated, the payment never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.run.conftest import products

if TYPE_CHECKING:
    from tests.run.conftest import Open, Shop


def rule(kind: str, fault: str, **more: Any) -> dict[str, Any]:
    return {"match": {"kind": kind}, "fault": fault, **more}


def only(shop: Shop) -> dict[str, str]:
    (line,) = shop.results()
    return line


@pytest.mark.parametrize("kind", ["status", "result", "output"])
@pytest.mark.parametrize("fault", ["500", "502", "504", "429", "cut", "drop-before", "empty", "html", "not-json"])
async def test_a_spoiled_look_or_download_is_repeated(open_shop: Open, kind: str, fault: str) -> None:
    if kind == "output" and fault == "429":
        pytest.skip("storage has no rate limit")
    more = {"reset_s": 0.05} if fault == "429" else {}
    shop = await open_shop(rule(kind, fault, times=2, **more))

    summary = await shop.run(products(1))

    assert summary["tasks"]["done"] == 1
    assert summary["requests"]["submit"] == shop.bills() == 1


@pytest.mark.parametrize("fault", ["truncated-image", "not-an-image", "html", "empty"])
async def test_an_output_that_is_no_image_is_fetched_three_times_and_never_paid_again(
    open_shop: Open, fault: str
) -> None:
    shop = await open_shop(rule("output", fault))

    first = await shop.run(products(1))

    assert shop.asked("output") == 3
    again = await shop.run(products(1))
    assert first["exit_code"] == again["exit_code"] == 3
    assert (only(shop)["state"], only(shop)["error_class"]) == ("failed", "bad_output")
    assert shop.asked("submit") == shop.bills() == 1
    for each in (first, again):
        assert each["cost"]["billed_usd"] == pytest.approx(shop.sandbox.billed_nano / 1e9)
        assert each["cost"]["reserved_usd"] == 0
    assert not list((shop.folder / "images").rglob("*.*"))


@pytest.mark.parametrize(
    "fault",
    [{"fault": "html", "times": 3}, {"fault": "status", "status": 410, "times": 1}],
    ids=["bad_output", "lost"],
)
async def test_a_paid_output_that_could_not_be_had_is_asked_for_again_by_the_next_run(
    open_shop: Open, fault: dict[str, Any]
) -> None:
    shop = await open_shop({"match": {"kind": "output"}, **fault})
    rows = [*products(1), {**products(1)[0], "sku": "twin"}]

    first = await shop.run(rows)
    again = await shop.run(rows)

    assert (first["tasks"]["failed"], again["tasks"]["done"], again["tasks"]["reused"]) == (2, 2, 1)
    assert shop.asked("submit") == shop.bills() == 1
    assert again["cost"]["billed_usd"] == pytest.approx(shop.sandbox.billed_nano / 1e9)
    assert again["cost"]["reserved_usd"] == 0


async def test_a_result_that_names_its_picture_at_the_second_look_is_whole(open_shop: Open) -> None:
    blank = {"status": "COMPLETED", "output": None, "images": []}
    shop = await open_shop({"match": {"kind": "result"}, "fault": "status", "status": 200, "body": blank, "times": 1})

    summary = await shop.run(products(1))

    assert summary["tasks"]["done"] == shop.bills() == 1


async def test_the_first_bytes_of_what_is_no_image_are_in_the_ledger(open_shop: Open) -> None:
    shop = await open_shop(rule("output", "html"))

    await shop.run(products(1))

    assert "<html" in only(shop)["error"].lower()


@pytest.mark.parametrize("fault", ["truncated-image", "not-an-image", "html", "empty", "cut"])
async def test_a_spoiled_blocking_answer_is_had_from_where_the_provider_keeps_it(open_shop: Open, fault: str) -> None:
    shop = await open_shop(rule("sync", fault))

    summary = await shop.run(products(1), api="sync")

    assert summary["tasks"]["done"] == 1
    assert shop.asked("sync") == shop.bills() == 1


async def test_a_blocking_answer_that_is_kept_nowhere_else_is_bad_output(open_shop: Open) -> None:
    shop = await open_shop(rule("sync", "truncated-image"), rule("output", "truncated-image"))

    await shop.run(products(1), api="sync")
    await shop.run(products(1), api="sync")

    assert only(shop)["error_class"] == "bad_output"
    assert shop.asked("sync") == shop.bills() == 1


@pytest.mark.parametrize("fault", ["cut", "empty", "html", "not-json"])
async def test_a_submit_whose_answer_is_spoiled_is_never_repeated_blindly(open_shop: Open, fault: str) -> None:
    shop = await open_shop(rule("submit", fault, times=1, at=0.2) if fault == "cut" else rule("submit", fault, times=1))

    first = await shop.run(products(1))
    second = await shop.run(products(1))

    assert first["tasks"]["in_doubt"] + first["tasks"]["done"] == 1
    assert second["tasks"]["done"] == 1
    assert shop.asked("submit") == shop.bills() == 1


async def test_an_expired_record_is_had_from_the_history(open_shop: Open) -> None:
    shop = await open_shop(rule("status", "expired-record"))

    summary = await shop.run(products(1))

    assert summary["tasks"]["done"] == shop.bills() == 1


async def test_an_output_that_has_expired_is_lost_and_its_price_is_counted(open_shop: Open) -> None:
    shop = await open_shop(rule("output", "expired-output", status=410))

    summary = await shop.run(products(1))

    assert summary["exit_code"] == 3
    assert (only(shop)["error_class"], shop.bills()) == ("lost", 1)
    assert summary["cost"]["billed_usd"] == pytest.approx(shop.sandbox.billed_nano / 1e9)
    assert summary["cost"]["reserved_usd"] == 0


async def test_a_redirect_never_carries_the_key(open_shop: Open) -> None:
    shop = await open_shop(rule("output", "redirect", times=1))

    summary = await shop.run(products(1))

    assert summary["tasks"]["done"] == 1
    assert [each.key_sent for each in shop.sandbox.backend.log.entries if each.kind == "output"][-1] is False


@pytest.mark.parametrize(
    "options",
    [
        {"v2_output": "list"},
        {"v2_images": False},
        {"v1_one": "json"},
        {"v1_many": "urls"},
        {"history_body": "json"},
        {"upload_answer": "list"},
    ],
)
@pytest.mark.parametrize("api", ["queue", "sync"])
async def test_every_shape_of_answer_gives_every_image(open_shop: Open, api: str, options: dict[str, Any]) -> None:
    shop = await open_shop(**options)
    replace = {
        "name": "beach",
        "endpoint": "bg-replace",
        "params": {"image": "{image_url}", "ref_image": "https://shop.example/beach.jpg", "prompt": "x", "samples": 2},
    }

    summary = await shop.run(products(1), replace, api=api)

    assert summary["tasks"]["done"] == shop.bills() == 1
    assert sorted(path.stem for path in (shop.folder / "images").rglob("*.*")) == ["beach", "beach-2"]
    assert only(shop)["output"].startswith("images/P-001/beach.")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 522, 530])
async def test_a_blocking_call_that_went_on_behind_a_gateway_is_fetched_and_not_paid_again(
    open_shop: Open, status: int
) -> None:
    shop = await open_shop({"match": {"kind": "sync"}, "fault": "status", "status": status, "after": True})

    summary = await shop.run(products(3), api="sync")

    assert summary["tasks"]["done"] == shop.bills() == shop.asked("sync") == 3
    assert summary["cost"]["billed_usd"] == pytest.approx(shop.sandbox.billed_nano / 1e9)
    assert summary["cost"]["reserved_usd"] == 0


@pytest.mark.parametrize("body", ["<html>done</html>", '{"message": "ok"}', ""])
async def test_an_answer_without_image_and_id_is_looked_up_in_the_history(open_shop: Open, body: str) -> None:
    shop = await open_shop(
        {"match": {"kind": "sync"}, "fault": "status", "status": 200, "body": body, "after": True, "times": 1}
    )

    summary = await shop.run(products(2), api="sync")

    assert summary["tasks"]["done"] == shop.bills() == shop.asked("sync") == 2


async def test_a_blocking_call_that_may_have_gone_on_is_in_doubt(open_shop: Open) -> None:
    rule = {"match": {"kind": "sync"}, "fault": "504", "after": True, "times": 1}
    shop = await open_shop(rule, history_body="none")

    summary = await shop.run(products(1), api="sync")

    assert summary["tasks"]["in_doubt"] == shop.bills() == 1
