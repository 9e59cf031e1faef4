"""How much of a provider's limit is used, and how much is refused: the throttle, in virtual time.

The real `Throttle` works on an event loop whose clock jumps over every wait, so half an hour takes seconds and no
machine disturbs it.  The provider counts in one of three ways, those of the sandbox; the client knows of the limit
what ``--rpm`` says, or else what the refusals tell.  Counted after the first ten minutes, in which the rate is learnt.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from dataclasses import dataclass

from table import Line

from pipeline.errors import CallError, ErrorClass
from pipeline.sandbox.limits import Bucket, FixedWindow, Limit, SlidingWindow
from pipeline.throttle import Closed, Rates, Throttle

PER_MINUTE = 600
LATENCY_S = 2.0
JITTER_S = 0.02
LEARN_S = 600.0
MEASURED_S = 1800.0
WORKERS = 64
TURN_S = 1e-6
"""Virtual seconds that a turn of the loop takes at least: timers that are a rounding error late still come."""
STARTED_AT = 1_790_000_017.3  # in the middle of a clock minute
LIMITS = {
    "fixed window": lambda: FixedWindow(PER_MINUTE),
    "sliding window": lambda: SlidingWindow(PER_MINUTE),
    "bucket one second deep": lambda: Bucket(PER_MINUTE, PER_MINUTE // 60),
}


@dataclass
class Counts:
    """Calls after the learning time."""

    taken: int = 0
    refused: int = 0


def limits(*, quick: bool) -> list[Line]:
    """One line per way of counting, without a given rate and with the right one."""
    return [
        _line(name, per_minute, measured_s=120.0 if quick else MEASURED_S, learn_s=60.0 if quick else LEARN_S)
        for name in LIMITS
        for per_minute in (PER_MINUTE, None)
    ]


def _line(name: str, per_minute: float | None, *, measured_s: float, learn_s: float) -> Line:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        counts = runner.run(_drive(LIMITS[name](), per_minute, learn_s, measured_s))
    used = counts.taken / (PER_MINUTE * measured_s / 60)
    refused = counts.refused / max(1, counts.taken + counts.refused)
    given = "rate learnt" if per_minute is None else f"--rpm {per_minute:g}"
    met = used >= 0.95 and refused < 0.01
    goal = f"95 % used, under 1 % refused{'' if met else ': missed'}"
    return Line(
        f"limit of {PER_MINUTE} per minute, {name}, {given}",
        f"{used:.1%} used, {refused:.2%} refused",
        goal,
        f"virtual time, {measured_s / 60:g} minutes",
    )


async def _drive(limit: Limit, per_minute: float | None, learn_s: float, measured_s: float) -> Counts:
    loop = asyncio.get_running_loop()
    throttle = Throttle(Rates(per_minute, WORKERS), wall=lambda: STARTED_AT + loop.time())
    counts = Counts()
    chance = random.Random(7)

    async def work() -> None:
        while True:
            try:
                async with throttle.admit("bg-replace"):
                    await asyncio.sleep(chance.random() * JITTER_S)
                    reset_at = limit.admit(STARTED_AT + loop.time())
                    if loop.time() >= learn_s:
                        counts.taken += reset_at is None
                        counts.refused += reset_at is not None
                    if reset_at is None:
                        await asyncio.sleep(LATENCY_S)
                        throttle.went_well()
                    else:
                        throttle.busy(_refusal(reset_at))
            except Closed:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())
        await asyncio.sleep(learn_s + measured_s)
        throttle.close_doors()
    await throttle.close()
    return counts


def _refusal(reset_at: float) -> CallError:
    return CallError("too many requests", ErrorClass.RATE_LIMITED, http_status=429, reset_at=reset_at)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: its clock jumps to the next thing to do."""

    def __init__(self) -> None:
        self._jumped_s = 0.0
        loop = self

        class Impatient(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> list:
                loop._jumped_s += max(timeout or 0.0, TURN_S)
                return super().select(0)

        super().__init__(Impatient())

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumped_s
