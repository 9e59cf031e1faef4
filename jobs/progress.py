"""Where a run stands, in one line: what ended, the money, the time that is left.  Pure: reads a run's own books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.money import cents, usd

if TYPE_CHECKING:
    from pipeline.orders import Working
    from pipeline.task import Task

KEPT = 99


def line(state: Working, room: int | None = None) -> str:
    """Where the run stands; of what does not fit into *room* characters the least important is left out."""
    words = _words(state)
    while room is not None and len(", ".join(text for _, text in words)) > room:
        least = min(rank for rank, _ in words)
        if least == KEPT:
            break
        words = [(rank, text) for rank, text in words if rank != least]
    return ", ".join(text for _, text in words)


def _words(state: Working) -> list[tuple[int, str]]:
    """What can be said, in order, each with its importance."""
    tally, tools = state.tally, state.tools
    ended = tally.done + tally.failed + tally.in_doubt
    per_minute = 60 * ended / max(1e-9, tools.clock() - state.began)
    left, expected_nano = max(0, state.open_at_start - ended), tally.expected_nano
    words = [(KEPT, f"{tally.done:,} done"), (KEPT, f"{tally.failed:,} failed"), (3, f"{left:,} open")]
    if tally.in_doubt:
        words.append((6, f"{tally.in_doubt:,} in doubt"))
    if tally.put_off:
        words.append((5, f"{tally.put_off:,} could not be fetched"))
    if tools.stop.run is not None:  # nothing more is sent: what is in flight is all that is waited and paid for
        under_way = _under_way(state)
        left, expected_nano = len(under_way), sum(task.estimate_nano or 0 for task in under_way)
    projected = usd(tally.billed_nano + expected_nano)
    words += [
        (2, f"{tools.throttle.in_flight:,} in flight"),
        (1, f"{per_minute:.0f}/min"),
        (KEPT, f"{cents(usd(tally.billed_nano))} of about {cents(projected)}"),
    ]
    if ended and left:
        words.append((7, f"about {_span(left / per_minute * 60)} left"))
    if tools.throttle.held_s > 1:
        words.append((4, f"held by the provider for {tools.throttle.held_s:.0f} s"))
    return words


def _under_way(state: Working) -> list[Task]:
    """The tasks that the provider has, or is being sent."""
    sent = state.tally.sent_at
    return [task for task, _ in state.crew.at_work.values() if task.id in sent or task.request_id is not None]


def _span(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004  # a minute and a half reads better in seconds
        return f"{seconds:.0f} s"
    if seconds < 5400:  # noqa: PLR2004  # an hour and a half reads better in minutes
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
