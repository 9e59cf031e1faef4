"""Requests that cost nothing: they wait their turn, and are repeated with back-off until they succeed.

Owns the repeating.  Knows no path and no meaning of an answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import PASSING, CallError, ErrorClass

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from pipeline.provider.backoff import Backoff
    from pipeline.provider.hosts import Hosts
    from pipeline.provider.interface import Pacing
    from pipeline.provider.wire import Reply, Wire

T = TypeVar("T")


class FreeRequests:
    """GETs and uploads of one provider."""

    def __init__(self, wire: Wire, hosts: Hosts, pacing: Pacing, backoff: Backoff, chance: random.Random) -> None:
        self.wire = wire
        self.hosts = hosts
        self._pacing = pacing
        self._backoff = backoff
        self._chance = chance

    async def get(self, url: str) -> Reply:
        """Give the whole successful answer to *url*, one of our own paths; raises CallError after several attempts."""
        return await self.repeat(lambda: self.once(url))

    async def once(self, url: str) -> Reply:
        """Ask *url*, one of our own paths, once in its turn; raises CallError unless the whole answer is a success."""
        await self.turn(url)
        return await self.ask(url)

    async def turn(self, url: str) -> None:
        """Wait until a GET of *url* may be sent."""
        if self.hosts.is_api(url):
            await self._pacing.before_poll()

    def polled(self) -> None:
        """Tell the throttle that the status of a task is asked for."""
        self._pacing.polled()

    async def ask(self, url: str) -> Reply:
        """Ask *url*, one of our own paths, at once; raises CallError unless the whole answer is a success."""
        limits = self.wire.timeouts
        reply = await self.wire.get(url, total_s=limits.answer_s, most_bytes=limits.max_output_bytes)
        return self.checked(reply, url)

    def checked(self, reply: Reply, url: str) -> Reply:
        """Give *reply* when it is a whole success; otherwise raise its CallError, and report a 429 of the API host.

        Uploads and the history have hosts of their own: what those refuse says nothing about the rate of calls.
        """
        if reply.ok and reply.cut is None:
            return reply
        error = reply.cut if reply.ok and reply.cut else self.wire.refuse(reply)
        if error.error_class is ErrorClass.RATE_LIMITED and self.hosts.is_api(url):
            self._pacing.limited(error)
        raise error

    async def repeat(
        self, once: Callable[[], Awaitable[T]], *, also: Callable[[CallError], bool] = lambda _error: False
    ) -> T:
        """Do *once* until it succeeds, several times at most; errors that *also* tells pass, too."""
        failures = 0
        while True:
            try:
                return await once()
            except CallError as error:
                failures += 1
                passing = error.error_class in PASSING or also(error)
                if not passing or failures >= self._backoff.attempts:
                    raise
                await self.rest(error, failures)

    async def rest(self, error: CallError, failures: int) -> None:
        """Sleep after *error*, the *failures*-th in a row."""
        await asyncio.sleep(self._backoff.wait_after_s(error, failures, self._chance, self.wire.wall()))
