"""A few threads that do blocking work for the event loop, and wake it once for all that is finished by then.

`asyncio.to_thread` makes two futures, a lock and a wake-up of the loop per call, on as many threads as fit into the
process: next to one core's worth of calls that was a fifth of what a task costs (`bench/throughput.py`).  Knows
nothing of what it is given to do.  `alone` is for work that may never return.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

COUNT = max(2, min(8, os.cpu_count() or 2))
"""Decoding takes a core each; more threads than cores only wait for each other."""


class Hands:
    """Threads for one event loop; they start with the first piece of work.  Use as a context, or ``close``."""

    def __init__(self, count: int = COUNT, *, name: str = "saver") -> None:
        self._count = count
        self._name = name
        self._threads: list[threading.Thread] = []
        self._inbox: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._finished: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._told = False

    def __repr__(self) -> str:
        return f"<Hands {self._count} x {self._name}, {self._inbox.qsize()} waiting>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    async def do(self, work: Callable[[], Result]) -> Result:
        """The result of *work*, done on a thread.  Cancelling the caller does not stop work that has begun."""
        loop = asyncio.get_running_loop()
        if not self._threads:
            self._start(loop)
        future: asyncio.Future[Result] = loop.create_future()
        self._inbox.put((work, future))
        return await future

    def close(self) -> None:
        """Finish what was begun, then end the threads; waits for them.  Later work starts new ones."""
        for _ in self._threads:
            self._inbox.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._threads = [
            threading.Thread(target=self._work, args=(loop,), name=f"{self._name}-{n}", daemon=True)
            for n in range(1, self._count + 1)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (item := self._inbox.get()) is not None:
            work, future = item
            if future.cancelled():  # nobody waits any more, and nothing was begun
                continue
            try:
                self._finished.append((future, work(), None))
            except BaseException as error:  # noqa: BLE001  # handed to the caller, never dropped
                self._finished.append((future, None, error))
            if not self._told:
                self._told = True
                with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                    loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._told = False  # before looking: what is finished from now on tells again
        while self._finished:
            future, result, error = self._finished.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)


async def alone(work: Callable[[], Result], *, name: str) -> Result:
    """The result of *work*, done on a thread of its own: for what may never return, such as a read from a dead drive.

    Cancelling the caller leaves that thread behind.  It takes no place from anybody, and the process ends without it.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def tell(result: Any, error: BaseException | None) -> None:
        if future.done():  # whoever asked has given up
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def begin() -> None:
        result, caught = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  # handed to the caller, never dropped
            caught = error
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(tell, result, caught)

    threading.Thread(target=begin, name=name, daemon=True).start()
    return await future
