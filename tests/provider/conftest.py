"""Clients of a scripted server, and a second server that is somebody else's."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.provider import Backoff, Hosts, Proxies, Timeouts
from pipeline.provider.queue import QueueProvider
from pipeline.provider.sync import SyncProvider
from tests.provider.scripted import KEY, Notes, Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


async def _run(host: str) -> AsyncIterator[Script]:
    script = Script()
    server = await asyncio.start_server(script.serve, host, 0, limit=1 << 22)
    script.base_url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
    yield script
    server.close()
    script.silent.set()
    for handler in script.handlers:
        handler.cancel()
    await asyncio.gather(*script.handlers, return_exceptions=True)


@pytest.fixture
async def server() -> AsyncIterator[Script]:
    """The provider's host."""
    async for script in _run("127.0.0.1"):
        yield script


@pytest.fixture
async def elsewhere() -> AsyncIterator[Script]:
    """Somebody else's host."""
    async for script in _run("127.0.0.1"):
        yield script


QUICK = Timeouts(connect_s=5, answer_s=5, blocking_s=5, task_s=5, fetch_s=5, max_output_bytes=1_000_000)
HASTY = Backoff(first_s=0.001, most_s=0.002, attempts=4, obeyed_s=0.01)


@pytest.fixture
async def dial(server: Script) -> AsyncIterator[Callable[..., Any]]:
    """Gives clients of *server*: ``dial(QueueProvider, answer_s=1)``; they are closed at the end."""
    made = []

    def dialled(kind: type[Any] = QueueProvider, *, timeouts: Timeouts = QUICK, **settings: Any) -> Any:
        settings = {"backoff": HASTY, "proxies": Proxies({}), "chance": random.Random(7), **settings}
        settings.setdefault("latency_of", lambda _endpoint: 0.01)
        client = kind(Hosts.at(server.base_url), KEY, timeouts=timeouts, **settings)
        made.append(client)
        return client

    yield dialled
    for client in made:
        await client.close()


@pytest.fixture
def queue(dial: Callable[..., Any]) -> QueueProvider:
    return dial(QueueProvider)


@pytest.fixture
def sync(dial: Callable[..., Any]) -> SyncProvider:
    return dial(SyncProvider)


@pytest.fixture
def notes() -> Notes:
    return Notes()
