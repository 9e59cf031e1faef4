"""A running sandbox with an HTTP session beside it, and a clock of the virtual kind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from pipeline.sandbox import SANDBOX_KEY, Sandbox, SandboxOptions

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Reply:
    """One answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Talks to one sandbox."""

    sandbox: Sandbox
    base: str
    session: aiohttp.ClientSession

    async def get(self, path: str, **options: Any) -> Reply:
        return await self._reply("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return await self._reply("POST", path, json=body, **options)

    async def run(self, slug: str, body: dict[str, Any]) -> Reply:
        """Submit to /v2 and follow the job to its end."""
        sent = (await self.post(f"/v2/{slug}", body)).json
        return await self.settled(sent)

    async def followed(self, request_id: str) -> Reply:
        """Follow a job of which only the id is known."""
        url = f"{self.base}/v2/requests/{request_id}"
        return await self.settled({"status_url": f"{url}/status", "response_url": url})

    async def settled(self, sent: dict[str, Any]) -> Reply:
        """Follow the submitted job *sent* to its end."""
        while True:
            state = await self.get(sent["status_url"])
            if state.status != 200 or state.json["status"] == "COMPLETED":
                return await self.get(sent["response_url"])
            await asyncio.sleep(0.005)

    async def _reply(self, method: str, path: str, **options: Any) -> Reply:
        url = path if path.startswith("http") else self.base + path
        async with self.session.request(method, url, **options) as answer:
            body = await answer.read()
            return Reply(answer.status, {name.lower(): text for name, text in answer.headers.items()}, body)


Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a sandbox: ``client = await start(rpm=5)``; all are stopped at the end."""
    async with AsyncExitStack() as stack:

        async def begin(
            *, state_dir: Path | None = None, clock: Callable[[], float] | None = None, **options: Any
        ) -> Client:
            chosen = {"edit": "instant", "latency": 0.0, **options}
            extra = {} if clock is None else {"clock": clock}
            sandbox = Sandbox(SandboxOptions(**chosen), state_dir=state_dir, **extra)
            base = await stack.enter_async_context(sandbox)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(headers={"x-api-key": SANDBOX_KEY}, timeout=aiohttp.ClientTimeout(total=300))
            )
            return Client(sandbox, base, session)

        yield begin


@pytest.fixture
def virtual_time() -> Callable[[], float]:
    """A unix clock that follows the event loop's time: virtual under looptime."""
    epoch = 1_800_000_000.0  # the start of a minute
    return lambda: epoch + asyncio.get_event_loop().time()
