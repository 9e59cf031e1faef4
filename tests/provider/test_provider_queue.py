"""The queue transport: submit, follow, and every way in which following may go wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.provider import Hosts, Proxies, Timeouts
from pipeline.provider.queue import QueueProvider
from pipeline.task import Accepted, Answer, Picture
from tests.provider.scripted import KEY, PNG, Act, Notes, Script, cut, http

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://images.segmind.com/generations/a.png"
STATUS = "/v2/requests/r-1/status"
RESULT = "/v2/requests/r-1"
BOOK = "/inference-request/request-history/r-1"
TAKEN = Accepted("r-1")
QUEUED = {"request_id": "r-1", "status": "QUEUED"}
FINISHED = {"status": "COMPLETED", "request_id": "r-1", "metrics": {"total_time": 0.02}}
DONE = {
    **FINISHED,
    "output": URL,
    "images": [{"url": URL, "content_type": "image/png"}],
    "seed": 11,
    "prompt": "x",
    "metrics": {"cost": 0.05, "remaining_credits": 3, "inference_time": 0.01, "total_time": 0.02},
    "error": None,
}
ANSWER = Answer((Picture(url=URL),), "r-1", 50_000_000, 3_000_000_000, 11)


async def refused(client: Any) -> CallError:
    with pytest.raises(CallError) as caught:
        await client.submit("ic-light", {"prompt": "x"})
    return caught.value


async def lost(client: Any, accepted: Accepted = TAKEN, **how: Any) -> CallError:
    with pytest.raises(CallError) as caught:
        await client.wait("ic-light", accepted, **how)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_a_submit_gives_what_to_follow(server: Script, queue: QueueProvider, status: int) -> None:
    urls = {"status_url": f"{server.base_url}{STATUS}", "response_url": f"{server.base_url}{RESULT}"}
    server.plays(http(status, {**QUEUED, **urls, "poll_url": f"{server.base_url}/v1/requests/r-1"}))

    accepted = await queue.submit("ic-light", {"prompt": "x"})

    assert accepted == Accepted("r-1", **urls)
    assert server.paths() == ["/v2/ic-light"]


async def test_addresses_on_other_hosts_are_not_followed(
    server: Script, elsewhere: Script, queue: QueueProvider
) -> None:
    there = {"status_url": f"{elsewhere.base_url}{STATUS}", "response_url": f"{elsewhere.base_url}{RESULT}"}
    server.plays(http(200, {**QUEUED, **there}))
    server.at(STATUS, http(200, FINISHED))
    server.at(RESULT, http(200, DONE))

    accepted = await queue.submit("ic-light", {})
    assert accepted == TAKEN
    # Not even when an older ledger kept them.
    assert await queue.wait("ic-light", Accepted("r-1", **there)) == ANSWER

    assert elsewhere.asked == []


async def test_a_submit_may_be_answered_with_the_result(server: Script, queue: QueueProvider) -> None:
    server.plays(http(200, DONE))

    assert await queue.submit("ic-light", {}) == ANSWER


async def test_an_echoed_input_is_no_result(server: Script, queue: QueueProvider) -> None:
    server.plays(http(200, {**QUEUED, "image": URL}), http(200, {"request_id": "r-1", "image": URL}))

    assert await queue.submit("ic-light", {}) == TAKEN
    assert await queue.submit("ic-light", {}) == TAKEN


async def test_a_result_without_an_id_is_better_than_a_doubt(server: Script, queue: QueueProvider) -> None:
    server.plays(http(200, {"output": URL}), http(200, PNG))

    assert await queue.submit("ic-light", {}) == Answer((Picture(url=URL),))
    assert await queue.submit("ic-light", {}) == Answer((Picture(data=PNG),))


async def test_a_result_may_be_the_image_itself(server: Script, queue: QueueProvider) -> None:
    server.at(STATUS, http(200, FINISHED))
    server.at(RESULT, http(200, PNG, {"x-cost": "0.05"}))

    assert await queue.wait("ic-light", TAKEN) == Answer((Picture(data=PNG),), "r-1", 50_000_000)


async def test_a_submit_may_be_answered_with_the_failure(server: Script, queue: QueueProvider) -> None:
    server.plays(http(200, {"status": "FAILED", "error": "Prompt is Mandatory", "request_id": "r-1"}))

    error = await refused(queue)

    assert (error.error_class, error.answered, error.request_id) == (ErrorClass.INFERENCE_FAILED, True, None)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>hi</html>", b'{"request_id": ""}', b'{"error": "x"}', b"[]", b"\xff"]
)
async def test_a_success_without_an_id_is_in_doubt(server: Script, queue: QueueProvider, body: bytes) -> None:
    server.plays(http(200, body, {"x-request-id": "trace-1"}))

    error = await refused(queue)

    assert (error.sent, error.answered, error.http_status) == (True, False, 200)
    assert (error.error_class, error.request_id) == (ErrorClass.BAD_OUTPUT, None)


SUBMITTED = http(200, {"request_id": "r-1", "status": "QUEUED", "poll_url": "https://x"})


@pytest.mark.parametrize("at", range(0, len(SUBMITTED.data), 3))
async def test_a_cut_submit_is_in_doubt_until_its_id_is_whole(server: Script, queue: QueueProvider, at: int) -> None:
    server.plays(cut(SUBMITTED, at))
    if b'"r-1"' in SUBMITTED.data[:at]:
        assert await queue.submit("ic-light", {}) == TAKEN
        return

    error = await refused(queue)

    assert (error.sent, error.answered, error.error_class) == (True, False, ErrorClass.CONNECTION)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ErrorClass.BAD_REQUEST),
        (429, ErrorClass.RATE_LIMITED),
        (500, ErrorClass.SERVER_ERROR),
        (502, ErrorClass.GATEWAY),
    ],
)
async def test_a_refused_submit_was_answered_and_is_not_repeated(
    server: Script, queue: QueueProvider, status: int, expected: ErrorClass
) -> None:
    server.plays(http(status, {"error": "no"}))

    error = await refused(queue)

    assert (error.error_class, error.sent, error.answered) == (expected, True, True)
    assert len(server.asked) == 1


async def test_a_refusal_counts_even_when_its_body_is_cut(server: Script, queue: QueueProvider) -> None:
    server.plays(cut(http(500, {"error": "Internal Server Error"}), 90))

    error = await refused(queue)

    assert (error.error_class, error.answered) == (ErrorClass.SERVER_ERROR, True)


async def test_a_submit_on_a_dropped_keep_alive_connection_is_never_sent_twice(
    server: Script, queue: QueueProvider
) -> None:
    server.plays(SUBMITTED, Act(b"", "reset"), SUBMITTED)
    await queue.submit("ic-light", {})

    error = await refused(queue)

    assert (error.sent, error.answered) == (True, False)
    assert len(server.asked) == 2


async def test_a_task_is_polled_until_it_is_finished(server: Script, queue: QueueProvider) -> None:
    server.at(STATUS, http(200, QUEUED), http(200, {"status": "PROCESSING"}), http(200, {"status": "warming up"}))
    server.by_path[STATUS].append(http(200, FINISHED))
    server.at(RESULT, http(200, DONE))

    assert await queue.wait("ic-light", TAKEN) == ANSWER
    assert server.paths() == [STATUS] * 4 + [RESULT]
    assert {asked.headers["x-api-key"] for asked in server.asked} == {KEY}


@pytest.mark.parametrize("word", ["COMPLETED", "completed", "SUCCEEDED", "success"])
async def test_every_word_for_finished_is_understood(server: Script, queue: QueueProvider, word: str) -> None:
    server.at(STATUS, http(200, {"status": word}))
    server.at(RESULT, http(200, {"output": [URL]}))

    answer = await queue.wait("ic-light", TAKEN)

    assert answer == Answer((Picture(url=URL),), "r-1")


async def test_a_status_that_is_the_whole_result_needs_no_second_request(server: Script, queue: QueueProvider) -> None:
    server.at(STATUS, http(200, DONE))

    assert await queue.wait("ic-light", TAKEN) == ANSWER
    assert server.paths() == [STATUS]


@pytest.mark.parametrize("status", [200, 422])
async def test_a_failed_task_says_why(server: Script, queue: QueueProvider, status: int) -> None:
    why = {"status": "FAILED", "error": "Prompt is Mandatory and must be string", "metrics": {"total_time": 0.24}}
    server.at(STATUS, http(status, why))

    error = await lost(queue)

    assert (error.error_class, error.answered, error.request_id) == (ErrorClass.INFERENCE_FAILED, True, "r-1")
    assert "Prompt is Mandatory and must be string" in str(error)
    assert error.billed_nano is None


@pytest.mark.parametrize("word", ["error", "CANCELLED"])
async def test_an_answer_in_trouble_is_not_yet_a_failed_task(server: Script, queue: QueueProvider, word: str) -> None:
    trouble = http(200, {"status": word})
    server.at(STATUS, trouble, trouble, http(200, QUEUED), trouble, trouble, http(200, FINISHED))
    server.at(RESULT, trouble, http(200, DONE))

    assert await queue.wait("ic-light", TAKEN) == ANSWER


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("known", [False, True])
async def test_a_task_in_trouble_has_failed_when_the_history_says_so_or_at_the_eighth_look(
    server: Script, queue: QueueProvider, *, finished: bool, known: bool
) -> None:
    server.at(RESULT if finished else STATUS, http(200, {"status": "error", "error": "no subject"}))
    status = "FAILED" if known else "PENDING"
    server.at(BOOK, http(200, {"request_id": "r-1", "model_status": status, "error": "no subject"}))
    if finished:
        server.at(STATUS, http(200, FINISHED))

    error = await lost(queue)

    assert (error.error_class, error.request_id) == (ErrorClass.INFERENCE_FAILED, "r-1")
    assert "no subject" in str(error)
    assert len([path for path in server.paths() if path != BOOK]) == (3 if known else 8) + finished


async def test_a_task_that_its_own_server_is_in_trouble_about_is_fetched_from_the_history(
    server: Script, queue: QueueProvider
) -> None:
    row = {"request_id": "r-1", "model_status": "COMPLETED", "generation_url": URL, "credits_deduction": 0.03}
    server.at(STATUS, http(200, {"status": "error", "error": "internal error, try again"}))
    server.at(BOOK, http(200, row))

    assert await queue.wait("ic-light", TAKEN) == Answer((Picture(url=URL),), "r-1", 30_000_000)


async def test_one_422_that_does_not_say_failed_ends_nothing(server: Script, queue: QueueProvider) -> None:
    server.at(STATUS, http(422, "<html>unprocessable</html>"), http(200, FINISHED))
    server.at(RESULT, http(422, {"detail": []}), http(200, DONE))

    assert await queue.wait("ic-light", TAKEN) == ANSWER


async def test_a_422_without_a_status_is_a_failed_task_when_it_stays(server: Script, queue: QueueProvider) -> None:
    server.at(STATUS, http(200, FINISHED))
    server.at(RESULT, http(422, {"error": "content filter"}))

    error = await lost(queue)

    assert error.error_class is ErrorClass.INFERENCE_FAILED
    assert "content filter" in str(error)


async def test_faults_while_polling_are_sat_out(server: Script, queue: QueueProvider) -> None:
    server.at(
        STATUS,
        http(502, "<html>bad gateway</html>"),
        http(500),
        Act(b"", "close"),
        Act(b"", "reset"),
        cut(http(200, FINISHED), 80),
        http(200, "<html>maintenance</html>"),
        http(200, FINISHED),
    )
    server.at(RESULT, http(504), cut(http(200, DONE), 100), http(200, DONE))

    assert await queue.wait("ic-light", TAKEN) == ANSWER


async def test_a_poll_that_is_one_too_many_is_told_to_the_throttle(
    server: Script, dial: Callable[..., Any], notes: Notes
) -> None:
    server.at(STATUS, http(429, {"error": "rate_limit_exceeded"}, {"Retry-After": "7"}), http(200, FINISHED))
    server.at(RESULT, http(200, DONE))

    await dial(pacing=notes).wait("ic-light", TAKEN)

    assert [error.retry_after_s for error in notes.errors] == [7]
    assert notes.polls == len(server.asked) == 3


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, ErrorClass.BAD_KEY), (400, ErrorClass.BAD_REQUEST)],
)
async def test_refusals_that_do_not_pass_end_the_waiting(
    server: Script, queue: QueueProvider, status: int, expected: ErrorClass
) -> None:
    server.at(STATUS, http(status, {"error": "no"}))

    error = await lost(queue)

    assert (error.error_class, error.request_id, error.answered) == (expected, "r-1", True)


@pytest.mark.parametrize("status", [403, 410])
async def test_a_task_that_may_not_be_looked_at_any_more_is_fetched_from_the_history(
    server: Script, queue: QueueProvider, status: int
) -> None:
    row = {"request_id": "r-1", "model_status": "COMPLETED", "generation_url": URL, "credits_deduction": 0.03}
    server.at(STATUS, http(status, {"error": "no"}))
    server.at(BOOK, http(200, row))

    assert await queue.wait("ic-light", TAKEN) == Answer((Picture(url=URL),), "r-1", 30_000_000)


@pytest.mark.parametrize("status", [400, 401, 403, 409])
async def test_a_look_that_is_refused_once_is_repeated(server: Script, queue: QueueProvider, status: int) -> None:
    server.at(STATUS, http(status, {"error": "no"}), http(200, FINISHED))
    server.at(RESULT, http(status, {"error": "no"}), http(200, DONE))

    assert await queue.wait("ic-light", TAKEN) == ANSWER


async def test_a_task_that_takes_too_long_can_be_taken_up_again(server: Script, dial: Callable[..., Any]) -> None:
    server.at(STATUS, http(200, QUEUED))
    client = dial(timeouts=Timeouts(task_s=0.3))

    error = await lost(client)

    assert (error.error_class, error.request_id, error.answered) == (ErrorClass.TIMEOUT, "r-1", True)
    server.at(STATUS, http(200, FINISHED))
    server.at(RESULT, http(200, DONE))
    assert await client.wait("ic-light", TAKEN, submitted_s_ago=5000) == ANSWER


async def test_an_outage_until_the_limit_is_a_timeout(server: Script, dial: Callable[..., Any]) -> None:
    server.at(STATUS, http(503))

    error = await lost(dial(timeouts=Timeouts(task_s=0.2)))

    assert (error.error_class, error.request_id) == (ErrorClass.TIMEOUT, "r-1")


async def test_a_task_that_is_taken_up_again_is_looked_after_at_once(server: Script, dial: Callable[..., Any]) -> None:
    server.at(STATUS, http(200, FINISHED))
    server.at(RESULT, http(200, DONE))
    client = dial(latency_of=lambda _endpoint: 10_000.0)

    assert await client.wait("ic-light", TAKEN, submitted_s_ago=3.0) == ANSWER
    assert await client.wait("ic-light", TAKEN, submitted_s_ago=90_000.0) == ANSWER


class TestARecordThatIsGone:
    """404 is a state: the history still knows."""

    async def test_finished_in_the_history(self, server: Script, queue: QueueProvider) -> None:
        row = {"request_id": "r-1", "model_name": "ic-light", "model_status": "COMPLETED", "generation_url": URL}
        server.at(STATUS, http(404, {"error": "Request r-1 not found"}))
        server.at(BOOK, http(200, {"data": {**row, "credits_deduction": 0.03}}))

        assert await queue.wait("ic-light", TAKEN) == Answer((Picture(url=URL),), "r-1", 30_000_000)

    async def test_failed_in_the_history(self, server: Script, queue: QueueProvider) -> None:
        server.at(STATUS, http(404))
        server.at(BOOK, http(200, {"request_id": "r-1", "model_status": "FAILED", "error": "no subject"}))

        error = await lost(queue)

        assert error.error_class is ErrorClass.INFERENCE_FAILED
        assert "no subject" in str(error)
        assert error.request_id == "r-1"

    async def test_finished_in_the_history_without_its_output(self, server: Script, queue: QueueProvider) -> None:
        server.at(STATUS, http(404))
        row = {"request_id": "r-1", "model_status": "COMPLETED", "generation_url": None, "credits_deduction": 0.03}
        server.at(BOOK, http(200, row))

        error = await lost(queue)

        assert (error.error_class, error.billed_nano) == (ErrorClass.LOST, 30_000_000)

    async def test_pending_in_the_history(self, server: Script, queue: QueueProvider) -> None:
        server.at(STATUS, *[http(404)] * 5, http(200, FINISHED))
        server.at(RESULT, http(200, DONE))
        server.at(BOOK, http(200, {"request_id": "r-1", "model_status": "PENDING"}))

        assert await queue.wait("ic-light", TAKEN) == ANSWER

    async def test_unknown_to_both_is_lost_but_not_at_the_first_look(
        self, server: Script, queue: QueueProvider
    ) -> None:
        server.at(STATUS, http(404, {"error": "Request r-1 not found"}))
        server.at(BOOK, http(404, {"error": "not found"}))

        error = await lost(queue, submitted_s_ago=3600)

        assert (error.error_class, error.request_id, error.answered) == (ErrorClass.LOST, "r-1", True)
        assert server.paths().count(STATUS) == 3

    async def test_a_record_that_shows_up_late_is_not_lost(self, server: Script, queue: QueueProvider) -> None:
        server.at(STATUS, *[http(404)] * 4, http(200, FINISHED))
        server.at(RESULT, http(200, DONE))
        server.at(BOOK, http(404))

        assert await queue.wait("ic-light", TAKEN) == ANSWER

    async def test_a_history_that_is_out_of_order_makes_nothing_lost(
        self, server: Script, dial: Callable[..., Any]
    ) -> None:
        server.at(STATUS, http(404))
        server.at(BOOK, http(503))

        error = await lost(dial(timeouts=Timeouts(task_s=0.2)))

        assert error.error_class is ErrorClass.TIMEOUT


@pytest.mark.parametrize(
    "result",
    [
        {**FINISHED, "output": None},
        {**FINISHED, "output": "a text", "images": []},
        {**FINISHED, "output": None, "image": URL},
    ],
)
async def test_a_result_without_a_picture_is_bad_output(
    server: Script, queue: QueueProvider, result: dict[str, Any]
) -> None:
    server.at(STATUS, http(200, FINISHED))
    server.at(RESULT, http(200, {**result, "metrics": {"cost": 0.05}}))

    error = await lost(queue)

    assert (error.error_class, error.billed_nano, error.request_id) == (ErrorClass.BAD_OUTPUT, 50_000_000, "r-1")
    assert error.body_start.startswith('{"status": "COMPLETED"')


async def test_no_host_learns_the_key_while_a_task_is_waited_for(
    server: Script, elsewhere: Script, queue: QueueProvider
) -> None:
    elsewhere.plays(http(200, FINISHED))
    server.at(STATUS, http(302, b"", {"Location": f"{elsewhere.base_url}/x"}))

    error = await lost(queue)

    assert error.http_status == 302
    assert elsewhere.asked == []


async def test_many_tasks_share_one_pace(server: Script, dial: Callable[..., Any]) -> None:
    server.plays(http(200, DONE))
    client = dial(latency_of=lambda _endpoint: 10_000.0)

    answers = await asyncio.gather(*(client.wait("ic-light", Accepted(f"r-{n}")) for n in range(20)))

    assert len(answers) == len(server.asked) == 20


async def test_a_client_can_be_closed_twice_and_before_use() -> None:
    client = QueueProvider(Hosts.real(), KEY, proxies=Proxies({}))

    await client.close()
    await client.close()

    error = await refused(client)
    assert (error.error_class, error.sent) == (ErrorClass.INTERRUPTED, False)
    assert client.name == "https://api.segmind.com"
