"""The blocking transport: one POST, and what its answer means."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.provider import Hosts, Proxies, Timeouts
from pipeline.provider.sync import SyncProvider
from pipeline.task import Accepted, Answer, Picture
from tests.provider.scripted import KEY, PNG, Act, Script, cut, http

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNTING = {
    "x-cost": "0.0361",
    "x-remaining-credits": "12.5",
    "x-request-id": "r-1",
    "x-seed-value": "42",
    "x-generation-time": "3.25",
}
WHOLE = http(200, PNG, {"Content-Type": "image/png", **ACCOUNTING})


async def refused(client: Any, body: dict[str, Any] | None = None) -> CallError:
    with pytest.raises(CallError) as caught:
        await client.submit("ic-light", body or {"prompt": "x"})
    return caught.value


async def test_raw_bytes_and_headers_make_an_answer(server: Script, sync: SyncProvider) -> None:
    server.plays(WHOLE)

    answer = await sync.submit("ic-light", {"prompt": "Größe", "width": 512})

    assert answer == Answer((Picture(data=PNG),), "r-1", 36_100_000, 12_500_000_000, 42)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/ic-light")
    assert asked.document == {"prompt": "Größe", "width": 512}
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["user-agent"].startswith("photobatch/")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
async def test_the_content_decides_and_not_its_type(server: Script, sync: SyncProvider, kind: str) -> None:
    server.plays(http(200, PNG, {"Content-Type": kind}))

    answer = await sync.submit("ic-light", {})

    assert isinstance(answer, Answer)
    assert answer.pictures == (Picture(data=PNG),)


async def test_json_with_base64_is_decoded(server: Script, sync: SyncProvider) -> None:
    body = {"image": [base64.b64encode(PNG).decode()] * 2, "metrics": {"cost": 0.01}, "seed": 5, "request_id": "r-2"}
    server.plays(http(200, body))

    answer = await sync.submit("bg-replace", {"base64": True})

    assert answer == Answer((Picture(data=PNG),) * 2, "r-2", 10_000_000, None, 5)


async def test_an_unknown_word_for_success_is_no_reason_to_wait(server: Script, sync: SyncProvider) -> None:
    server.plays(http(200, {"status": "ok", "image": "https://x.example/a.png"}, {"x-request-id": "r-3"}))

    assert await sync.submit("bg-replace", {}) == Answer((Picture(url="https://x.example/a.png"),), "r-3")


async def test_a_list_of_a_worker_is_read(server: Script, sync: SyncProvider) -> None:
    server.plays(http(200, [{"status": "Success", "image": "https://x.example/a.png", "seed": 3}, {"x-gpu-info": {}}]))

    answer = await sync.submit("seg-swap", {})

    assert answer == Answer((Picture(url="https://x.example/a.png"),), seed=3)


async def test_a_compressed_answer_is_unpacked(server: Script, sync: SyncProvider) -> None:
    server.plays(http(200, gzip.compress(PNG), {"Content-Encoding": "gzip"}))

    answer = await sync.submit("ic-light", {})

    assert answer == Answer((Picture(data=PNG),))


async def test_an_answer_that_is_still_queued_can_be_followed(server: Script, sync: SyncProvider) -> None:
    server.plays(http(202, {"request_id": "r-9", "status": "QUEUED"}))

    assert await sync.submit("ic-light", {}) == Accepted("r-9")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html><title>oops</title></html>", b"\x00\x01garbage", b'{"error": "no"}', b"{}", b"null", b'{"image": 7}'],
)
async def test_a_success_without_a_picture_is_bad_output_and_billed(
    server: Script, sync: SyncProvider, body: bytes
) -> None:
    server.plays(http(200, body, ACCOUNTING))

    error = await refused(sync)

    assert (error.error_class, error.answered, error.http_status) == (ErrorClass.BAD_OUTPUT, True, 200)
    assert (error.request_id, error.billed_nano) == ("r-1", 36_100_000)
    assert error.body_start == body.decode("utf-8", "replace").replace("\x00", "·").replace("\x01", "·")


async def test_a_success_that_says_failed_is_a_failure(server: Script, sync: SyncProvider) -> None:
    server.plays(http(200, {"status": "FAILED", "error": "no face found"}))

    error = await refused(sync)

    assert error.error_class is ErrorClass.INFERENCE_FAILED
    assert "no face found" in str(error)


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("at", range(0, len(WHOLE.data), 7))
async def test_a_cut_at_any_byte_tells_whether_it_was_answered(
    server: Script, sync: SyncProvider, at: int, then: str
) -> None:
    server.plays(cut(WHOLE, at, then))
    head = WHOLE.data.index(b"\r\n\r\n") + 4

    error = await refused(sync)

    assert error.sent
    assert error.error_class is ErrorClass.CONNECTION
    if at < head or then == "close":
        assert error.answered is (at >= head)
    if error.answered:  # a reset may overtake the bytes that were sent before it
        assert (error.request_id, error.billed_nano) == ("r-1", 36_100_000)
    assert len(server.asked) == 1


async def test_a_cut_answer_without_an_id_is_in_doubt(server: Script, sync: SyncProvider) -> None:
    server.plays(cut(http(200, PNG), 90))

    error = await refused(sync)

    assert (error.sent, error.answered, error.http_status) == (True, False, 200)


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(server: Script, dial: Callable[..., Any]) -> None:
    server.plays(http(200, PNG + b"x" * 5000, ACCOUNTING))

    error = await refused(dial(SyncProvider, timeouts=Timeouts(max_output_bytes=1000)))

    assert (error.error_class, error.answered, error.request_id) == (ErrorClass.BAD_OUTPUT, True, "r-1")


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nx-cost: 1\r\n"])
async def test_no_answer_in_time_is_in_doubt(server: Script, dial: Callable[..., Any], sent: bytes) -> None:
    server.plays(Act(sent, "silence"))
    client = dial(SyncProvider, timeouts=Timeouts(connect_s=0.1, blocking_s=0.1))

    error = await refused(client)

    assert (error.error_class, error.sent, error.answered) == (ErrorClass.TIMEOUT, True, False)
    assert len(server.asked) == 1


async def test_an_answer_that_stalls_after_its_head_names_its_id(server: Script, dial: Callable[..., Any]) -> None:
    server.plays(cut(WHOLE, len(WHOLE.data) - 5, "silence"))
    client = dial(SyncProvider, timeouts=Timeouts(connect_s=0.1, blocking_s=0.1))

    error = await refused(client)

    assert (error.error_class, error.answered, error.request_id) == (ErrorClass.TIMEOUT, True, "r-1")


async def test_garbage_instead_of_a_status_line_is_in_doubt(server: Script, sync: SyncProvider) -> None:
    server.plays(Act(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "close"))

    error = await refused(sync)

    assert (error.error_class, error.sent, error.answered) == (ErrorClass.CONNECTION, True, False)
    assert error.http_status is None


async def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    async with SyncProvider(Hosts.at("http://127.0.0.1:1"), KEY, proxies=Proxies({})) as client:
        error = await refused(client)

    assert (error.error_class, error.sent, error.answered) == (ErrorClass.CONNECTION, False, False)


@pytest.mark.parametrize(
    ("greeting", "expected"), [(b"220 mail.example ESMTP\r\n", ErrorClass.CONNECTION), (b"", ErrorClass.TIMEOUT)]
)
async def test_a_failed_tls_handshake_means_that_nothing_was_sent(greeting: bytes, expected: ErrorClass) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()
    plain = await asyncio.start_server(greet, "127.0.0.1", 0)
    hosts = Hosts.at(f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}")

    async with plain, SyncProvider(hosts, KEY, timeouts=Timeouts(connect_s=0.1), proxies=Proxies({})) as client:
        error = await refused(client)
        await gone.wait()

    assert (error.error_class, error.sent, error.answered) == (expected, False, False)


async def test_a_post_on_a_dropped_keep_alive_connection_is_never_sent_twice(
    server: Script, sync: SyncProvider
) -> None:
    server.plays(WHOLE, Act(b"", "close"), WHOLE)
    await sync.submit("ic-light", {"n": 1})

    error = await refused(sync, {"n": 2})

    assert (error.sent, error.answered) == (True, False)
    assert [asked.document["n"] for asked in server.asked] == [1, 2]
    assert server.connections == 1


async def test_an_answer_with_very_many_and_very_long_headers_is_read(server: Script, sync: SyncProvider) -> None:
    many = {f"x-gateway-{n}": "on its way" for n in range(300)}
    server.plays(http(200, PNG, {"x-cost": "0.1", "x-output-metadata": "x" * 30_000, **many}))

    answer = await sync.submit("ic-light", {})

    assert isinstance(answer, Answer)
    assert answer.billed_nano == 100_000_000


async def test_a_proxy_of_the_environment_is_used(server: Script) -> None:
    server.plays(WHOLE)
    hosts, proxies = Hosts.at("http://provider.test"), Proxies({"http": server.base_url})

    async with SyncProvider(hosts, KEY, proxies=proxies) as client:
        await client.submit("ic-light", {})

    assert server.paths() == ["http://provider.test/v1/ic-light"]


async def test_a_proxy_that_refuses_means_that_nothing_was_sent(server: Script) -> None:
    server.plays(http(407, "who are you?"))
    address = server.base_url.replace("http://", "http://me:secret@")

    async with SyncProvider(Hosts.real(), KEY, proxies=Proxies({"https": address})) as client:
        error = await refused(client)

    assert (error.error_class, error.sent, error.answered) == (ErrorClass.CONNECTION, False, False)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("CONNECT", "api.segmind.com:443")
    assert asked.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert KEY not in str(asked)


async def test_a_redirect_is_not_followed(server: Script, elsewhere: Script, sync: SyncProvider) -> None:
    elsewhere.plays(WHOLE)
    server.plays(http(307, b"", {"Location": f"{elsewhere.base_url}/v1/ic-light"}))

    error = await refused(sync)

    assert (error.error_class, error.http_status) == (ErrorClass.BAD_REQUEST, 307)
    assert elsewhere.asked == []


async def test_an_echoed_key_is_hidden(server: Script, sync: SyncProvider) -> None:
    server.plays(http(401, {"error": f"API key {KEY} is invalid"}))

    error = await refused(sync)

    assert error.error_class is ErrorClass.BAD_KEY
    assert KEY not in str(error) + error.body_start
    assert "[key]" in str(error)


@pytest.mark.parametrize("body", ['{{"error": "API key {} is invalid"}}', "<html><p>API key {} is invalid"])
@pytest.mark.parametrize("mark", [r"\u0061", "&#97;"])
async def test_a_key_that_is_echoed_escaped_is_hidden(server: Script, sync: SyncProvider, body: str, mark: str) -> None:
    server.plays(http(400, body.format(KEY.replace("a", mark))))

    error = await refused(sync)

    assert KEY not in str(error) + error.body_start
    assert "[key]" in str(error)
    assert "[key]" in error.body_start


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
async def test_what_json_cannot_say_is_not_sent(server: Script, sync: SyncProvider, value: Any) -> None:
    error = await refused(sync, {"x": value})

    assert (error.error_class, error.sent) == (ErrorClass.BAD_INPUT, False)
    assert server.asked == []


async def test_cookies_are_not_kept(server: Script, sync: SyncProvider) -> None:
    server.plays(http(200, PNG, {"Set-Cookie": "session=1"}))
    await sync.submit("ic-light", {})
    await sync.submit("ic-light", {})

    assert "cookie" not in server.asked[1].headers


async def test_a_large_body_is_sent_whole(server: Script, sync: SyncProvider) -> None:
    server.plays(WHOLE)
    body = {"image": "a" * 3_000_000}

    await sync.submit("ic-light", body)

    assert json.loads(server.asked[0].body) == body
