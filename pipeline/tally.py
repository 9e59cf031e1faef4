"""What a run counts while it goes: requests, ends of tasks, money, balance; and when too much fails.

One Tally is the observer of all workers.  It decides nothing but when failures are too many (`FailureLimit`).
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from pipeline.errors import ErrorClass, RecipeError
from pipeline.money import usd
from pipeline.stop import Reason
from pipeline.task import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.errors import CallError
    from pipeline.ledger.events import Receipt
    from pipeline.task import Task

SERVER_FAULT = 500
LEARNED_FROM, LEAST_LEARNED_FROM = 50, 5
"""Newest calls that tell how long an endpoint takes."""


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """When a run stops because too much fails: ``count`` failures, or a ``share`` of the last ``window`` ends.

    The default stops a broken recipe after ten calls: 10 of the first 10, or half of the last 50.  A task in doubt
    counts as well, and one whose paid output cannot be had: it gave nothing, and may have cost its price.
    """

    count: int | None = None
    share: float | None = None
    window: int = 50
    first: int = 10

    @classmethod
    def parse(cls, text: str | None) -> FailureLimit:
        """``3`` or ``5%``; None for the default.  Raises RecipeError."""
        if text is None:
            return cls(share=0.5)
        words = text.strip()
        try:
            if words.endswith("%"):
                share = float(words[:-1]) / 100
                if 0 < share <= 1:
                    return cls(share=share)
            elif int(words) > 0:
                return cls(count=int(words))
        except ValueError:
            pass
        raise RecipeError(f"--max-failures {text!r} is neither a count nor a share", hint="write 20 or 5%")

    def passed(self, ends: deque[bool], failed: int, total: int) -> bool:
        """Whether it is enough.  ``ends`` are the newest ends, True for one in vain, at most ``window``."""
        if self.count is not None:
            return failed >= self.count
        if self.share is None:
            return False
        if total <= self.first:
            return total == self.first and failed == total
        return len(ends) == self.window and sum(ends) >= self.share * self.window


@dataclass
class Tally:
    """Counts of one run.  ``stop`` is called once when failures pass the limit."""

    limit: FailureLimit = field(default_factory=FailureLimit)
    stop: Callable[[Reason], None] = lambda _reason: None
    submits: int = 0
    http_5xx: int = 0
    done: int = 0
    reused: int = 0
    failed: int = 0
    in_doubt: int = 0
    put_off: int = 0
    """Accepted, and not to be had at present: they stay open."""
    billed_nano: int = 0
    expected_nano: int = 0
    """Typical price of what is still to be billed: of open tasks, each body once."""
    remaining_nano: int | None = None
    latencies: dict[str, deque[float]] = field(default_factory=dict)
    """By endpoint, of the newest calls."""
    clock: Callable[[], float] = time.time
    sent_at: dict[int, float] = field(default_factory=dict)
    """By task, the Unix time at which the call was sent that is under way."""
    newest_end: float | None = None
    """Unix time at which a task ended last."""
    on_end: Callable[[Task, State, ErrorClass | None], None] = lambda *_: None

    def __post_init__(self) -> None:
        self._ends: deque[bool] = deque(maxlen=self.limit.window)
        self._total = 0
        self._in_vain = 0

    def sent(self, task: Task) -> None:
        """A POST is being made."""
        self.sent_at[task.id] = self.clock()
        self.submits += 1

    def refused(self, task: Task, error: CallError) -> None:
        """A POST was answered with *error*, or not at all."""
        self.sent_at.pop(task.id, None)
        if error.http_status is not None and error.http_status >= SERVER_FAULT:
            self.http_5xx += 1

    def ended(self, task: Task, state: State, error_class: ErrorClass | None, receipt: Receipt | None) -> None:
        """A task came to an end in this run."""
        self.sent_at.pop(task.id, None)
        self.newest_end = self.clock()
        if state is State.DONE:
            self.done += 1
            self.reused += receipt is None
        elif state is State.FAILED:
            self.failed += 1
        elif state is State.IN_DOUBT:
            self.in_doubt += 1
        elif state is State.SUBMITTED:
            self.put_off += 1
        if not (task.out_of_date or state is State.SUBMITTED or (state is State.DONE and receipt is None)):
            self.expected_nano = max(0, self.expected_nano - (task.estimate_nano or 0))
        if receipt is not None:
            self.billed_nano += receipt.billed_nano or 0
            if receipt.latency_s is not None:
                self.latencies.setdefault(task.endpoint, deque(maxlen=LEARNED_FROM)).append(receipt.latency_s)
        self.on_end(task, state, error_class)
        self._watch(in_vain=state is not State.DONE)

    def balance(self, remaining_nano: int) -> None:
        """The provider told the balance."""
        self.remaining_nano = remaining_nano

    def this_run(self) -> dict[str, Any]:
        """What this run did, for the summary."""
        return {
            "done": self.done,
            "reused": self.reused,
            "failed": self.failed,
            "in_doubt": self.in_doubt,
            "billed_usd": usd(self.billed_nano),
        }

    def latency_s(self, endpoint: str) -> float | None:
        """How long a call of *endpoint* takes at present: the median of its newest calls; None before the fifth."""
        newest = self.latencies.get(endpoint, ())
        return median(newest) if len(newest) >= LEAST_LEARNED_FROM else None

    def _watch(self, *, in_vain: bool) -> None:
        self._ends.append(in_vain)
        self._total += 1
        self._in_vain += in_vain
        if in_vain and self.limit.passed(self._ends, self._in_vain, self._total):
            doubtful = f", {self.in_doubt} of them perhaps billed" if self.in_doubt else ""
            accepted = f", the outputs of {self.put_off} cannot be had at present" if self.put_off else ""
            message = (
                f"{self._in_vain} of {self._total} tasks failed{doubtful}{accepted}:"
                " the run stops before more is wasted"
            )
            self.stop(Reason("failures", ErrorClass.INTERRUPTED, message))
