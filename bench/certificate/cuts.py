"""Which exchange is cut where: every byte boundary of a short exchange in both directions, one after the other."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certificate.proxy import Cut, Proxy

if TYPE_CHECKING:
    import random

UNCUT = Cut(up=False, after=1 << 40)
"""Never reached: the exchange is only measured."""
FREE_CUT_SHARE = 0.03
"""Of polls and downloads: they are repeated anyway."""
SHARE = 0.7
"""Of the paid requests of a round that meet a cut."""


@dataclass
class Boundaries:
    """The boundaries of a paid exchange, handed out one by one, spread at first and complete in the end."""

    up_bytes: int
    down_bytes: int
    chance: random.Random
    _left: list[Cut] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> Cut:
        """The next boundary; after the last one they begin anew."""
        with self._lock:
            if not self._left:
                places = [(True, n) for n in range(self.up_bytes + 1)] + [(False, n) for n in range(self.down_bytes)]
                self.chance.shuffle(places)
                self._left = [
                    Cut(up, n, reset=self.chance.random() < 0.5, stall_s=0.05 if self.chance.random() < 0.1 else 0.0)
                    for up, n in places
                ]
            return self._left.pop()


class Cutter:
    """Proxies in a loop of their own, on a thread of its own."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._port = port
        self._chance = chance
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def measuring(self) -> tuple[Proxy, str]:
        """A proxy that cuts nothing and measures paid exchanges."""
        return self._start(lambda start: UNCUT if start.startswith(b"POST") else None)

    def cutting(self, boundaries: Boundaries, most: int) -> tuple[Proxy, str]:
        """A proxy that cuts *most* paid exchanges, and some free ones."""
        left = [most]

        def plan(start: bytes) -> Cut | None:
            if start.startswith(b"POST"):
                if left[0] <= 0 or self._chance.random() > SHARE:
                    return None
                left[0] -= 1
                return boundaries.next()
            if self._chance.random() < FREE_CUT_SHARE:
                return Cut(self._chance.random() < 0.3, self._chance.randrange(600))
            return None

        return self._start(plan)

    def end(self, proxy: Proxy) -> None:
        """Close one proxy."""
        asyncio.run_coroutine_threadsafe(proxy.stop(), self._loop).result(timeout=10)

    def close(self) -> None:
        """Stop the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def _start(self, plan: object) -> tuple[Proxy, str]:
        proxy = Proxy("127.0.0.1", self._port, plan)  # type: ignore[arg-type]  # a plan, by its two makers above
        return proxy, asyncio.run_coroutine_threadsafe(proxy.start(), self._loop).result(timeout=10)
