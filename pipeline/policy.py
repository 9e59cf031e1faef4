"""What follows an answer: retry, give up, doubt, stop the endpoint or the run.

Pure: no clock, no sleep, no log.  The table test of `next_step` is the retry documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import ErrorClass

if TYPE_CHECKING:
    from pipeline.errors import CallError


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one task is tried."""

    attempts: int = 5
    """POSTs that failed for a passing cause, before the task fails; a 429 does not count."""
    base_s: float = 1.0
    """First back-off; it doubles from try to try."""
    longest_s: float = 60.0
    """Longest back-off between two tries."""
    server_errors: int = 2
    """Tries that may end in a 500: it often means a bad parameter, so once more and no further."""
    task_s: float = 3600.0
    """Seconds after which a task that is still refused as busy fails."""
    asked_s: float = 900.0
    """Longest wait that an answer may ask for: beyond it the task fails as passing, and the next run takes it up."""
    line_s: float = 600.0
    """Seconds after which a task that finds no connection fails: a router has started anew by then."""

    gone_on_s: float = 180.0
    """Longest time that a call is given to end behind a gateway that gave up on it."""
    brief_s: float = 5.0
    """A gateway that gave up sooner than this never had the call at work."""

    def look_after_s(self, worked_s: float, chance: float) -> float:
        """Seconds before the history is asked for a call that a gateway gave up on after *worked_s*.

        It may go on for as long again, and be listed only when it has ended.
        """
        return max(self.backoff_s(1, chance), min(worked_s, self.gone_on_s))

    def backoff_s(self, tries: int, chance: float) -> float:
        """Seconds to wait after *tries* failed tries; *chance* in [0, 1) spreads them (full jitter above a half)."""
        whole = min(self.longest_s, self.base_s * 2.0 ** min(tries - 1, 60))
        return whole * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class Retry:
    """Send it again after ``wait_s`` seconds; ``counts`` says whether this used up an attempt."""

    wait_s: float
    counts: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The task failed; nothing was billed."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Perhaps billed: never send it again before somebody knows."""


@dataclass(frozen=True, slots=True)
class StopEndpoint:
    """Nothing more to this endpoint; its tasks stay open."""


@dataclass(frozen=True, slots=True)
class StopRun:
    """Nothing more at all; tasks stay open."""


Step = Retry | GiveUp | Doubt | StopEndpoint | StopRun

STOPS_RUN = frozenset({ErrorClass.BAD_KEY, ErrorClass.NO_CREDITS})
NO_LINE = frozenset({ErrorClass.CONNECTION, ErrorClass.TIMEOUT})
"""Causes for which a call may not have left."""
STOPS_ENDPOINT = frozenset({ErrorClass.FORBIDDEN, ErrorClass.RETIRED})


def no_line(error: CallError) -> bool:
    """Whether a call did not leave because the line is down: nothing is wrong with the task."""
    return not error.sent and error.error_class in NO_LINE


def next_step(error: CallError, *, tries: int, elapsed_s: float, patience: Patience, chance: float) -> Step:
    """Say what follows a call that ended in *error*.

    ``tries`` counts this and earlier tries of the task that used up an attempt, from 1; ``elapsed_s`` is the time
    since its first; ``chance`` in [0, 1) is the jitter.
    """
    if error.sent and not error.answered:
        return Doubt()
    if error.error_class in STOPS_RUN:
        return StopRun()
    if error.error_class in STOPS_ENDPOINT:
        return StopEndpoint()
    if elapsed_s >= (patience.line_s if no_line(error) else patience.task_s):
        return GiveUp()
    return _retry_or_give_up(error, tries, patience, chance)


def last_step(error: CallError) -> Step:
    """The same when nothing more will be tried."""
    patience = Patience()
    return next_step(error, tries=patience.attempts, elapsed_s=patience.task_s, patience=patience, chance=0.0)


def _retry_or_give_up(error: CallError, tries: int, patience: Patience, chance: float) -> Retry | GiveUp:
    if error.error_class is ErrorClass.RATE_LIMITED:
        return Retry(0.0, counts=False)  # the throttle holds everybody until the provider's reset time
    asked_s = error.retry_after_s or 0.0
    if asked_s > patience.asked_s:
        return GiveUp()
    wait_s = max(asked_s, patience.backoff_s(tries, chance))
    if error.error_class is ErrorClass.SERVER_ERROR:
        return Retry(wait_s) if tries < patience.server_errors else GiveUp()
    if no_line(error):
        return Retry(wait_s, counts=False)  # it costs nothing to wait until the line is back
    if error.error_class is ErrorClass.GATEWAY or not error.sent:
        return Retry(wait_s) if tries < patience.attempts else GiveUp()
    return GiveUp()
