"""Fetching outputs and uploading inputs: free, repeated, and careful with the key."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.provider import Timeouts
from pipeline.task import Picture
from tests.provider.scripted import KEY, PNG, Act, Notes, Script, cut, http

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.provider.queue import QueueProvider


async def refused(client: Any, picture: Picture) -> CallError:
    with pytest.raises(CallError) as caught:
        await client.fetch(picture)
    return caught.value


async def test_bytes_that_came_along_need_no_request(server: Script, queue: QueueProvider) -> None:
    assert await queue.fetch(Picture(data=PNG)) == PNG
    assert await queue.fetch(Picture(url="data:image/png;base64," + base64.b64encode(PNG).decode())) == PNG
    assert server.asked == []


async def test_an_output_elsewhere_is_fetched_without_the_key(elsewhere: Script, queue: QueueProvider) -> None:
    elsewhere.plays(http(200, PNG))

    assert await queue.fetch(Picture(url=f"{elsewhere.base_url}/a.png")) == PNG

    (asked,) = elsewhere.asked
    assert KEY not in str(asked.headers)


async def test_redirects_are_followed_and_the_key_stays_home(
    server: Script, elsewhere: Script, queue: QueueProvider
) -> None:
    server.at("/a", http(302, b"", {"Location": f"{elsewhere.base_url}/b"}))
    elsewhere.at("/b", http(301, b"", {"Location": "/c"}))
    elsewhere.at("/c", http(200, PNG))

    assert await queue.fetch(Picture(url="/a")) == PNG

    assert server.asked[0].headers["x-api-key"] == KEY
    assert elsewhere.paths() == ["/b", "/c"]
    assert all(KEY not in str(asked.headers) for asked in elsewhere.asked)


async def test_a_loop_of_redirects_ends(elsewhere: Script, queue: QueueProvider) -> None:
    elsewhere.plays(http(302, b"", {"Location": "/again"}))

    error = await refused(queue, Picture(url=f"{elsewhere.base_url}/a"))

    assert error.error_class is ErrorClass.BAD_OUTPUT
    assert len(elsewhere.asked) == 6


async def test_faults_are_sat_out(elsewhere: Script, queue: QueueProvider) -> None:
    whole = http(200, PNG)
    elsewhere.plays(http(503), cut(whole, len(whole.data) - 3), Act(b"", "reset"), whole)

    assert await queue.fetch(Picture(url=f"{elsewhere.base_url}/a.png")) == PNG


async def test_an_output_may_appear_a_moment_late(elsewhere: Script, queue: QueueProvider) -> None:
    elsewhere.plays(http(404), http(403), http(200, PNG))

    assert await queue.fetch(Picture(url=f"{elsewhere.base_url}/a.png")) == PNG


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_an_output_that_is_gone_is_lost(elsewhere: Script, queue: QueueProvider, status: int) -> None:
    elsewhere.plays(http(status, "<Error>NoSuchKey</Error>"))

    error = await refused(queue, Picture(url=f"{elsewhere.base_url}/a.png"))

    assert (error.error_class, error.http_status) == (ErrorClass.LOST, status)
    assert "NoSuchKey" in error.body_start


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (http(500), ErrorClass.SERVER_ERROR),
        (http(502), ErrorClass.GATEWAY),
        (http(429), ErrorClass.RATE_LIMITED),
        (cut(http(200, PNG), 70), ErrorClass.CONNECTION),
        (Act(b"", "silence"), ErrorClass.TIMEOUT),
    ],
)
async def test_faults_that_last_are_told(
    elsewhere: Script, dial: Callable[..., Any], act: Act, expected: ErrorClass
) -> None:
    elsewhere.plays(act)

    error = await refused(dial(timeouts=Timeouts(connect_s=0.05, fetch_s=0.05)), Picture(url=f"{elsewhere.base_url}/a"))

    assert error.error_class is expected
    assert len(elsewhere.asked) == 4


@pytest.mark.parametrize("declared", ["declared", ""])
async def test_an_output_that_is_too_large_is_left(elsewhere: Script, dial: Callable[..., Any], declared: str) -> None:
    body = b"x" * 200_000
    whole = http(200, body)
    elsewhere.plays(whole if declared else Act(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body, "close"))
    client = dial(timeouts=Timeouts(max_output_bytes=100_000))

    error = await refused(client, Picture(url=f"{elsewhere.base_url}/a"))

    assert error.error_class is ErrorClass.BAD_OUTPUT
    assert "100,000 bytes" in str(error)
    assert len(elsewhere.asked) == 1


@pytest.mark.parametrize(
    "url",
    ["ftp://x/a.png", "gs://bucket/a.png", "file:///etc/passwd", "data:image/png,plain", "http://[bad/a"],
)
async def test_a_url_that_cannot_be_fetched_is_bad_output(queue: QueueProvider, url: str) -> None:
    error = await refused(queue, Picture(url=url))

    assert error.error_class is ErrorClass.BAD_OUTPUT


async def test_a_picture_of_nothing_is_bad_output(queue: QueueProvider) -> None:
    assert (await refused(queue, Picture())).error_class is ErrorClass.BAD_OUTPUT


@pytest.mark.parametrize(
    "answer",
    [
        {"urls": ["https://storage.segmind.com/assets/a.png"]},
        {"file_urls": ["https://storage.segmind.com/assets/a.png"], "message": "Files uploaded successfully"},
        ["https://storage.segmind.com/assets/a.png"],
        {"data": {"url": "https://storage.segmind.com/assets/a.png"}},
    ],
)
async def test_an_upload_gives_the_url_in_every_shape(server: Script, queue: QueueProvider, answer: Any) -> None:
    server.at("/upload-asset", http(502), http(200, answer))

    url = await queue.upload(PNG, "image/png")

    assert url == "https://storage.segmind.com/assets/a.png"
    assert server.asked[1].document == {"data_urls": ["data:image/png;base64," + base64.b64encode(PNG).decode()]}
    assert server.asked[1].headers["x-api-key"] == KEY


@pytest.mark.parametrize("answer", [{}, {"urls": []}, {"urls": ["/relative"]}, {"message": "ok"}, [], None])
async def test_an_upload_without_a_url_is_no_success(server: Script, queue: QueueProvider, answer: Any) -> None:
    server.at("/upload-asset", http(200, answer if answer is not None else b"null"))

    with pytest.raises(CallError, match="without a URL"):
        await queue.upload(PNG, "image/png")


async def test_an_upload_that_is_one_too_many_is_told_to_the_throttle(
    server: Script, dial: Callable[..., Any], notes: Notes
) -> None:
    server.at("/upload-asset", http(429), http(200, {"urls": ["https://x.example/a"]}))

    await dial(pacing=notes).upload(PNG, "image/png")

    assert len(notes.errors) == 1
