"""Three ways in which providers count calls per minute.  Pure: time comes in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

WINDOW_S = 60.0


class Limit(Protocol):
    """Says whether a call that arrives at *now* (monotonic seconds) is one too many."""

    def refuse(self, now: float) -> float | None:
        """Seconds until the next call may come; None when this one may."""


@dataclass
class FixedWindow:
    """So many calls per clock minute."""

    per_minute: int
    _window: int = -1
    _count: int = 0

    def refuse(self, now: float) -> float | None:
        window = int(now // WINDOW_S)
        if window != self._window:
            self._window, self._count = window, 0
        if self._count >= self.per_minute:
            return (window + 1) * WINDOW_S - now
        self._count += 1
        return None


@dataclass
class SlidingWindow:
    """So many calls in any minute."""

    per_minute: int
    _taken: deque[float] = field(default_factory=deque)

    def refuse(self, now: float) -> float | None:
        while self._taken and self._taken[0] <= now - WINDOW_S:
            self._taken.popleft()
        if len(self._taken) >= self.per_minute:
            return self._taken[0] + WINDOW_S - now
        self._taken.append(now)
        return None


@dataclass
class Bucket:
    """A bucket one second deep that fills at the rate."""

    per_minute: int
    _level: float | None = None
    _at: float = 0.0

    def refuse(self, now: float) -> float | None:
        per_s = self.per_minute / WINDOW_S
        level = per_s if self._level is None else min(per_s, self._level + (now - self._at) * per_s)
        self._at = now
        if level < 1:
            self._level = level
            return (1 - level) / per_s
        self._level = level - 1
        return None


LIMITS: dict[str, Callable[[int], Limit]] = {"fixed": FixedWindow, "sliding": SlidingWindow, "bucket": Bucket}
