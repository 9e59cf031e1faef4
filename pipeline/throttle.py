"""When the next call may start: one rate per key, shared by all endpoints and workers.

One pacer waits on aiolimiter's smooth form and hands out permits, and only while there is a place among the calls
in flight; so nobody who waits holds a place, and no permit grows stale.  What the rate is, `rate` decides.  Knows
neither money nor tasks.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from aiolimiter import AsyncLimiter

from pipeline.rate import Rate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.errors import CallError


class Closed(Exception):
    """No more calls are admitted: the run, or this endpoint, is stopping."""


@dataclass(frozen=True, slots=True)
class Rates:
    """``per_minute`` is a ceiling: 0 means no limit, None means: start at 60 and learn."""

    per_minute: float | None = None
    in_flight: int = 64


class Lane:
    """The calls of one endpoint: one that keeps failing may only probe, so that it does not take all places."""

    FAILS = 5

    def __init__(self) -> None:
        self.unanswered = 0
        """Calls that were let in and are not answered; an accepted job that only waits is."""
        self.failures = 0
        self.closed = False
        self.waiting: deque[asyncio.Future[None]] = deque()

    @property
    def open(self) -> bool:
        """Whether another call to this endpoint may start now."""
        return self.failures < self.FAILS or self.unanswered == 0

    def told(self, *, well: bool) -> None:
        """Remember how a call ended: *well* is False for gateway errors, time-outs and resets only."""
        self.failures = 0 if well else self.failures + 1


@dataclass(slots=True)
class Admission:
    """A place among the calls in flight, for the length of an ``async with``."""

    lane: Lane
    enter: Callable[[Lane], Awaitable[None]]
    leave: Callable[[], None]
    stir: Callable[[], None]
    _unanswered: bool = False

    async def __aenter__(self) -> Self:
        await self.enter(self.lane)
        self._unanswered = True
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._end()
        self.leave()

    def answered(self, *, well: bool) -> None:
        """Tell how the call ended, see `Lane.told`; its place may be kept, for an accepted job."""
        self.lane.told(well=well)
        self._end()
        self.stir()

    def _end(self) -> None:
        self.lane.unanswered -= self._unanswered
        self._unanswered = False


class Throttle:
    """Hands out permits to call, in turn over the endpoints.  One per event loop; ``close`` it at the end."""

    def __init__(
        self,
        rates: Rates,
        *,
        wall: Callable[[], float] = time.time,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._rate = Rate(rates.per_minute, chance=chance)
        self.in_flight_limit = rates.in_flight
        self._wall = wall
        self._lanes: dict[str, Lane] = {}
        self._turn: deque[Lane] = deque()
        """The lane that was served longest ago comes first."""
        self._in_flight = 0
        self.paused = False
        self._shut = False
        """Whether the doors are closed for good, also to endpoints that nobody has called yet."""
        self._stir = asyncio.Event()
        self._pacer: asyncio.Task[None] | None = None
        self._paced_at = self._rate.per_minute
        """The rate that the limiter keeps."""
        self._limiter = AsyncLimiter(1, 60 / self._paced_at)
        self._fresh = False
        """Whether the limiter is new: its first permit would come at once, on top of the last one of the old."""
        self.polls = 0
        self.limited_count = 0

    def __repr__(self) -> str:
        rate = "no limit" if self._rate.unlimited else f"{self._rate.per_minute:.0f}/min"
        waiting = sum(len(lane.waiting) for lane in self._lanes.values())
        return f"<Throttle {rate}, {self._in_flight} in flight, {waiting} waiting>"

    @property
    def per_minute(self) -> float | None:
        """The rate at present; None when there is no limit."""
        return None if self._rate.unlimited else self._rate.per_minute

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    @property
    def held_s(self) -> float:
        """Seconds until calls may start again; 0 when they may."""
        return max(0.0, self._rate.held_until - self._now())

    def lane(self, endpoint: str) -> Lane:
        """The lane of *endpoint*."""
        if endpoint not in self._lanes:
            self._lanes[endpoint] = Lane()
            self._lanes[endpoint].closed = self._shut
            self._turn.append(self._lanes[endpoint])
        return self._lanes[endpoint]

    def admit(self, endpoint: str) -> Admission:
        """Enter when the next call to *endpoint* may start; leave when it is no longer in flight.

        Entering raises Closed when the doors were closed.
        """
        return Admission(self.lane(endpoint), self._permit, self._end, self._stir.set)

    def close_doors(self, endpoint: str | None = None) -> None:
        """Admit no more calls to *endpoint*, or to any: who waits gets Closed, what is in flight goes on."""
        self._shut = self._shut or endpoint is None
        if endpoint is not None:
            self.lane(endpoint)
        for slug, lane in self._lanes.items():
            if endpoint in (None, slug):
                lane.closed = True
                while lane.waiting:
                    permit = lane.waiting.popleft()
                    if not permit.done():
                        permit.set_exception(Closed())

    def pause(self, *, on: bool) -> None:
        """Admit nothing while *on*; who waits goes on waiting."""
        self.paused = on
        self._stir.set()

    async def before_poll(self) -> None:
        """Wait until a free request (poll, balance, history) may be made."""
        while (wait_s := self.held_s) > 0:  # noqa: ASYNC110  # not polling: a hold may be prolonged while it is slept out
            await asyncio.sleep(wait_s)
        if self._rate.counts_free(self._now()) and not self._rate.unlimited:
            await self._limiter.acquire()
        self._rate.asked(self._now())

    def polled(self) -> None:
        """The status of a task is asked for."""
        self.polls += 1

    def limited(self, error: CallError) -> None:
        """A free request was refused as too many."""
        self.busy(error, paid=False)

    def busy(self, error: CallError, *, paid: bool = True) -> None:
        """The provider said 429: hold everybody, and lower the rate once per burst."""
        self.limited_count += 1
        until_reset_s = None if error.reset_at is None else error.reset_at - self._wall()
        self._rate.refused(self._now(), asked_s=(until_reset_s, error.retry_after_s), paid=paid)
        self._keep_pace()

    def went_well(self) -> None:
        """A call was let through: grow when it is time."""
        self._rate.let_through(self._now())
        self._keep_pace()

    async def close(self) -> None:
        """Stop the pacer."""
        if self._pacer is not None:
            self._pacer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pacer

    def _keep_pace(self) -> None:
        """Let the limiter follow the rate."""
        if self._rate.per_minute != self._paced_at:
            self._paced_at = self._rate.per_minute
            self._limiter = AsyncLimiter(1, 60 / self._paced_at)
            self._fresh = True

    async def _permit(self, lane: Lane) -> None:
        if lane.closed:
            raise Closed
        if self._rate.unlimited and self._free(lane):
            self._start(lane)
            return
        if self._pacer is None:
            self._pacer = asyncio.create_task(self._pace(), name="pacer")
        permit: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.waiting.append(permit)
        self._stir.set()
        try:
            await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled() and permit.exception() is None:  # granted meanwhile: back
                lane.unanswered -= 1
                self._end()
            raise

    def _free(self, lane: Lane) -> bool:
        return (
            not self.paused
            and self._in_flight < self.in_flight_limit
            and lane.open
            and not lane.waiting
            and self._now() >= self._rate.held_until
        )

    def _start(self, lane: Lane) -> None:
        self._in_flight += 1
        lane.unanswered += 1
        self._rate.sent(self._now())

    def _end(self) -> None:
        self._in_flight -= 1
        self._stir.set()

    async def _pace(self) -> None:
        """Grant one permit after the other: hold, place in flight, rate, in this order."""
        while True:
            while (lane := self._next()) is None:
                self._stir.clear()
                await self._stir.wait()
            if (wait_s := self.held_s) > 0:
                await asyncio.sleep(wait_s)
                continue
            if not self._rate.unlimited:
                await self._next_permit()
                # While waiting the caller may have gone home, or a 429 may have come.
                while (lane := self._next()) is None or self.held_s > 0:
                    await self._rest()
            permit = lane.waiting.popleft()
            self._turn.remove(lane)
            self._turn.append(lane)
            self._start(lane)
            permit.set_result(None)

    async def _next_permit(self) -> None:
        if self._fresh:
            self._fresh = False
            await self._limiter.acquire()
        await self._limiter.acquire()

    async def _rest(self) -> None:
        """Wait for a place, or for the end of a hold, with a permit in hand."""
        if self.held_s > 0:
            await asyncio.sleep(self.held_s)
        else:
            self._stir.clear()
            await self._stir.wait()

    def _next(self) -> Lane | None:
        """The lane whose turn it is, with somebody waiting and a place free; None when there is none."""
        if self.paused or self._in_flight >= self.in_flight_limit:
            return None
        for lane in self._turn:
            while lane.waiting and lane.waiting[0].done():
                lane.waiting.popleft()
            if lane.waiting and lane.open:
                return lane
        return None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
