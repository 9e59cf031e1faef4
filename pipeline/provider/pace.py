"""When to look after a submitted task: rarely, and yet soon after it is finished.

The aim: at most 4 polls per task on average, and a result noticed within 10 % of its latency (or 0.2 s), whatever an
endpoint's latency turns out to be.  `Latencies` is the pure part: what was learned, and when to look next.  `Pace`
shares it among the tasks of one endpoint.  While nothing is learned, one of them explores in short steps and the others
wait for its news, because the documented latency may be wrong a thousandfold (a local stand-in answers in 30 ms).

Knows no HTTP.  Time is the event loop's.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right, insort
from collections import deque
from typing import Self

KEPT = 32
"""Latencies that count; with more, a change of the provider's speed is learned too late."""

FEW = 8
"""Up to here the fastest of all is the guide, and every new latency changes the plan."""

FLOOR_S = 0.1
"""No two polls are nearer than this; half of what may pass unnoticed."""

PLANS = (
    (0.05, 1.1),
    (0.1, 1.1),
    (0.15, 1.1),
    (0.2, 1.1),
    (0.2, 1.15),
    (0.2, 1.2),
    (0.25, 1.3),
    (0.25, 1.5),
    (0.3, 2.0),
)
"""The quantile of the latencies where polling begins, and the factor between one poll and the next, from careful to
coarse: the first that the budget allows is used.  What ends before the quantile is noticed a little late; a factor of
1.1 notices the others within 10 %."""

BUDGET = 3.2
"""Status polls per task on average; the result itself is one more request."""

EXPLORING = 1.3
"""Step factor while nothing is learned."""

EARLY = 0.9
"""Without enough latencies, polling begins at this share of the fastest, or of the documented one."""

SPEEDUP = 1.2
SPEEDUP_TOLD = 1.5
"""A result that was there at the first look may have been there for long.  Its latency is taken as this much shorter
than the look, or as what the provider states, but then not shorter than by the second factor: a wrong figure must not
ruin the plan at once."""


class Latencies:
    """What is known about one endpoint's latency, in seconds.  Pure."""

    def __init__(self, documented_s: float) -> None:
        self.documented_s = documented_s if documented_s > 0 else 10.0
        self._recent: deque[float] = deque(maxlen=KEPT)
        self._sorted: list[float] = []
        self._news = 0
        self._growth = PLANS[0][1]
        self._first_s = EARLY * self.documented_s

    def __repr__(self) -> str:
        return f"<Latencies {len(self._recent)} known, first look after {self._first_s:.2f} s, then x {self._growth}>"

    @property
    def known(self) -> bool:
        """Whether any latency was learned."""
        return bool(self._recent)

    def first_s(self) -> float:
        """Seconds after the submit at which a task is looked after for the first time."""
        return self._first_s

    def next_s(self, elapsed_s: float) -> float:
        """Seconds after the submit at which to look again, when a task was unfinished after *elapsed_s*."""
        if not self.known:
            return max(elapsed_s * EXPLORING, elapsed_s + FLOOR_S)
        if elapsed_s < self._first_s:
            return max(self._first_s, elapsed_s + FLOOR_S)
        latest = max(elapsed_s * self._growth, elapsed_s + FLOOR_S)
        return self._snapped(math.sqrt(elapsed_s * latest), latest)

    def exploring_s(self, elapsed_s: float) -> float:
        """Seconds after the submit at which the exploring task is looked after next."""
        return max(elapsed_s * EXPLORING, elapsed_s + 2 * FLOOR_S) if elapsed_s else FLOOR_S

    def learn(self, unfinished_s: float, finished_s: float, told_s: float | None = None) -> None:
        """Note a task that was unfinished at the one time and finished at the other.

        *told_s* is the latency that the provider states.
        """
        if told_s is not None:
            latency_s = min(max(told_s, unfinished_s, finished_s / SPEEDUP_TOLD), finished_s)
        elif unfinished_s > 0:
            latency_s = math.sqrt(unfinished_s * finished_s)
        else:
            latency_s = finished_s / SPEEDUP
        self._keep(max(latency_s, 0.001))
        self._news += 1
        if len(self._recent) <= FEW or self._news % FEW == 0:
            self._plan()

    def _keep(self, latency_s: float) -> None:
        if len(self._recent) == KEPT:
            self._sorted.remove(self._recent[0])
        self._recent.append(latency_s)
        insort(self._sorted, latency_s)

    def _plan(self) -> None:
        for low, growth in PLANS:
            self._growth = growth
            self._first_s = self._start(low, growth)
            if self._polls(growth) <= BUDGET:
                return

    def _start(self, low: float, growth: float) -> float:
        if len(self._sorted) < FEW:
            return EARLY * self._sorted[0]
        start = self._sorted[int(low * len(self._sorted))]
        return self._snapped(0.0, max(start * growth, start + FLOOR_S))

    def _polls(self, growth: float) -> float:
        """Status polls per task, had the known latencies been polled with *growth*."""
        step = math.log(growth)
        late = [math.ceil(math.log(known / self._first_s) / step) for known in self._sorted if known > self._first_s]
        return 1 + sum(late) / len(self._sorted)

    def _snapped(self, after_s: float, latest_s: float) -> float:
        """Give the largest known latency between the two times, because many end there; else the later time."""
        place = bisect_right(self._sorted, latest_s)
        if place and self._sorted[place - 1] > after_s:
            return self._sorted[place - 1]
        return latest_s


class Pace:
    """The tasks of one endpoint that are waited for."""

    def __init__(self, documented_s: float) -> None:
        self.latencies = Latencies(documented_s)
        self._explored = False
        self._news = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Pace {self.latencies!r}>"

    def watch(self, *, submitted_s_ago: float = 0.0, limit_s: float = math.inf) -> Watch:
        """Begin to wait for a task, for at most *limit_s* from now."""
        return Watch(self, submitted_s_ago, limit_s)

    def claim(self) -> bool:
        """Take the exploring upon oneself; False when it is not needed, or somebody else's."""
        if self.latencies.known or self._explored:
            return False
        self._explored = True
        return True

    def release(self) -> None:
        """Give the exploring back, to whoever wakes first."""
        self._explored = False
        self._tell()

    def learn(self, unfinished_s: float, finished_s: float, told_s: float | None) -> None:
        """Note a finished task, as `Latencies.learn` does, and wake everybody when the plan is much earlier now."""
        known, planned_s = self.latencies.known, self.latencies.first_s()
        self.latencies.learn(unfinished_s, finished_s, told_s)
        if not known or self.latencies.first_s() < EARLY * planned_s:
            self._tell()

    async def news(self, within_s: float) -> bool:
        """Return True as soon as there is something new, or False after *within_s* seconds."""
        try:
            async with asyncio.timeout(within_s):
                return await self._news.wait()
        except TimeoutError:
            return False

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Watch:
    """Waiting for one task.  Use as a context: leaving it gives a claimed exploration back."""

    def __init__(self, pace: Pace, submitted_s_ago: float, limit_s: float) -> None:
        self._pace = pace
        self._now = asyncio.get_running_loop().time
        self._start = self._now() - submitted_s_ago
        self._limit_s = submitted_s_ago + limit_s
        self._resumed = submitted_s_ago > 0
        self._looked_s = 0.0
        self._unfinished_s = 0.0
        self._looks = 0
        self._exploring = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._exploring:
            self._exploring = False
            self._pace.release()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the submit."""
        return self._now() - self._start

    @property
    def over(self) -> bool:
        """Whether the time for waiting is used up."""
        return self.elapsed_s >= self._limit_s

    async def until_due(self) -> None:
        """Return when the task should be looked after."""
        while True:
            self._exploring = self._exploring or self._pace.claim()
            rest_s = min(self._due_s(), self._limit_s) - self.elapsed_s
            if rest_s <= 0:
                return
            if not await self._pace.news(rest_s):
                return

    def looks(self) -> None:
        """Note that the task is looked after now."""
        self._looks += 1
        self._looked_s = self.elapsed_s

    def unfinished(self) -> None:
        """Note that the last look found the task unfinished."""
        self._unfinished_s = self._looked_s

    def finished(self, told_s: float | None = None) -> None:
        """Note that the last look found the task finished; *told_s* is the latency that the provider states."""
        if self._resumed and not self._unfinished_s:
            return  # it may have been finished for hours
        self._pace.learn(self._unfinished_s, self._looked_s, told_s)
        self._exploring = False

    def _due_s(self) -> float:
        latencies = self._pace.latencies
        if not self._looks:
            return self._first_s(latencies)
        if self._resumed:
            # Old enough to be finished any moment; a tenth of its age would be long to sit and wait.
            return min(latencies.next_s(self._looked_s), self._looked_s + max(FLOOR_S, latencies.first_s() / 4))
        if self._exploring and not latencies.known:
            return latencies.exploring_s(self._looked_s)
        return latencies.next_s(self._looked_s)

    def _first_s(self, latencies: Latencies) -> float:
        if self._resumed:
            return 0.0
        if self._exploring and not latencies.known:
            return latencies.exploring_s(0.0)
        return latencies.first_s()
