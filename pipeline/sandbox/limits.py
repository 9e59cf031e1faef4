"""The rate limit as the provider may keep it: fixed window, sliding window or bucket.  Pure: time comes in.

Knows nothing of HTTP or of whose calls it counts.
"""

from __future__ import annotations

import math
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipeline.sandbox.options import SandboxOptions

MINUTE_S = 60.0


class Limit(Protocol):
    """One key's limit."""

    def admit(self, now: float) -> float | None:
        """Count a call at unix time *now*: None when it may pass, else the unix time of the reset."""


class FixedWindow:
    """*rpm* calls in each minute of the clock."""

    def __init__(self, rpm: int) -> None:
        self.rpm = rpm
        self._minute = -1
        self._used = 0

    def admit(self, now: float) -> float | None:
        """See `Limit`."""
        minute = math.floor(now / MINUTE_S)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        if self._used >= self.rpm:
            return (minute + 1) * MINUTE_S
        self._used += 1
        return None


class SlidingWindow:
    """At most *rpm* calls in any 60 seconds; refused calls do not count."""

    def __init__(self, rpm: int) -> None:
        self.rpm = rpm
        self._passed: deque[float] = deque()

    def admit(self, now: float) -> float | None:
        """See `Limit`."""
        while self._passed and self._passed[0] <= now - MINUTE_S:
            self._passed.popleft()
        if len(self._passed) >= self.rpm:
            return self._passed[0] + MINUTE_S
        self._passed.append(now)
        return None


class Bucket:
    """*burst* calls at once, refilled at *rpm* per minute."""

    def __init__(self, rpm: int, burst: int) -> None:
        self.per_s = rpm / MINUTE_S
        self.burst = burst
        self._tokens = float(burst)
        self._at: float | None = None

    def admit(self, now: float) -> float | None:
        """See `Limit`."""
        waited_s = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._tokens = min(float(self.burst), self._tokens + waited_s * self.per_s)
        # 1e-9: a client that comes exactly at the reset time must not be turned away by a rounding error.
        if self._tokens < 1 - 1e-9:
            return now + (1 - self._tokens) / self.per_s
        self._tokens -= 1
        return None


def limit_of(options: SandboxOptions) -> Limit:
    """A fresh limit of the kind that *options* ask for; ``options.rpm`` must be above 0."""
    if options.rpm_window == "fixed":
        return FixedWindow(options.rpm)
    if options.rpm_window == "sliding":
        return SlidingWindow(options.rpm)
    return Bucket(options.rpm, options.rpm_burst or max(1, options.rpm // 60))


def reset_header(reset_at: float, form: str) -> dict[str, str]:
    """``x-rate-limit-reset-at-utc`` for unix time *reset_at*, rounded up to what *form* can say."""
    if form == "none":
        return {}
    if form == "iso":
        moment = datetime.fromtimestamp(math.ceil(reset_at * 1000) / 1000, UTC)
        text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    elif form == "datetime":
        text = datetime.fromtimestamp(math.ceil(reset_at), UTC).strftime("%Y-%m-%d %H:%M:%S")
    else:
        text = str(math.ceil(reset_at))
    return {"x-rate-limit-reset-at-utc": text}
