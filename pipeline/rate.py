"""How many calls a minute are made: at the given rate, or at one that is learnt from what the provider refuses.

A 429 holds everybody until the provider's reset time and lowers the rate once per burst; then it grows back.  Without
a given rate it starts low and learns.  Pure: the time comes in.  Knows neither endpoints nor who is waiting.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

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
"""... and calls, near a limit that was met: each step may cost a refused call ..."""
LONGEST_PROBE_S = 120.0
"""... but never more seconds than this: a rate of a few a minute would take hours to make so many calls."""
CLIMB = 1.25
"""Growth per step while no limit was met, and back towards a limit that was."""
CREEP = 1.02
"""Growth per step beyond a limit that was met: it may have been raised ..."""
SMALL_STEPS = 3
"""... and after so many steps without a refusal it has been, so each further step grows by twice as much."""
FREE_REFUSED_S = 600.0
"""Free requests that are refused twice within this count against the limit, as far as anybody can tell ..."""
FREE_COUNT_S = 1800.0
"""... for this long; then it is tried anew, for they may take permits from calls for nothing."""
REMEMBERED_S = 600.0
WORSE = 0.85
"""Cuts that leave less than this share of what a minute of the last REMEMBERED_S let through, and calls still refused:
it was not the rate, and more of them would end at a standstill."""
OBEYED = 3
"""A wait of less than a second is believed for so many bursts with nothing let through between."""
LONGEST_HOLD_S = 900.0
"""A reset further away than this is taken for a wrong clock, and backed off from instead."""


class Rate:
    """The rate of one key.  Times are seconds of one steady clock; ``per_minute`` of 0 means no limit."""

    def __init__(self, per_minute: float | None, *, chance: Callable[[], float]) -> None:
        """*per_minute* is a ceiling; None means: start low and learn.  *chance* gives 0 to 1."""
        self.unlimited = per_minute == 0
        self.per_minute = float(per_minute or START_PER_MINUTE)
        self.held_until = 0.0
        """When calls may start again."""
        self._ceiling = per_minute or FASTEST_PER_MINUTE
        self._chance = chance
        self._met: float | None = None
        """The limit, as far as one was met."""
        self._proven = 0.0
        """The rate before the last growth, while no limit was met."""
        self._sent: deque[float] = deque()
        self._asked: deque[float] = deque()
        """Free requests of the last minute."""
        self._free_refused_at = -math.inf
        self._free_count_until = -math.inf
        self._began: float | None = None
        self._bursts = 0
        self._grow_at = 0.0
        self._steps = 0
        """Steps of growth beyond the limit since the last refusal."""
        self._minutes: deque[tuple[float, int, float]] = deque()
        """When it was looked, what the minute before had let through, and the rate."""

    def __repr__(self) -> str:
        return "<Rate without limit>" if self.unlimited else f"<Rate {self.per_minute:.0f}/min>"

    def sent(self, now: float) -> None:
        """A call starts."""
        if self.unlimited:
            return
        self._began = now if self._began is None else self._began
        self._sent.append(now)
        if len(self._sent) > FASTEST_PER_MINUTE * 2:
            self._sent.popleft()

    def asked(self, now: float) -> None:
        """A free request is made."""
        self._asked.append(now)
        while self._asked[0] < now - MINUTE_S:
            self._asked.popleft()

    def let_through(self, now: float) -> None:
        """A call was not refused as too many: forget the bursts, and grow when it is time."""
        self._bursts = 0
        if self.unlimited or now < self._grow_at or now < self.held_until:
            return
        self._grow_at = now + PROBE_S
        self._remember(now)
        used = self._sent_since(now - PROBE_S, now) * MINUTE_S / PROBE_S
        if used < USED * self.per_minute:
            return
        towards = self._met or FASTEST_PER_MINUTE
        if self._met is None:
            self._proven = min(self.per_minute, used)
        if self.per_minute < towards:
            faster = min(self.per_minute * CLIMB, towards)
        else:
            faster = self.per_minute * self._creep()
            self._grow_at = now + _probe_s(self.per_minute)
        self._set(min(faster, self._ceiling))

    def refused(self, now: float, *, asked_s: tuple[float | None, ...] = (), paid: bool = True) -> None:
        """A call, or a free request, was refused as too many, with these waits asked for: hold, lower once per burst.

        When nothing was let through since the last burst, the door is shut to everybody: no rate would be low enough.
        """
        made = self._sent if paid else self._asked
        if made:
            made.pop()  # what remains was let through: at a few calls a minute one more is a wrong limit
        first_of_burst = now >= self.held_until
        if first_of_burst:
            self._bursts += 1
            if not paid:
                self._refused_free(now)
        self.held_until = max(self.held_until, now + self._wait_s(asked_s))
        if first_of_burst and self._bursts == 1 and not self.unlimited:
            self._lower(now)

    def counts_free(self, now: float) -> bool:
        """Whether free requests take permits: the provider seems to count them."""
        return now < self._free_count_until

    def _refused_free(self, now: float) -> None:
        """Once may be chance."""
        if self.counts_free(now) or now - self._free_refused_at < FREE_REFUSED_S:
            self._free_count_until = now + FREE_COUNT_S
        self._free_refused_at = now

    def _creep(self) -> float:
        self._steps += 1
        return float(min(CLIMB, 1 + (CREEP - 1) * 2.0 ** min(max(self._steps - SMALL_STEPS, 0), 6)))

    def _wait_s(self, asked_s: tuple[float | None, ...]) -> float:
        own_s = float(min(60.0, 2.0 ** min(self._bursts - 1, 6)) * (0.5 + self._chance()))
        for wait_s in asked_s:
            if wait_s is not None and 0 <= wait_s <= LONGEST_HOLD_S:
                # A little late rather than a little early: workers that ask too soon are refused again.
                late_s = wait_s + 0.05 + 0.2 * self._chance()
                return late_s if self._bursts <= OBEYED or wait_s >= 1 else max(late_s, own_s)
        return own_s

    def _lower(self, now: float) -> None:
        """Cut to what the last minute let through, or to what went well before the last growth: whichever is more.

        The first is right for windows, the second for a bucket that a growing rate has just emptied.
        """
        self._remember(now)
        if (better := self._better(now)) > self.per_minute:
            self._met = None
            self._set(better)
            return
        rate, proven = self.per_minute, self._proven * MARGIN
        if self._began is not None and now - self._began >= MINUTE_S:
            passed = self._sent_since(now - MINUTE_S, now)
            most = rate * LESS if rate > passed * ENOUGH else rate
            # Much less than the rate only says that there was little to do.
            self._met = lowered = min(most, max(passed * MARGIN, proven, rate * LEAST_SHARE))
        else:
            lowered = min(rate * LESS, max(proven, rate * CUT))
            self._met = max(self._met or 0.0, rate * MARGIN)
        self._proven = 0.0
        self._steps = 0
        self._grow_at = now + _probe_s(lowered)
        self._set(lowered)

    def _remember(self, now: float) -> None:
        """Note what the last minute let through."""
        if self._began is None or now - self._began < MINUTE_S:
            return
        self._minutes.append((now, self._sent_since(now - MINUTE_S, now), self.per_minute))
        while self._minutes[0][0] < now - REMEMBERED_S:
            self._minutes.popleft()

    def _better(self, now: float) -> float:
        """The least rate that let much more through than the last minute's; 0 when none did."""
        passed = self._sent_since(now - MINUTE_S, now)
        most = max((each for _, each, _ in self._minutes), default=0)
        if passed >= WORSE * most - 1:
            return 0.0
        return min(rate for _, each, rate in self._minutes if each >= MARGIN * most)

    def _sent_since(self, then: float, now: float) -> int:
        """Calls sent since *then*, at most a minute ago; with free requests where those count."""
        while self._sent and self._sent[0] < now - MINUTE_S:
            self._sent.popleft()
        made = [self._sent, self._asked] if self.counts_free(now) else [self._sent]
        return sum(1 for times in made for _ in takewhile(lambda at: at >= then, reversed(times)))

    def _set(self, per_minute: float) -> None:
        rate = max(LEAST_PER_MINUTE, per_minute)
        if abs(rate - self.per_minute) > self.per_minute / 1000:
            self.per_minute = rate


def _probe_s(per_minute: float) -> float:
    """Seconds until the next step near a limit that was met."""
    return min(max(PROBE_S, PROBE_CALLS * MINUTE_S / per_minute), LONGEST_PROBE_S)
