"""When the next call may start: one rate per key, shared by all endpoints and workers.

One pacer waits on aiolimiter's smooth form and hands out permits, and only while there is a place among the calls
in flight; so nobody who waits holds a place, and no permit grows stale.  A 429 holds everybody until the provider's
reset time and lowers the rate once per burst; then it grows back.  Without a given rate it starts low and learns.
Knows neither money nor tasks.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pipeline.errors import CallError

START_PER_MINUTE = 60.0
"""First rate when none is given: the lowest that the provider's newest price page names."""
LEAST_PER_MINUTE = 2.0
FASTEST_PER_MINUTE = 6000.0
CUT = 0.7
"""Share of the rate that is left after a 429 when nothing better is known."""
LESS = 0.99
"""A burst lowers the rate to this share at least ..."""
ENOUGH = 0.96
"""... unless it is below this share of what the last minute let through: then the window only has to empty."""
USED = 0.7
"""The rate grows only while calls are made at this share of it: what was not tried is not known to go well."""
LEAST_SHARE = 0.3
"""No single burst lowers the rate further than to this share."""
MINUTE_S = 60.0
MARGIN = 0.98
"""Share of what the last minute let through that is taken as the limit."""
PROBE_S = 10.0
"""Seconds without a 429 between two steps of growth ..."""
PROBE_CALLS = 100
"""... and calls, near a limit that was met: each step may cost a refused call."""
CLIMB = 1.25
"""Growth per step while no limit was met, and back towards a limit that was."""
CREEP = 1.02
"""Growth per step beyond a limit that was met: it may have been raised."""
LONGEST_HOLD_S = 900.0
"""A reset further away than this is taken for a wrong clock, and backed off from instead."""


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
        self.in_flight = 0
        self.failures = 0
        self.closed = False
        self.waiting: deque[asyncio.Future[None]] = deque()

    @property
    def open(self) -> bool:
        """Whether another call to this endpoint may start now."""
        return self.failures < self.FAILS or self.in_flight == 0

    def answered(self, *, well: bool) -> None:
        """Tell how a call ended: *well* is False for gateway errors, time-outs and resets only."""
        self.failures = 0 if well else self.failures + 1


class Throttle:
    """Hands out permits to call, in turn over the endpoints.  One per event loop; ``close`` it at the end."""

    def __init__(
        self,
        rates: Rates,
        *,
        wall: Callable[[], float] = time.time,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._ceiling = rates.per_minute
        self._unlimited = rates.per_minute == 0
        self._rate = float(rates.per_minute or START_PER_MINUTE)
        self._met: float | None = None
        self._proven = 0.0
        """The rate before the last growth, while no limit was met."""
        self.in_flight_limit = rates.in_flight
        self._wall = wall
        self._chance = chance
        self._lanes: dict[str, Lane] = {}
        self._turn: deque[Lane] = deque()
        """The lane that was served longest ago comes first."""
        self._in_flight = 0
        self.paused = False
        self._shut = False
        """Whether the doors are closed for good, also to endpoints that nobody has called yet."""
        self._sent: deque[float] = deque()
        self._began: float | None = None
        self._held_until = 0.0
        self._bursts = 0
        self._grow_at = 0.0
        self._stir = asyncio.Event()
        self._pacer: asyncio.Task[None] | None = None
        self._limiter = AsyncLimiter(1, 60 / self._rate)
        self._fresh = False
        """Whether the limiter is new: its first permit would come at once, on top of the last one of the old."""
        self.polls_count = False
        """True once a poll was refused as too many: from then on polls take permits as well."""
        self.polls = 0
        self.limited_count = 0

    def __repr__(self) -> str:
        rate = "no limit" if self._unlimited else f"{self._rate:.0f}/min"
        waiting = sum(len(lane.waiting) for lane in self._lanes.values())
        return f"<Throttle {rate}, {self._in_flight} in flight, {waiting} waiting>"

    @property
    def per_minute(self) -> float | None:
        """The rate at present; None when there is no limit."""
        return None if self._unlimited else self._rate

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    @property
    def held_s(self) -> float:
        """Seconds until calls may start again; 0 when they may."""
        return max(0.0, self._held_until - self._now())

    def lane(self, endpoint: str) -> Lane:
        """The lane of *endpoint*."""
        if endpoint not in self._lanes:
            self._lanes[endpoint] = Lane()
            self._lanes[endpoint].closed = self._shut
            self._turn.append(self._lanes[endpoint])
        return self._lanes[endpoint]

    @contextlib.asynccontextmanager
    async def admit(self, endpoint: str) -> AsyncIterator[None]:
        """Enter when the next call to *endpoint* may start; leave when it is no longer in flight.

        Raises Closed when the doors were closed.
        """
        lane = self.lane(endpoint)
        await self._permit(lane)
        try:
            yield
        finally:
            self._in_flight -= 1
            lane.in_flight -= 1
            self._stir.set()

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
        if self.polls_count and not self._unlimited:
            await self._limiter.acquire()

    def polled(self) -> None:
        """The status of a task is asked for."""
        self.polls += 1

    def limited(self, error: CallError) -> None:
        """A free request was refused as too many."""
        self.polls_count = True
        self.busy(error)

    def busy(self, error: CallError) -> None:
        """The provider said 429: hold everybody, and lower the rate once per burst."""
        self.limited_count += 1
        now = self._now()
        first_of_burst = now >= self._held_until
        wait_s = self._wait_s(error, first_of_burst=first_of_burst)
        self._held_until = max(self._held_until, now + wait_s)
        if first_of_burst and not self._unlimited:
            self._lower(now)

    def went_well(self) -> None:
        """A call was let through: forget the bursts, and grow when it is time."""
        self._bursts = 0
        if self._unlimited:
            return
        now = self._now()
        if now < self._grow_at or now < self._held_until:
            return
        self._grow_at = now + PROBE_S
        used = self._sent_since(now - PROBE_S) * MINUTE_S / PROBE_S
        if used < USED * self._rate:
            return
        towards = self._met or FASTEST_PER_MINUTE
        if self._met is None:
            self._proven = min(self._rate, used)
        elif self._rate >= towards:
            self._grow_at = now + max(PROBE_S, PROBE_CALLS * MINUTE_S / self._rate)
        faster = min(self._rate * CLIMB, towards) if self._rate < towards else self._rate * CREEP
        self._set(min(faster, self._ceiling or FASTEST_PER_MINUTE))

    async def close(self) -> None:
        """Stop the pacer."""
        if self._pacer is not None:
            self._pacer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pacer

    def _wait_s(self, error: CallError, *, first_of_burst: bool) -> float:
        if first_of_burst:
            self._bursts += 1
        for wait_s in (
            None if error.reset_at is None else error.reset_at - self._wall(),
            error.retry_after_s,
        ):
            if wait_s is not None and 0 <= wait_s <= LONGEST_HOLD_S:
                # A little late rather than a little early: workers that ask too soon are refused again.
                return wait_s + 0.05 + 0.2 * self._chance()
        return float(min(60.0, 2.0 ** min(self._bursts - 1, 6)) * (0.5 + self._chance()))

    def _lower(self, now: float) -> None:
        """Cut to what the last minute let through, or to what went well before the last growth: whichever is more.

        The first is right for windows, the second for a bucket that a growing rate has just emptied.
        """
        rate, proven = self._rate, self._proven * MARGIN
        if self._began is not None and now - self._began >= MINUTE_S:
            passed = self._sent_since(now - MINUTE_S)
            most = rate * LESS if rate > passed * ENOUGH else rate
            # Much less than the rate only says that there was little to do.
            self._met = lowered = min(most, max(passed * MARGIN, proven, rate * LEAST_SHARE))
        else:
            lowered = min(rate * LESS, max(proven, rate * CUT))
            self._met = max(self._met or 0.0, rate * MARGIN)
        self._proven = 0.0
        self._grow_at = now + max(PROBE_S, PROBE_CALLS * MINUTE_S / lowered)
        self._set(lowered)

    def _sent_since(self, then: float) -> int:
        """Calls sent since *then*, at most a minute ago."""
        while self._sent and self._sent[0] < self._now() - MINUTE_S:
            self._sent.popleft()
        return sum(1 for _ in takewhile(lambda at: at >= then, reversed(self._sent)))

    def _set(self, per_minute: float) -> None:
        rate = max(LEAST_PER_MINUTE, per_minute)
        if abs(rate - self._rate) > self._rate / 1000:
            self._rate = rate
            self._limiter = AsyncLimiter(1, 60 / rate)
            self._fresh = True

    async def _permit(self, lane: Lane) -> None:
        if lane.closed:
            raise Closed
        if self._unlimited and self._free(lane):
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
            if permit.done() and not permit.cancelled():  # granted in the same moment: give it back
                self._in_flight -= 1
                lane.in_flight -= 1
                self._stir.set()
            raise

    def _free(self, lane: Lane) -> bool:
        return (
            not self.paused
            and self._in_flight < self.in_flight_limit
            and lane.open
            and not lane.waiting
            and self._now() >= self._held_until
        )

    def _start(self, lane: Lane) -> None:
        self._in_flight += 1
        lane.in_flight += 1
        if not self._unlimited:
            now = self._now()
            self._began = now if self._began is None else self._began
            self._sent.append(now)
            if len(self._sent) > FASTEST_PER_MINUTE * 2:
                self._sent.popleft()

    async def _pace(self) -> None:
        """Grant one permit after the other: hold, place in flight, rate, in this order."""
        while True:
            while (lane := self._next()) is None:
                self._stir.clear()
                await self._stir.wait()
            if (wait_s := self.held_s) > 0:
                await asyncio.sleep(wait_s)
                continue
            if not self._unlimited:
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
