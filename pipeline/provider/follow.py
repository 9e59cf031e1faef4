"""Following a submitted task to its end: polls its status, reads its result, and asks the history when it is lost.

Free, so it goes on through faults until the time for the task is used up; then the task is still submitted, and can be
followed again later.  Knows no ledger and no price.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pipeline.errors import PASSING, CallError, ErrorClass
from pipeline.provider.charges import Charges, charges_of
from pipeline.provider.pace import Pace
from pipeline.provider.pictures import pictures_in, pictures_named
from pipeline.provider.refusals import failure
from pipeline.provider.results import Progress, answer_of, progress_of, told_latency_s
from pipeline.provider.wording import parsed, start_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.provider.free import FreeRequests
    from pipeline.provider.memory import Memory
    from pipeline.provider.pace import Watch
    from pipeline.provider.wire import Reply
    from pipeline.task import Accepted, Answer

STRIKES = 3
KNOWN_AFTER_S = 30.0
"""So many times in a row, and so long after its submit, a task must be unknown to record and history to be lost: both
may be written some moments late, and a lost task was paid for.  As often a result is read that may be late, a refused
look is repeated, and a task must be in trouble to have failed: an answer may speak of its own trouble."""

GONE = frozenset({ErrorClass.NOT_FOUND, ErrorClass.RETIRED})
"""What a request says that has no record any more: the history may have one."""

STRIKES_IN_TROUBLE = 8
"""So many times in a row the history is not waited for any more."""


@dataclass(slots=True)
class _Task:
    """One task that is followed."""

    request_id: str
    status_url: str
    response_url: str
    watch: Watch
    finished: bool = False
    faults: int = 0
    missing: int = 0
    blank: int = 0
    troubled: int = 0
    refused: int = 0

    @property
    def url(self) -> str:
        return self.response_url if self.finished else self.status_url


class Followers:
    """Follows submitted tasks, with one pace per endpoint."""

    def __init__(self, free: FreeRequests, memory: Memory, latency_of: Callable[[str], float]) -> None:
        self._free = free
        self._memory = memory
        self._latency_of = latency_of
        self._paces: dict[str, Pace] = {}

    async def wait(self, endpoint: str, accepted: Accepted, submitted_s_ago: float) -> Answer:
        """Give the answer to *accepted*; raises CallError, TIMEOUT when it can be followed again later."""
        limit_s = self._free.wire.timeouts.task_s
        with self._pace(endpoint).watch(submitted_s_ago=submitted_s_ago, limit_s=limit_s) as watch:
            task = self._task(accepted, watch)
            while True:
                if not task.finished and not task.faults:  # after a fault, the back-off was the wait
                    await watch.until_due()
                answer = await self._look(task)
                if answer is not None:
                    return answer
                if watch.over:
                    raise CallError(
                        f"not finished after {limit_s:.0f} s of waiting; it can be taken up again",
                        ErrorClass.TIMEOUT,
                        request_id=task.request_id,
                    )

    def _pace(self, endpoint: str) -> Pace:
        pace = self._paces.get(endpoint)
        if pace is None:
            pace = self._paces[endpoint] = Pace(self._latency_of(endpoint))
        return pace

    def _task(self, accepted: Accepted, watch: Watch) -> _Task:
        hosts, name = self._free.hosts, accepted.request_id

        def ours(url: str | None, otherwise: str) -> str:
            return url if url and hosts.is_api(url) else otherwise

        return _Task(
            name,
            ours(accepted.status_url, hosts.status(name)),
            ours(accepted.response_url, hosts.response(name)),
            watch,
        )

    async def _look(self, task: _Task) -> Answer | None:
        """Look after *task* once: its answer, or None when another look is needed."""
        try:
            reply = await self._asked(task)
        except CallError as error:
            return await self._despite(error, task)
        task.missing = task.refused = 0
        document = parsed(reply.body)
        progress = progress_of(document)
        task.troubled = task.troubled + 1 if progress is Progress.TROUBLED else 0
        if progress is Progress.FAILED or task.troubled >= STRIKES_IN_TROUBLE:
            raise failure(reply.status, self._free.wire.text(reply), task.request_id)
        if task.troubled >= STRIKES:
            return await self._in_trouble(reply, task)
        match progress:
            case Progress.FINISHED:
                return await self._found(reply, document, task)
            case Progress.UNFINISHED | Progress.TROUBLED if not task.finished:
                task.faults = 0
                task.watch.unfinished()
                return None
            case _:
                return await self._unreadable(reply, document, task)

    async def _asked(self, task: _Task) -> Reply:
        await self._free.turn(task.url)
        task.watch.looks()
        if not task.finished:
            self._free.polled()
        return await self._free.ask(task.url)

    async def _found(self, reply: Reply, document: Any, task: _Task) -> Answer | None:
        charges = charges_of(reply.headers, document)
        pictures = pictures_named(document)
        if not task.finished:
            task.faults = 0
            task.finished = True
            task.watch.finished(told_latency_s(document))
            # The status of some servers is the whole result; without the charge it is not.
            if not pictures or charges.billed_nano is None:
                return None
        if pictures:
            return answer_of(pictures, charges, task.request_id)
        nothing = self._pictureless(reply, charges, task)
        task.blank += 1
        if task.blank >= STRIKES:
            raise nothing
        await self._rest(nothing, task)
        return None

    async def _unreadable(self, reply: Reply, document: Any, task: _Task) -> Answer | None:
        """Go on after a 2xx without a status: a result that does not repeat it, or somebody else's page."""
        pictures = pictures_in(reply.body) if task.finished else ()
        if pictures:
            return answer_of(pictures, charges_of(reply.headers, document), task.request_id)
        await self._rest(CallError("the answer cannot be read", ErrorClass.SERVER_ERROR), task)
        return None

    async def _despite(self, error: CallError, task: _Task) -> Answer | None:
        """Say what a failed look means: go on, or raise."""
        if error.error_class in GONE:
            return await self._gone(error, task)
        if error.error_class in PASSING:
            await self._rest(error, task)
            return None
        if error.error_class is not ErrorClass.INFERENCE_FAILED:
            task.refused += 1
            if task.refused < STRIKES:  # a look is free, and a refusal may be a gateway's that passes
                await self._rest(error, task)
                return None
            if error.error_class is ErrorClass.FORBIDDEN:
                return await self._gone(error, task)
            if error.http_status == HTTPStatus.UNPROCESSABLE_ENTITY:  # so often, it says "failed" whatever its body
                error.error_class = ErrorClass.INFERENCE_FAILED
        error.request_id = task.request_id
        raise error

    async def _in_trouble(self, reply: Reply, task: _Task) -> Answer | None:
        """Ask the history whether a task failed, or only the server that was asked about it."""
        try:
            entry = await self._memory.remembered(task.request_id)
        except CallError:
            entry = None
        if entry and entry.status == "COMPLETED" and entry.pictures:
            return answer_of(entry.pictures, Charges(billed_nano=entry.billed_nano), task.request_id)
        if entry and entry.status == "FAILED":
            raise failure(reply.status, entry.error, task.request_id)
        await self._rest(CallError("the task is in trouble", ErrorClass.SERVER_ERROR), task)
        return None

    async def _gone(self, error: CallError, task: _Task) -> Answer | None:
        """Ask the history for a task whose record is gone."""
        try:
            entry = await self._memory.remembered(task.request_id)
        except CallError as other:
            if other.error_class not in PASSING | {ErrorClass.BAD_OUTPUT}:
                other.request_id = task.request_id
                raise
            await self._rest(other, task)
            return None
        status = entry.status if entry else ""
        if entry and status == "COMPLETED":
            if not entry.pictures:
                raise _lost("finished, but its output is not in the history", task, entry.billed_nano) from error
            return answer_of(entry.pictures, Charges(billed_nano=entry.billed_nano), task.request_id)
        if entry and status == "FAILED":
            raise failure(HTTPStatus.OK, entry.error, task.request_id) from error
        task.missing = 0 if entry else task.missing + 1
        if task.missing >= STRIKES and task.watch.elapsed_s >= KNOWN_AFTER_S:
            raise _lost("unknown to the provider, and not in its history", task, None) from error
        await self._rest(error, task)
        return None

    async def _rest(self, error: CallError, task: _Task) -> None:
        task.faults += 1
        await self._free.rest(error, task.faults)

    def _pictureless(self, reply: Reply, charges: Charges, task: _Task) -> CallError:
        return CallError(
            "the task is finished, but its result names no picture",
            ErrorClass.BAD_OUTPUT,
            http_status=reply.status,
            request_id=task.request_id,
            billed_nano=charges.billed_nano,
            body_start=start_of(self._free.wire.text(reply)),
        )


def _lost(what: str, task: _Task, billed_nano: int | None) -> CallError:
    return CallError(
        f"request {task.request_id} is {what}",
        ErrorClass.LOST,
        http_status=HTTPStatus.NOT_FOUND,
        request_id=task.request_id,
        billed_nano=billed_nano,
    )
