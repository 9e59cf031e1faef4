"""Why a run, or one endpoint of it, takes no new calls; and how everybody who waits hears of it.

Stopping is never an error: tasks that were not sent stay open, what is in flight is finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from dataclasses import dataclass
from pathlib import PurePath

from pipeline.errors import ErrorClass


@dataclass(frozen=True, slots=True)
class Reason:
    """What stopped it: a word for the summary, the cause in the ledger's words, and a sentence for people."""

    word: str
    """One of those in `pipeline.exits.BY_STOP`."""
    error_class: ErrorClass
    message: str


def fault_of(error: Exception) -> Reason:
    """A fault of ours, with its place: take no new calls, for what the others have in flight is paid for."""
    *_, place = traceback.extract_tb(error.__traceback__)
    where = f"{PurePath(place.filename).name}:{place.lineno}"
    message = f"a fault of photobatch: {type(error).__name__}: {error} ({where})"
    return Reason("fault", ErrorClass.INTERRUPTED, message)


INTERRUPTED = Reason("interrupted", ErrorClass.INTERRUPTED, "interrupted: what was in flight was finished first")


class Stop:
    """The stop signal of one run.  Use inside one event loop."""

    def __init__(self) -> None:
        self.run: Reason | None = None
        self.endpoints: dict[str, Reason] = {}
        self._run_stopped = asyncio.Event()

    def stop_run(self, reason: Reason) -> bool:
        """Take no new calls at all; False when that was decided before (the first reason stays)."""
        if self.run is not None:
            return False
        self.run = reason
        self._run_stopped.set()
        return True

    def stop_endpoint(self, endpoint: str, reason: Reason) -> bool:
        """Take no new calls to *endpoint*; False when that was decided before."""
        if endpoint in self.endpoints:
            return False
        self.endpoints[endpoint] = reason
        return True

    def gone(self, endpoint: str) -> bool:
        """Whether new calls to *endpoint* are no longer taken."""
        return self.run is not None or endpoint in self.endpoints

    async def nap(self, seconds: float) -> None:
        """Sleep, but not beyond the stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._run_stopped.wait(), seconds)

    async def wait(self) -> None:
        """Return when the run was stopped."""
        await self._run_stopped.wait()
