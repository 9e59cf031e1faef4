"""What stands behind the routes: account, jobs, shelves, limits, faults and the request log, built from options.

Knows nothing of aiohttp's requests and responses.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipeline.sandbox import refusal
from pipeline.sandbox.account import Account
from pipeline.sandbox.draws import Chance
from pipeline.sandbox.faults import FaultPlan
from pipeline.sandbox.images_in import ImageSource
from pipeline.sandbox.jobs import JobBook
from pipeline.sandbox.library import Library
from pipeline.sandbox.limits import Limit, limit_of, reset_header
from pipeline.sandbox.render import Renderer
from pipeline.sandbox.requestlog import RequestLog
from pipeline.sandbox.state import Forgetful, State, StateFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.sandbox.options import SandboxOptions


class Backend:
    """One sandbox without its sockets."""

    def __init__(self, options: SandboxOptions, state_dir: Path | None, clock: Callable[[], float]) -> None:
        self.options = options
        self.clock = clock
        self.log = RequestLog()
        self.faults = FaultPlan(options.faults, options.fault_rates, options.seed)
        self.closing = asyncio.Event()
        self.chance = Chance(options)
        self._limits: dict[str, Limit] = {}
        self._state: State = Forgetful() if state_dir is None else StateFolder(state_dir)
        self.assets = Library(state_dir and state_dir / "assets")
        self.outputs = Library(state_dir and state_dir / "outputs")
        self.account = Account(options, self._state.bills())
        self._source = ImageSource(self.assets, self.outputs, strict=options.strict_images)
        self._renderer = Renderer(options)
        self.jobs = JobBook(
            account=self.account,
            chance=self.chance,
            source=self._source,
            renderer=self._renderer,
            outputs=self.outputs,
            state=self._state,
            clock=clock,
        )

    def start(self) -> None:
        """Go on with what an earlier process left unfinished."""
        self.jobs.resume(self._state.jobs())

    async def stop(self) -> None:
        """Stop the jobs and give everything back; safe to call twice."""
        self.closing.set()
        await self.jobs.stop()
        await self._source.close()
        await self._renderer.close()
        self._state.close()

    def check_key(self, key: str | None) -> str:
        """The key of a call; raises Refusal (401)."""
        if not key:
            raise refusal.no_key()
        good = key in self.options.keys if self.options.keys else key.startswith("SG_")
        if not good or key.startswith("SG_bad"):
            raise refusal.bad_key()
        return key

    def check_rate(self, key: str) -> None:
        """Count a call of *key*; raises Refusal (429)."""
        if not self.options.rpm:
            return
        if key not in self._limits:
            self._limits[key] = limit_of(self.options)
        reset_at = self._limits[key].admit(self.clock())
        if reset_at is not None:
            raise refusal.rate_limited(reset_header(reset_at, self.options.reset_format))
