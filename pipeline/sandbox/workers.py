"""A few processes that edit images, so that the event loop stays free.

Own processes instead of `concurrent.futures`: a pool would run the user's main script again in every worker, and
leave the workers behind when the sandbox is killed.  Knows nothing of jobs, money or HTTP.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from typing import TYPE_CHECKING, Any

from pipeline.sandbox.pipe import HEADER, framed

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

    from pipeline.sandbox.picture import Picture
    from pipeline.sandbox.standin import Source

MOST = 8
"""More workers than this would only compete for memory: each may need 300 MB."""


class WorkerLost(RuntimeError):
    """The process died over a job, or could not be started."""


class Workers:
    """Starts processes as they are needed, up to one per core; each edits one job at a time."""

    def __init__(self, most: int | None = None) -> None:
        self._free_places = asyncio.Semaphore(most or min(MOST, os.cpu_count() or 1))
        self._idle: list[Process] = []

    async def paint(self, slug: str, params: Mapping[str, Any], images: Mapping[str, Source]) -> list[Picture]:
        """See `painter.paint`; raises ValueError for a bad input, RuntimeError for anything else."""
        async with self._free_places:
            worker = self._idle.pop() if self._idle else await _started()
            try:
                answer = await _asked(worker, framed((slug, dict(params), dict(images))))
            except BaseException:  # also cancellation: half an exchange makes a worker useless
                await _ended(worker)
                raise
            self._idle.append(worker)
        if isinstance(answer, Exception):
            raise answer
        pictures: list[Picture] = answer
        return pictures

    async def close(self) -> None:
        """End the idle processes; those at work end with the cancellation of their jobs."""
        while self._idle:
            await _ended(self._idle.pop())


async def _started() -> Process:
    # -P and the parent's own path: the working folder of the user is not searched for modules.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "pipeline.sandbox.painter",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        raise WorkerLost(f"no process for the edits could be started ({error})") from error


async def _asked(worker: Process, job: bytes) -> Any:
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(job)
        await worker.stdin.drain()
        (size_bytes,) = HEADER.unpack(await worker.stdout.readexactly(HEADER.size))
        return pickle.loads(await worker.stdout.readexactly(size_bytes))  # noqa: S301 - our own worker wrote it
    except (OSError, asyncio.IncompleteReadError) as error:
        raise WorkerLost("the process that edits has died") from error


async def _ended(worker: Process) -> None:
    if worker.returncode is None:
        worker.kill()
    await worker.communicate()
