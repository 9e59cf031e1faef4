"""One task from the ledger to a paid call: the first half of the order of writes, carried out.

    1 reserve the worst price            after a crash: recomputed from the ledger
    2 wait for the throttle              nothing happened
    3 `intent` is durable                in doubt
    4 POST, exactly once per attempt     in doubt, settled by the provider's history
    5 `submitted(request_id)` is durable taken up again, never paid again

Carries out what `policy` decides and adds no opinion; `delivery` does the rest.  Knows neither manifests nor
terminals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenacity import AsyncRetrying, retry_if_exception

from pipeline import endpoints
from pipeline.budget import CapReached, Reservation
from pipeline.delivery import ONLY_ECHO, Delivery
from pipeline.doubts import look_for
from pipeline.errors import CallError, ErrorClass
from pipeline.images.errors import BadInput
from pipeline.ledger.events import AlreadyPaid, Intent, NotOpen, Verdict
from pipeline.policy import Doubt, GiveUp, Retry, last_step, no_line
from pipeline.recognition import Doubtful, Found, Unknown, addresses
from pipeline.stop import Reason
from pipeline.story import Story
from pipeline.task import Accepted, Answer, State, Task
from pipeline.throttle import Closed
from pipeline.tools import Attempt, LeftOpen

if TYPE_CHECKING:
    from pipeline.throttle import Admission
    from pipeline.tools import Habits, Tools

WORTH_A_LOOK = frozenset({ErrorClass.GATEWAY, ErrorClass.TIMEOUT, ErrorClass.CONNECTION})
"""Causes that speak against an endpoint rather than a task: its lane narrows."""


class Worker:
    """Settles tasks, one at a time per call of `settle`; many calls run side by side."""

    def __init__(self, tools: Tools, habits: Habits) -> None:
        self.tools = tools
        self.habits = habits
        self.delivery = Delivery(tools, habits)

    async def settle(self, task: Task) -> None:
        """Bring *task* to its end, or leave it open when the run stops first.

        Raises only what makes going on unsafe: LedgerError, StorageError.
        """
        if task.request_id is not None:
            await self.delivery.take_up(task)
            return
        candidate: Task | None = task
        while candidate is not None:
            candidate = await self._try(candidate)

    async def _try(self, task: Task) -> Task | None:
        """Send *task*; when its input cannot be had, returns one with the same body to try instead."""
        story = Story(self.tools, self.habits.patience)
        try:
            self._refuse_early(task)
            body = await self._body(task, story)
            try:
                await self._send(task, body, story)
            except CallError as error:
                if not story.again(error):
                    raise
                await self._send_again(task, body, story)
        except _Unusable as error:
            return error.instead
        except (LeftOpen, CallError):
            pass  # what happened is in the ledger
        return None

    async def _send_again(self, task: Task, body: dict[str, Any], story: Story) -> None:
        """Retry as the policy says.  For the first try alone, tenacity would be a tenth of what a task costs."""
        await self.tools.stop.nap(story.wait_s())
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(story.again), wait=story.wait_s, sleep=self.tools.stop.nap, reraise=True
        ):
            with attempt:
                await self._send(task, body, story)

    async def _body(self, task: Task, story: Story) -> dict[str, Any]:
        """The task's parameters with images that the provider can reach; a bad input ends the task."""
        try:
            return await self._staged(task, story)
        except BadInput as error:
            verdict = Verdict(ErrorClass.BAD_INPUT, str(error), None, self.tools.clock())
            raise _Unusable(await self._fail_unsent(task, verdict)) from error
        except CallError as error:
            step = last_step(error)
            if error.error_class is not ErrorClass.INTERRUPTED and isinstance(step, GiveUp | Doubt):
                verdict = Verdict.of(error, self.tools.clock(), before="upload: ")
                raise _Unusable(await self._fail_unsent(task, verdict)) from error
            self.tools.stop_for(task, error, step)
            raise LeftOpen from error

    async def _staged(self, task: Task, story: Story) -> dict[str, Any]:
        """Uploads are tried again by themselves, but not for as long as a line may be down."""
        while True:
            try:
                return await self.tools.staging.body(task.endpoint, task.params)
            except CallError as error:
                story.begin()
                is_line = no_line(error) and error.error_class is ErrorClass.CONNECTION  # a file may be slow as well
                if not is_line or not isinstance(story.judge(error), Retry):
                    raise
                await self.tools.stop.nap(story.wait_s())
                if self.tools.stop.gone(task.endpoint):
                    raise LeftOpen from error

    async def _send(self, task: Task, body: dict[str, Any], story: Story) -> None:
        """Steps 1 to 5 once, and what follows from the answer."""
        seed, body = self._with_seed(task, body)
        reservation = await self._reserve(task)
        try:
            async with self.tools.throttle.admit(task.endpoint) as place:
                self._in_time(task)
                story.begin()
                attempt = await self._intend(task, body, seed, reservation)
                answer = await self._call(task, body, attempt, place)
                if isinstance(answer, Accepted):
                    answer = await self._wait(task, attempt, answer)
        except (LeftOpen, AlreadyPaid, NotOpen, Closed) as error:
            await self.tools.budget.settle(reservation, 0)
            raise LeftOpen from error
        except _Unanswered as failure:
            if failure.error.may_go_on and await self._went_on(task, body, seed, failure):
                raise LeftOpen from failure
            await self._unfulfilled(task, failure.attempt, failure.error, story)
            raise failure.error from failure
        if answer is not None:
            await self.delivery.receive(task, attempt, answer, first=True)

    async def _intend(self, task: Task, body: dict[str, Any], seed: int | None, reservation: Reservation) -> Attempt:
        """Step 3."""
        now = self.tools.clock()
        sent = addresses(task.endpoint, task.params, body)
        meant = Intent(task, self.habits.run_id, now, seed, reservation.nano, reservation.name, sent)
        return Attempt(await self.tools.ledger.intent(meant), reservation, now)

    async def _call(
        self, task: Task, body: dict[str, Any], attempt: Attempt, place: Admission
    ) -> Accepted | Answer | None:
        """Steps 4 and 5; None when the answer was unusable and has been followed up already."""
        tools = self.tools
        tools.observer.sent(task)
        try:
            answer = await tools.provider.submit(task.endpoint, body)
        except CallError as error:
            tools.observer.refused(task, error)
            place.answered(well=error.error_class not in WORTH_A_LOOK)
            if error.request_id is None:
                raise _Unanswered(attempt, error) from error
            await tools.ledger.accepted(task, attempt.id, error.request_id)
            await self.delivery.finish(task, attempt, Accepted(error.request_id), first=error)
            return None
        place.answered(well=True)
        tools.throttle.went_well()
        if isinstance(answer, Answer) and not (answer := answer.without(body.values())).pictures:
            if answer.request_id is None:
                raise _Unanswered(attempt, CallError(ONLY_ECHO, ErrorClass.BAD_OUTPUT, answered=False))
            answer = Accepted(answer.request_id)
        if answer.request_id is not None:
            await tools.ledger.accepted(task, attempt.id, answer.request_id)
        return answer

    async def _wait(self, task: Task, attempt: Attempt, accepted: Accepted) -> Answer | None:
        """The result of a queued call: still in flight until it is there."""
        try:
            return await self.delivery.wait(task, attempt, accepted)
        except CallError as error:
            await self.delivery.in_vain(task, attempt, error)
            return None

    async def _went_on(self, task: Task, body: dict[str, Any], seed: int | None, failure: _Unanswered) -> bool:
        """Whether a call that a gateway gave up on is in the history all the same: then it is fetched."""
        tools, attempt, patience = self.tools, failure.attempt, self.habits.patience
        worked_s = tools.clock() - attempt.began
        await tools.stop.nap(patience.look_after_s(worked_s, tools.chance()))
        sent = addresses(task.endpoint, task.params, body)
        case = Doubtful(attempt.id, task.id, task.endpoint, task.params, seed, attempt.began, sent)
        said = await look_for(tools.ledger, tools.provider, case, now=tools.clock())
        if isinstance(said, Found):
            await tools.ledger.accepted(task, attempt.id, said.request_id)
            await self.delivery.finish(task, attempt, Accepted(said.request_id))
            return True
        too_early = (said is None or tools.stop.run is not None) and worked_s > patience.brief_s
        failure.error.answered = not (too_early or isinstance(said, Unknown))  # it lists a call that may be this one
        return False

    async def _unfulfilled(self, task: Task, attempt: Attempt, error: CallError, story: Story) -> None:
        """The POST gave nothing, or nobody knows: record it, settle the money, carry out the verdict."""
        tools = self.tools
        verdict = Verdict.of(error, tools.clock())
        step = story.judge(error)
        tools.stop_for(task, error, step)  # before the ledger is waited for: others would be sent meanwhile
        if isinstance(step, Doubt):
            await tools.ledger.doubt(task, attempt.id, verdict)
            await tools.budget.settle(attempt.reservation, None)
            tools.observer.ended(task, State.IN_DOUBT, error.error_class, None)
            return
        if error.error_class is ErrorClass.BAD_OUTPUT:
            await self.delivery.in_vain(task, attempt, error)
            return
        if error.error_class is ErrorClass.RATE_LIMITED:
            tools.throttle.busy(error)
        final = isinstance(step, GiveUp)
        if final:
            self._failed(task, error.error_class, 1)  # first: the failure limit may stop the run
        twins = await tools.ledger.refused(task, attempt.id, verdict, final=final)
        await tools.budget.settle(attempt.reservation, 0)
        self._failed(task, error.error_class, twins)

    async def _fail_unsent(self, task: Task, verdict: Verdict) -> Task | None:
        instead = await self.tools.ledger.failed_unsent(task, verdict)
        self._failed(task, verdict.error_class, 1)
        return instead

    def _failed(self, task: Task, error_class: ErrorClass, count: int) -> None:
        for _ in range(count):
            self.tools.observer.ended(task, State.FAILED, error_class, None)

    async def _reserve(self, task: Task) -> Reservation:
        """Step 1; raises LeftOpen when the cap or the stop says no."""
        nano = self._worst_nano(task)
        if self.tools.stop.gone(task.endpoint) or self.tools.budget.hopeless(nano):
            raise LeftOpen
        try:
            reservation = await self.tools.budget.reserve(nano, gone=lambda: self.tools.stop.gone(task.endpoint))
        except CapReached as refusal:
            raise LeftOpen from refusal
        if reservation is None:
            raise LeftOpen
        return reservation

    def _refuse_early(self, task: Task) -> None:
        """Leave *task* open before its images are read and uploaded, where the cap or the stop says no anyway."""
        budget = self.tools.budget
        capped_out = budget.refusal is not None and budget.hopeless(self._worst_nano(task))
        if capped_out or self.tools.stop.gone(task.endpoint):
            raise LeftOpen

    def _worst_nano(self, task: Task) -> int:
        """What to reserve.  Planning refuses a cap over unknown prices; a run without planning meets them here."""
        nano = self.tools.prices.worst_nano(task)
        if nano is None and self.tools.budget.capped:
            message = f"the price of {task.endpoint} is unknown, so the cap could not hold: add --assume-price SLUG=USD"
            self.tools.stop_endpoint(task.endpoint, Reason("cap", ErrorClass.CAP, message))
            raise LeftOpen
        return nano or 0

    def _in_time(self, task: Task) -> None:
        """Refuse to start what would not be finished by the deadline."""
        if self.tools.stop.gone(task.endpoint):
            raise LeftOpen
        deadline = self.habits.deadline
        if deadline is None:
            return
        learned_s = self.tools.observer.latency_s(task.endpoint)
        latency_s = endpoints.get(task.endpoint).latency_s if learned_s is None else learned_s
        if self.tools.clock() + latency_s > deadline:
            message = f"{task.endpoint} takes about {latency_s:.0f} s and would end after the deadline"
            self.tools.stop_endpoint(task.endpoint, Reason("deadline", ErrorClass.DEADLINE, message))
            raise LeftOpen

    def _with_seed(self, task: Task, body: dict[str, Any]) -> tuple[int | None, dict[str, Any]]:
        """Draw the seed where the endpoint would draw one: it makes the attempt recognisable in the history."""
        seed = endpoints.get(task.endpoint).seed
        if seed is None or body.get(seed[0]) not in (None, seed[1]):
            return None, body
        drawn = self.tools.draw_seed()
        return drawn, {**body, seed[0]: drawn}


class _Unusable(Exception):
    """A task whose input cannot be had; ``instead`` would send the same body."""

    def __init__(self, instead: Task | None) -> None:
        super().__init__()
        self.instead = instead


class _Unanswered(Exception):
    """A POST that brought neither an answer nor an id; ``error`` says why."""

    def __init__(self, attempt: Attempt, error: CallError) -> None:
        super().__init__(str(error))
        self.attempt = attempt
        self.error = error
