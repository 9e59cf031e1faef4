"""Every fault is really produced on the socket, is seen in the request log, and bills exactly what it should."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

from pipeline.errors import InputError
from pipeline.money import nano
from pipeline.sandbox import SANDBOX_KEY
from pipeline.sandbox.faults import FAULTS, FaultPlan, Seen, plan_from
from tests.sandbox.bodies import LIGHT, REPLACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Client, Reply, Start

PNG_LIGHT = {**LIGHT, "output_format": "png"}
COST = nano(0.037)


def rule(fault: str, path: str = "*", **more: Any) -> dict[str, Any]:
    return {"match": {"path": path}, "fault": fault, "times": 1, **more}


async def logged(client: Client, fault: str) -> list[int | None]:
    """Statuses that the log shows for *fault*."""
    entries = (await client.get("/sandbox/requests")).json["requests"]
    return [entry["status"] for entry in entries if entry["fault"] == fault]


def is_whole(image: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(image)) as opened:
            opened.load()
    except (OSError, SyntaxError):
        return False
    return True


BEFORE = [
    ("429", 429, "Rate limit"),
    ("500", 500, "Internal server error"),
    ("503", 503, "Service unavailable"),
    ("504", 504, "timed out"),
    ("401", 401, "Unauthorized"),
    ("403", 403, "ic-light"),
    ("410", 410, "retired"),
    ("406-credits", 406, "Insufficient credits"),
    ("406-limit", 406, "spend limit"),
    ("406-parameter", 406, "parameter"),
]


@pytest.mark.parametrize("mode", ["/v1", "/v2"])
@pytest.mark.parametrize(("fault", "status", "words"), BEFORE)
async def test_a_status_fault_answers_in_the_envelope_and_nothing_is_done(
    start: Start, mode: str, fault: str, status: int, words: str
) -> None:
    client = await start(faults=(rule(fault),))

    spoiled = await client.post(f"{mode}/ic-light", LIGHT)
    after = await client.post("/v1/ic-light", LIGHT)

    assert spoiled.status == status
    assert words in spoiled.json["error"]
    assert await logged(client, fault) == [status]
    assert after.status == 200
    assert client.sandbox.billed_nano == COST


async def test_a_429_names_its_reset_and_no_retry_after(start: Start) -> None:
    client = await start(faults=(rule("429", reset_s=7),), clock=lambda: 1_800_000_000.0, reset_format="datetime")

    refused = await client.post("/v2/ic-light", LIGHT)

    assert refused.headers["x-rate-limit-reset-at-utc"] == "2027-01-15 08:00:07"
    assert "retry-after" not in refused.headers


async def test_a_502_is_the_proxys_html_page(start: Start) -> None:
    client = await start(faults=(rule("502"),))

    spoiled = await client.post("/v2/ic-light", LIGHT)

    assert spoiled.status == 502
    assert spoiled.headers["content-type"].startswith("text/html")
    assert b"<html>" in spoiled.body


async def test_a_gateway_fault_may_strike_after_the_job_was_accepted_and_billed(start: Start) -> None:
    client = await start(faults=(rule("504", after=True),))

    lost = await client.post("/v1/ic-light", LIGHT)

    assert lost.status == 504
    assert client.sandbox.billed_nano == COST


async def test_any_status_body_and_header_can_be_scripted(start: Start) -> None:
    scripted = rule("status", "/v1/get-user-credits", status=404, body={"error": "No credits found for the user"})
    client = await start(faults=(scripted, rule("status", status=429, headers={"Retry-After": "3"})))

    assert (await client.get("/v1/get-user-credits")).json == {"error": "No credits found for the user"}
    assert (await client.post("/v2/ic-light", LIGHT)).headers["retry-after"] == "3"


@pytest.mark.parametrize("mode", ["/v1", "/v2"])
async def test_a_failed_inference_is_422_and_free(start: Start, mode: str) -> None:
    client = await start(faults=(rule("422-failed"),))

    failed = await (client.post("/v1/ic-light", LIGHT) if mode == "/v1" else client.run("ic-light", LIGHT))

    assert failed.status == 422
    assert "Inference failed" in failed.json["error"]
    assert client.sandbox.bills == []


@pytest.mark.parametrize(("fault", "billed"), [("drop-before", 0), ("drop-after", COST)])
async def test_a_dropped_connection_is_billed_only_when_the_job_was_accepted(
    start: Start, fault: str, billed: int
) -> None:
    client = await start(faults=(rule(fault),))

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.post("/v1/ic-light", LIGHT)

    assert client.sandbox.billed_nano == billed
    assert await logged(client, fault) == [0]


async def test_a_dropped_submit_leaves_a_job_that_only_the_history_knows(start: Start) -> None:
    client = await start(faults=(rule("drop-after", "/v2/*"),))

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.post("/v2/ic-light", LIGHT)

    [row] = (await client.get("/inference-request/request-history")).json["data"]
    assert (await client.followed(row["request_id"])).json["status"] == "COMPLETED"
    assert client.sandbox.billed_nano == COST


@pytest.mark.looptime
@pytest.mark.parametrize(("after", "billed"), [(False, 0), (True, COST)])
async def test_a_hanging_call_never_answers(
    start: Start, virtual_time: Callable[[], float], *, after: bool, billed: int
) -> None:
    client = await start(faults=(rule("hang", after=after),), clock=virtual_time)

    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(250):
            await client.post("/v1/ic-light", LIGHT)

    assert client.sandbox.billed_nano == billed
    assert await logged(client, "hang") == [None]


@pytest.mark.looptime
async def test_a_slow_answer_comes_when_the_job_has_long_been_billed(
    start: Start, virtual_time: Callable[[], float]
) -> None:
    client = await start(faults=(rule("slow", delay_s=100),), clock=virtual_time)
    began = virtual_time()

    late = await client.post("/v1/ic-light", LIGHT)

    assert late.status == 200
    assert virtual_time() - began == pytest.approx(100, abs=1)
    assert client.sandbox.bills[0].billed_at - began < 1


@pytest.mark.parametrize("at", [0, 0.5, 20])
async def test_a_cut_body_breaks_off_in_the_middle(start: Start, at: float) -> None:
    client = await start(faults=(rule("cut", at=at),))

    with pytest.raises(aiohttp.ClientPayloadError):
        await client.post("/v1/ic-light", LIGHT)

    assert client.sandbox.billed_nano == COST
    assert await logged(client, "cut") == [200]


async def spoiled_and_good(client: Client, where: str) -> tuple[Reply, Reply]:
    """The first, spoiled answer with an image in it, and a second, good one."""
    if where == "sync":
        return await client.post("/v1/ic-light", PNG_LIGHT), await client.post("/v1/ic-light", PNG_LIGHT)
    url = (await client.run("ic-light", PNG_LIGHT)).json["output"]
    return await client.get(url), await client.get(url)


@pytest.mark.parametrize(("where", "path"), [("sync", "/v1/ic-light"), ("output", "/outputs/*")])
async def test_an_image_can_arrive_wrong_in_every_way(start: Start, where: str, path: str) -> None:
    for fault in ("wrong-type", "html", "empty", "truncated-image", "not-an-image", "not-json"):
        client = await start(faults=(rule(fault, path),))
        spoiled, good = await spoiled_and_good(client, where)
        kind = spoiled.headers["content-type"]

        assert (spoiled.status, good.status) == (200, 200), fault
        assert int(spoiled.headers["content-length"]) == len(spoiled.body), fault
        assert await logged(client, fault) == [200], fault
        assert len(client.sandbox.bills) == (2 if where == "sync" else 1)
        match fault:
            case "wrong-type":
                assert spoiled.body == good.body
                assert kind == "application/octet-stream"
            case "html":
                assert kind.startswith("text/html")
            case "empty":
                assert spoiled.body == b""
            case "truncated-image":
                assert kind == "image/png"
                assert good.body.startswith(spoiled.body)
                assert not is_whole(spoiled.body)
            case "not-an-image":
                assert kind == "image/png"
                assert not is_whole(spoiled.body)
            case "not-json":
                assert kind == "application/json"
        assert is_whole(good.body)


async def test_an_image_inside_json_is_truncated_inside_it(start: Start) -> None:
    client = await start(faults=(rule("truncated-image"),))

    spoiled = await client.post("/v1/bg-replace", {**REPLACE, "base64": True})

    assert not is_whole(base64.b64decode(spoiled.json["image"]))


async def test_an_accepted_submit_may_be_answered_with_something_that_is_not_json(start: Start) -> None:
    for fault in ("html", "empty", "not-json"):
        client = await start(faults=(rule(fault),))
        garbled = await client.post("/v2/ic-light", LIGHT)
        assert garbled.status == 200
        with pytest.raises(ValueError, match="Expecting value"):
            _ = garbled.json
        assert len(client.sandbox.backend.jobs.by_id) == 1


async def test_an_expired_record_stays_expired_while_its_output_lives(start: Start) -> None:
    client = await start(faults=(rule("expired-record", "/v2/requests/*", match={"kind": "result"}),))
    sent = (await client.post("/v2/ic-light", LIGHT)).json
    gone = await client.settled(sent)

    assert gone.status == 404
    assert gone.json == {"error": f"Request {sent['request_id']} not found"}
    assert (await client.get(sent["status_url"])).status == 404
    [row] = (await client.get("/inference-request/request-history")).json["data"]
    assert (await client.get(row["generation_url"])).status == 200


@pytest.mark.parametrize("status", [404, 403])
async def test_an_expired_output_is_gone_for_good(start: Start, status: int) -> None:
    client = await start(faults=(rule("expired-output", "/outputs/*"),), output_gone_status=status)
    url = (await client.run("ic-light", LIGHT)).json["output"]

    assert [(await client.get(url)).status for _ in range(2)] == [status, status]


async def test_a_redirect_leads_to_another_host_where_the_log_shows_whether_the_key_came_along(start: Start) -> None:
    client = await start(faults=(rule("redirect", "/outputs/*"), rule("redirect", "/v1/get-user-credits")))
    url = (await client.run("ic-light", LIGHT)).json["output"]

    bare = await client.get("/v1/get-user-credits", allow_redirects=False)
    assert bare.status == 302
    assert bare.headers["location"].startswith("http://localhost:")
    followed = await client.get(url)

    assert followed.status == 200
    entries = (await client.get("/sandbox/requests")).json["requests"]
    assert [(entry["kind"], entry["status"]) for entry in entries][-3:] == [
        ("credits", 302),
        ("output", 302),
        ("output", 200),
    ]


async def test_the_script_can_be_set_and_cleared_while_it_runs(start: Start) -> None:
    client = await start()
    plan = {"rules": [{"match": {"kind": "sync", "body": {"prompt": "b"}}, "fault": "500"}]}

    assert (await client.post("/sandbox/faults", plan)).status == 200
    answers = [(await client.post("/v1/ic-light", {**LIGHT, "prompt": text})).status for text in "abcb"]
    told = (await client.get("/sandbox/faults")).json
    await client.post("/sandbox/faults", [])

    assert answers == [200, 500, 200, 500]
    assert told["rules"][0]["struck"] == 2
    assert (await client.post("/v1/ic-light", {**LIGHT, "prompt": "b"})).status == 200


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([{"fault": "drop-befor"}], "drop-before"),
        ([{"fault": "500", "match": {"paht": "/v1"}}], "path"),
        ([{"match": {"path": "/v1"}}], "at least a fault"),
        ([{"fault": "500", "match": {"nth": 0}}], "counts from 1"),
        ([{"fault": "500", "times": 0}], "times"),
        ([{"fault": "slow", "delay_s": "1"}], "delay_s"),
        ([{"fault": "500", "match": {"kind": "sumbit"}}], "submit"),
        ([{"fault": "500", "match": "/v1"}], "match is an object"),
        ({"rates": {"500": 2}}, "between 0 and 1"),
        ({"rule": []}, "rules"),
        (7, "list of rules"),
    ],
)
async def test_a_plan_with_a_mistake_is_refused_in_words(start: Start, plan: Any, words: str) -> None:
    client = await start()

    refused = await client.post("/sandbox/faults", plan)

    assert refused.status == 400
    assert words in refused.json["error"]
    with pytest.raises(InputError, match=words):
        plan_from(plan)


def struck(plan: FaultPlan, count: int, seen: Seen) -> list[str | None]:
    return [fault.name if (fault := plan.pick(seen)) else None for _ in range(count)]


def test_nth_counts_the_requests_that_match_the_rest() -> None:
    plan = FaultPlan([{"match": {"path": "/v2/*", "method": "POST", "nth": [2, 4]}, "fault": "500"}])

    assert struck(plan, 1, Seen("GET", "/v2/requests/1", "result")) == [None]
    assert struck(plan, 5, Seen("POST", "/v2/ic-light", "submit")) == [None, "500", None, "500", None]


def test_times_limits_a_rule_and_the_first_rule_that_matches_wins() -> None:
    plan = FaultPlan([{"fault": "429", "times": 2}, {"fault": "502", "times": 1}])

    assert struck(plan, 4, Seen("POST", "/v1/x", "sync")) == ["429", "429", "502", None]


def test_rates_strike_as_often_as_they_say_where_they_make_sense_and_repeat_with_the_seed() -> None:
    rates = {"500": 0.1, "expired-output": 0.5, "drop-after": 0.2}
    first, again = FaultPlan(rates=rates, seed=5), FaultPlan(rates=rates, seed=5)
    seen = Seen("POST", "/v2/ic-light", "submit")

    names = struck(first, 4000, seen)

    assert names == struck(again, 4000, seen)
    assert names.count("500") == pytest.approx(400, rel=0.2)
    assert names.count("drop-after") == pytest.approx(800, rel=0.2)
    assert "expired-output" not in names


async def test_a_sandbox_full_of_faults_keeps_its_books_straight(start: Start) -> None:
    rates = dict.fromkeys(sorted(set(FAULTS) - {"hang", "slow"}), 0.02)
    client = await start(fault_rates=rates, seed=11, credits=50)

    for _ in range(150):
        try:
            await client.post("/v1/ic-light", LIGHT)
        except (aiohttp.ClientError, ValueError):
            continue

    bills = client.sandbox.bills
    assert len({bill.request_id for bill in bills}) == len(bills)
    assert client.sandbox.balance_nano == nano(50) - sum(bill.cost_nano for bill in bills)
    completed = [job for job in client.sandbox.backend.jobs.by_id.values() if job.status == "COMPLETED"]
    assert len(completed) == len(bills)
    assert client.sandbox.backend.account.reserved_nano == 0


async def test_a_request_that_breaks_off_before_its_last_byte_is_no_job(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    client = await start()
    body = json.dumps(LIGHT).encode()
    head = (
        f"POST /v2/ic-light HTTP/1.1\r\nHost: {client.base[7:]}\r\nx-api-key: {SANDBOX_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    whole = head + body
    host, _, port = client.base[7:].partition(":")

    for cut in (1, 20, len(head) - 1, len(head), len(head) + 1, len(whole) - 1):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(whole[:cut])
        writer.write_eof()
        writer.close()
        await writer.wait_closed()
    accepted = await client.post("/v2/ic-light", LIGHT)

    assert list(client.sandbox.backend.jobs.by_id) == [accepted.json["request_id"]]
    assert caplog.text == ""
