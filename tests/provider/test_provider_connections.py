"""What becomes of a paid call when all connections are taken."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import CallError
from pipeline.provider import Timeouts
from pipeline.provider.wire import SPARE_CONNECTIONS
from pipeline.task import Accepted, Picture
from tests.provider.scripted import Act, Script, http

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pipeline.provider.queue import QueueProvider

SILENT = Act(b"", "silence")
ALL = 1 + SPARE_CONNECTIONS


@contextlib.asynccontextmanager
async def hanging(asked: Script, *requests: Coroutine[Any, Any, Any]) -> Any:
    """While the block runs, *requests* wait for answers of *asked* that never come."""
    tasks = [asyncio.create_task(request) for request in requests]
    async with asyncio.timeout(30):
        while len(asked.asked) < len(tasks):  # noqa: ASYNC110  # the script counts, and tells nobody
            await asyncio.sleep(0)
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_call_that_found_no_free_connection_was_not_sent(server: Script, dial: Callable[..., Any]) -> None:
    server.at("/v1/get-user-credits", SILENT)
    client: QueueProvider = dial(concurrency=1, timeouts=Timeouts(connect_s=0.2, answer_s=5))

    async with hanging(server, *(client.balance() for _ in range(ALL))):
        with pytest.raises(CallError) as caught:
            await client.submit("ic-light", {"prompt": "mug"})

    assert not caught.value.sent
    assert len(server.asked) == ALL


async def test_downloads_that_stall_take_no_connection_from_a_call(
    server: Script, elsewhere: Script, dial: Callable[..., Any]
) -> None:
    server.plays(http(200, {"request_id": "r-1", "status": "QUEUED"}))
    elsewhere.plays(SILENT)
    client: QueueProvider = dial(concurrency=1)
    picture = Picture(url=f"{elsewhere.base_url}/a.png")

    async with hanging(elsewhere, *(client.fetch(picture) for _ in range(ALL))):
        taken = await client.submit("ic-light", {"prompt": "mug"})

    assert taken == Accepted("r-1")
