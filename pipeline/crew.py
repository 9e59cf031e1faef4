"""Feeders and workers: one lane per endpoint, so that a dead endpoint never keeps the others waiting.

Every coroutine has an owner and a name, every queue a bound.  The crew goes home because the work ends: a feeder has
handed out what the ledger had open, its workers have emptied the queue.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import ErrorClass, LedgerError
from pipeline.outputs import StorageError
from pipeline.stop import Reason, fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.task import Task
    from pipeline.tools import Tools
    from pipeline.worker import Worker

CHUNK = 256
"""Open tasks read from the ledger at a time."""


@dataclass
class News:
    """Tells feeders that planning has put more into the ledger, or that it has ended."""

    ended: bool = True
    known_id: int = 0
    """Tasks up to this id are older than the planning: whether they are still wanted is known when it has ended."""
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def more(self, *, ended: bool = False) -> None:
        """There may be more open tasks than before."""
        self.ended = ended
        self._stirred.set()
        self._stirred = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Set when `more` is called the next time."""
        return self._stirred


@dataclass(frozen=True)
class Sharing:
    """A planned task whose body was paid before: it gets a copy of that output."""

    task: Task
    source_id: int


class Crew:
    """All lanes of a run."""

    def __init__(self, worker: Worker, tools: Tools, news: News, *, workers_per_lane: int) -> None:
        self._worker = worker
        self._tools = tools
        self._news = news
        self._hands = workers_per_lane
        self._claimed: set[bytes] = set()
        self.at_work: dict[int, tuple[Task, float]] = {}
        """Tasks in hand, with the Unix time at which they were taken: the watchdog names them."""

    async def work(self, endpoints: Iterable[str], accepted: Iterable[Task]) -> None:
        """Settle every open task of *endpoints*, and first take up what was *accepted* in an earlier run.

        Of an endpoint that only accepted tasks are of, nothing is sent: `settle` fetches, and pays for nothing.
        """
        sending = frozenset(endpoints)
        lanes: dict[str, list[Task]] = {slug: [] for slug in sending}
        for task in accepted:
            lanes.setdefault(task.endpoint, []).append(task)
        with self._worker.delivery.hands:
            await self._work(lanes, sending)

    async def _work(self, lanes: dict[str, list[Task]], sending: frozenset[str]) -> None:
        async with asyncio.TaskGroup() as group:
            for slug, first in lanes.items():
                inbox: asyncio.Queue[Task | Sharing | None] = asyncio.Queue(maxsize=2 * self._hands)
                group.create_task(self._feed(slug, first, inbox, sends=slug in sending), name=f"feeder {slug}")
                for number in range(self._hands):
                    group.create_task(self._drain(inbox), name=f"worker {slug} {number}")

    async def _feed(
        self, slug: str, first: list[Task], inbox: asyncio.Queue[Task | Sharing | None], *, sends: bool
    ) -> None:
        for task in first:
            await inbox.put(task)
        if sends:
            for after in dict.fromkeys([0] if self._news.ended else [self._news.known_id, 0]):
                await self._feed_above(after, slug, inbox)
        for _ in range(self._hands):
            await inbox.put(None)  # one "go home" per worker

    async def _feed_above(self, after: int, slug: str, inbox: asyncio.Queue[Task | Sharing | None]) -> None:
        """Hand out what is open above the id *after*, until planning has ended and nothing is left."""
        while not self._tools.stop.gone(slug):
            news = self._news.next()
            ended = self._news.ended
            chunk = await self._open_tasks(slug, after)
            for task, twin_id, twin_state in chunk:
                after = task.id
                if self._tools.stop.gone(slug):
                    break
                if twin_state == "done" and twin_id is not None:
                    await inbox.put(Sharing(task, twin_id))
                elif twin_state is None and task.fingerprint not in self._claimed:
                    self._claimed.add(task.fingerprint)
                    await inbox.put(task)
            if not chunk:
                if ended:
                    break
                await news.wait()

    async def _open_tasks(self, slug: str, after: int) -> list[tuple[Task, int | None, str | None]]:
        try:
            return await self._tools.ledger.open_tasks(slug, after, CHUNK)
        except LedgerError as error:
            self._unsafe(error, "ledger")
            return []

    async def _drain(self, inbox: asyncio.Queue[Task | Sharing | None]) -> None:
        while (item := await inbox.get()) is not None:
            try:
                if isinstance(item, Sharing):
                    await self._worker.delivery.share(item.task, item.source_id)
                else:
                    await self._settle(item)
            except LedgerError as error:
                self._unsafe(error, "ledger")
            except StorageError as error:
                self._unsafe(error, "storage")
            except Exception as error:  # noqa: BLE001  # a fault of ours: what the others have in flight is paid for
                self._tools.stop_run(fault_of(error))

    async def _settle(self, task: Task) -> None:
        self.at_work[task.id] = (task, self._tools.clock())
        try:
            await self._worker.settle(task)
        finally:
            del self.at_work[task.id]
            self._claimed.discard(task.fingerprint)

    def _unsafe(self, error: LedgerError | StorageError, word: str) -> None:
        """Going on would risk money: take no new calls, finish what can be finished."""
        message = f"{error} ({error.hint})" if error.hint else str(error)
        self._tools.stop_run(Reason(word, ErrorClass.INTERRUPTED, message))
