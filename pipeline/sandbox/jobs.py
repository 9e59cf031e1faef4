"""Run accepted jobs to their end and settle them: reserve, work, then bill once or give back.

The billing rule: a job is billed at the moment it completes, together with its result, and never otherwise.  One
that was running when the sandbox was killed is finished by the next process on the same folder, and billed then.
A caller who has gone does not stop a job.  Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from pipeline.endpoints import every
from pipeline.sandbox.account import Bill
from pipeline.sandbox.images_in import BadImage
from pipeline.sandbox.job import COMPLETED, FAILED, PROCESSING, Job, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.endpoints import Endpoint
    from pipeline.sandbox.account import Account
    from pipeline.sandbox.draws import Chance
    from pipeline.sandbox.images_in import ImageSource
    from pipeline.sandbox.library import Library
    from pipeline.sandbox.picture import Picture
    from pipeline.sandbox.render import Renderer
    from pipeline.sandbox.state import State

log = logging.getLogger(__name__)


class JobBook:
    """Every job of this account, the running ones with their asyncio task."""

    def __init__(
        self,
        *,
        account: Account,
        chance: Chance,
        source: ImageSource,
        renderer: Renderer,
        outputs: Library,
        state: State,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account = account
        self._chance = chance
        self._source = source
        self._renderer = renderer
        self._outputs = outputs
        self._state = state
        self._clock = clock
        self._running: dict[str, asyncio.Task[None]] = {}
        self.by_id: dict[str, Job] = {}
        self._by_output: dict[str, Job] = {}

    def resume(self, jobs: Iterable[Job]) -> None:
        """Take over the *jobs* of an earlier process; those that were not over go on."""
        for job in jobs:
            self.by_id[job.request_id] = job
            self._by_output.update({output.name: job for output in job.outputs})
            if not job.over:
                self._account.reserve(job.request_id, job.cost_nano)
                self._start(job)

    def accept(
        self,
        endpoint: Endpoint,
        *,
        api: str,
        body: dict[str, Any],
        params: dict[str, Any],
        cost_nano: int,
        key: str,
        doomed: str = "",
    ) -> Job:
        """Reserve, record and start a call whose credits were checked; returns at once."""
        timing = self._chance.timing(endpoint)
        job = Job(
            request_id=str(uuid.uuid4()),
            endpoint=endpoint.slug,
            api=api,
            body=body,
            params=params,
            cost_nano=cost_nano,
            seed=self._chance.seed(endpoint, params),
            key=key,
            accepted_at=self._clock(),
            queue_s=timing.queue_s,
            work_s=timing.work_s,
            doomed=doomed,
        )
        self._state.save(job)
        self._account.reserve(job.request_id, cost_nano)
        self.by_id[job.request_id] = job
        self._start(job)
        return job

    async def finished(self, job: Job, timeout_s: float | None = None) -> bool:
        """Wait for *job*, at most *timeout_s*; whether it is over.  A cancelled waiter does not stop the job."""
        if task := self._running.get(job.request_id):
            await asyncio.wait({task}, timeout=timeout_s)
        return job.over

    def of_output(self, name: str) -> Job | None:
        """The job that made the output *name*."""
        return self._by_output.get(name)

    def forget(self, job: Job) -> None:
        """Expire the record of *job*: its three URLs answer 404 from now on."""
        job.record_gone = True
        self._state.save(job)

    def burn(self, job: Job) -> None:
        """Expire the output files of *job*."""
        job.outputs_gone = True
        self._state.save(job)

    async def stop(self) -> None:
        """Drop what runs; a state folder remembers it as unfinished."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, job: Job) -> None:
        task = asyncio.create_task(self._run(job), name=f"job-{job.request_id}")
        self._running[job.request_id] = task
        task.add_done_callback(lambda task: self._ended(job, task))

    def _ended(self, job: Job, task: asyncio.Task[None]) -> None:
        self._running.pop(job.request_id, None)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("job %s could not be settled", job.request_id, exc_info=fault)

    async def _run(self, job: Job) -> None:
        await self._sleep_until(job.accepted_at + job.queue_s)
        job.status, job.started_at = PROCESSING, self._clock()
        try:
            outputs = [self._kept(picture) for picture in await self._made(job)]
            await self._sleep_until(job.due_at)
        except BadImage as fault:
            self._fail(job, str(fault), 400)
        except ValueError as fault:
            self._fail(job, f"Invalid input image: {fault}", 400)
        except Exception as fault:
            log.exception("the edit of %s failed", job.endpoint)
            self._fail(job, f"Internal error: {type(fault).__name__}", 500)
        else:
            if job.doomed:
                self._fail(job, job.doomed, 422)
            else:
                self._complete(job, outputs)

    async def _made(self, job: Job) -> list[Picture]:
        if job.doomed:
            return []
        endpoint = every()[job.endpoint]
        images = await self._source.load(endpoint, job.params)
        return await self._renderer.render(endpoint, job.params, images, job.seed)

    def _kept(self, picture: Picture) -> Output:
        name = self._outputs.put(picture.data, picture.content_type)
        return Output(name, picture.content_type, picture.width, picture.height, len(picture.data))

    def _complete(self, job: Job, outputs: list[Output]) -> None:
        job.outputs = tuple(outputs)
        self._by_output.update({output.name: job for output in outputs})
        job.finished_at = self._clock()
        bill = _bill(job, job.finished_at)
        job.remaining_nano = self._account.charge(bill)
        job.status = COMPLETED
        self._state.save(job, bill)

    def _fail(self, job: Job, error: str, status: int) -> None:
        job.finished_at = self._clock()
        job.status, job.error, job.error_status = FAILED, error, status
        self._account.release(job.request_id)
        self._state.save(job)

    async def _sleep_until(self, at: float) -> None:
        if (wait_s := at - self._clock()) > 0:
            await asyncio.sleep(wait_s)


def _bill(job: Job, at: float) -> Bill:
    return Bill(
        request_id=job.request_id,
        endpoint=job.endpoint,
        api=job.api,
        body=job.body,
        cost_nano=job.cost_nano,
        accepted_at=job.accepted_at,
        billed_at=at,
        key=job.key,
    )
