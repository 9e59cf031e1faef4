"""What a worker works with: its tools, its habits, who watches, and the attempt it is at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pipeline.policy import Patience, StopEndpoint, StopRun
from pipeline.stop import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.budget import Budget, Reservation
    from pipeline.errors import CallError, ErrorClass
    from pipeline.ledger import Ledger
    from pipeline.ledger.events import Receipt
    from pipeline.mirror import Mirror
    from pipeline.naming import Naming
    from pipeline.outputs import OutputStore
    from pipeline.policy import Step
    from pipeline.prices import Bills
    from pipeline.provider import Provider
    from pipeline.staging import Staging
    from pipeline.stop import Stop
    from pipeline.task import State, Task
    from pipeline.throttle import Throttle


class LeftOpen(Exception):
    """The task was not sent and stays open."""


class Observer(Protocol):
    """Who watches a run: the progress display, the failure limit, the metrics."""

    def sent(self, task: Task) -> None:
        """A POST is being made."""

    def refused(self, task: Task, error: CallError) -> None:
        """A POST was answered with *error*, or not at all."""

    def ended(self, task: Task, state: State, error_class: ErrorClass | None, receipt: Receipt | None) -> None:
        """A task came to an end in this run; ``receipt`` for a paid one.  Still submitted: it could not be had."""

    def balance(self, remaining_nano: int) -> None:
        """The provider told the balance."""

    def latency_s(self, endpoint: str) -> float | None:
        """How long a call of *endpoint* takes at present; None when too little is known."""


class Prices(Protocol):
    """What calls cost."""

    def worst_nano(self, task: Task) -> int | None:
        """The most that *task* may cost, in nano-dollars; None when nobody knows."""

    def billed(self, task: Task, billed_nano: int | None) -> str:
        """Learn from a bill; returns the price signature of *task*."""

    @property
    def bills(self) -> Bills:
        """What was learnt in this folder."""

    def drifts(self) -> list[str]:
        """Sentences about prices that differ from the documented ones."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a worker works."""

    run_id: str
    patience: Patience = field(default_factory=Patience)
    full_decode: bool = True
    """Decode every pixel of an output before it counts; False: check its header and trailer only."""
    deadline: float | None = None
    """Unix time by which every call must be finished."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST under way: its ledger entry, its money, and when it began (Unix time)."""

    id: int
    reservation: Reservation
    began: float


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything a worker works with.  One set per run; ``clock`` gives Unix time, ``chance`` numbers in [0, 1)."""

    ledger: Ledger
    provider: Provider
    throttle: Throttle
    budget: Budget
    store: OutputStore
    staging: Staging
    stop: Stop
    observer: Observer
    prices: Prices
    clock: Callable[[], float]
    chance: Callable[[], float]
    draw_seed: Callable[[], int]
    naming: Naming | None = None
    """None: outputs are named after key and step."""
    mirror: Mirror | None = None
    """A second home of the outputs in object storage."""

    def stop_for(self, task: Task, error: CallError, step: Step) -> None:
        """Carry out a verdict of the policy that concerns more than *task*."""
        reason = Reason("account", error.error_class, str(error))
        match step:
            case StopRun():
                self.stop_run(reason)
            case StopEndpoint():
                self.stop_endpoint(task.endpoint, reason)
            case _:
                pass

    def stop_run(self, reason: Reason) -> None:
        """Take no new calls; who waits for a permit leaves its task open."""
        if self.stop.stop_run(reason):
            self.throttle.close_doors()
            self.budget.stir()

    def stop_endpoint(self, endpoint: str, reason: Reason) -> None:
        """The same for one endpoint."""
        if self.stop.stop_endpoint(endpoint, reason):
            self.throttle.close_doors(endpoint)
            self.budget.stir()
