"""Is the run alive, and which calls hang: what somebody wants to know who reads the log in the morning.

Pure: from a run's own books to sentences.  Says it only; every exchange has its own time limit (`provider.Timeouts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import endpoints

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.orders import Working
    from pipeline.task import Task

QUIET_S = 60.0
"""Without any end for so long, a run says that it is alive."""
TIMES_TYPICAL = 3.0
LEAST_STUCK_S = 120.0
"""A call is called stuck after three times its usual time, and two minutes: cold boots take that long."""
NAMED = 3


@dataclass(frozen=True, slots=True)
class Stuck:
    """A call that takes much longer than its endpoint usually does."""

    task: Task
    age_s: float


def stuck(state: Working) -> list[Stuck]:
    """The calls that hang, the oldest first.  Tasks that wait for their turn do not."""
    now, tally = state.tools.clock(), state.tally
    found = []
    for task, taken in state.crew.at_work.values():
        since = taken if task.request_id is not None else tally.sent_at.get(task.id)
        usual_s = tally.latency_s(task.endpoint) or endpoints.get(task.endpoint).latency_s
        if since is not None and now - since > max(LEAST_STUCK_S, TIMES_TYPICAL * usual_s):
            found.append(Stuck(task, now - since))
    return sorted(found, key=lambda each: -each.age_s)


def heartbeat(state: Working) -> str | None:
    """A sign of life when nothing ended for a minute, with what may be the reason; None while all goes well."""
    tools = state.tools
    quiet_s = tools.clock() - (state.tally.newest_end or state.began)
    if quiet_s < QUIET_S:
        return None
    words = [f"nothing finished for {quiet_s:.0f} s", f"{tools.throttle.in_flight} calls in flight"]
    if tools.throttle.held_s > 0:
        words.append(f"held by the provider for another {tools.throttle.held_s:.0f} s")
    return ", ".join([*words, *named(stuck(state))])


def named(hanging: Iterable[Stuck]) -> list[str]:
    """Sentences that name the first few of *hanging*."""
    calls = list(hanging)
    said = [
        f"{each.task.key} ({each.task.step}, task {each.task.id}) takes {each.age_s:.0f} s" for each in calls[:NAMED]
    ]
    return [*said, f"{len(calls) - NAMED} more take too long"] if len(calls) > NAMED else said
