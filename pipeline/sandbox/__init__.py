"""A local provider that speaks the contract of the real one, and keeps its own list of what it billed.

    async with Sandbox(SandboxOptions(latency=0.1)) as base_url:
        ...  # POST f"{base_url}/v2/ic-light" with x-api-key: SANDBOX_KEY

Owns the life of one sandbox.  It is an approximation of the provider's documents, never of its prices' truth.
aiohttp is imported when a sandbox starts, so that importing this package is cheap.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from pipeline.sandbox.options import SANDBOX_KEY, SandboxOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from pipeline.sandbox.account import Bill
    from pipeline.sandbox.backend import Backend
    from pipeline.sandbox.server import Server

__all__ = ["SANDBOX_KEY", "Sandbox", "SandboxOptions", "serve"]

DEFAULT_OPTIONS = SandboxOptions()


class Sandbox:
    """One local provider on one port."""

    def __init__(
        self,
        options: SandboxOptions = DEFAULT_OPTIONS,
        *,
        state_dir: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """*state_dir* keeps bills, jobs, outputs and assets over restarts; *clock* gives unix time."""
        self.options = options
        self.base_url = ""
        self._state_dir = state_dir
        self._clock = clock
        self._backend: Backend | None = None
        self._server: Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the base URL; raises OSError (port taken) or FolderBusy (folder in use)."""
        from pipeline.sandbox.backend import Backend
        from pipeline.sandbox.server import Server

        self._backend = Backend(self.options, self._state_dir, self._clock)
        self._server = Server(self._backend)
        try:
            self.base_url = await self._server.start(host, port)
        except BaseException:
            await self._backend.stop()
            raise
        self._backend.start()
        return self.base_url

    async def stop(self) -> None:
        """Close every connection and stop; jobs that ran go on at the next start on the same folder."""
        if self._backend is not None and self._server is not None:
            self._backend.closing.set()
            await self._server.stop()
            await self._backend.stop()

    @property
    def backend(self) -> Backend:
        """What stands behind the routes, for tests that look inside; only while started."""
        if self._backend is None:
            raise RuntimeError("the sandbox has not been started")
        return self._backend

    @property
    def bills(self) -> list[Bill]:
        """What was billed, in the order of billing."""
        return list(self.backend.account.bills.values())

    @property
    def billed_nano(self) -> int:
        """Sum of the bills."""
        return self.backend.account.billed_nano

    @property
    def balance_nano(self) -> int:
        """Credits left."""
        return self.backend.account.balance_nano

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        return f"<Sandbox {self.base_url or 'not started'}>"


async def serve(
    options: SandboxOptions = DEFAULT_OPTIONS,
    host: str = "127.0.0.1",
    port: int = 8787,
    state_dir: Path | None = None,
    announce: Callable[[str], object] = print,
) -> None:
    """Run a sandbox until this is cancelled; *announce* is called once with the base URL."""
    sandbox = Sandbox(options, state_dir=state_dir)
    announce(await sandbox.start(host, port))
    try:
        await asyncio.Event().wait()
    finally:
        await sandbox.stop()
