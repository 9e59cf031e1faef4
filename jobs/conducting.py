"""Running a run from the command line: its loop, its signals, its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from jobs.console import complain, print_json, say
from jobs.display import Display
from jobs.metrics import Metrics
from jobs.morning import markdown
from jobs.unattended import Unattended, exit_code, step_summary
from pipeline.api import Settings, conduct
from pipeline.exits import INTERRUPTED
from pipeline.orders import Watcher, Watchers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.flow import Run
    from pipeline.wanted import Wanted


def conduct_here(
    settings: Settings,
    out: Path,
    wanted: Wanted | None,
    *,
    command: str,
    quiet: bool,
    json_only: bool,
    begun: Callable[[Run], None] = lambda _run: None,
    unattended: Unattended = Unattended(),
) -> int:
    """Do a run in the foreground; returns the exit code.  Raises PipelineError."""
    display = Display(out, quiet=quiet, json_only=json_only)
    summary = conduct_watched(
        settings, out, wanted, command=command, watcher=display, begun=begun, unattended=unattended
    )
    if summary is None:
        return INTERRUPTED
    step_summary(markdown(f"photobatch {command}", summary))
    if json_only:
        print_json(summary)
    return exit_code(summary, unattended)


def conduct_watched(
    settings: Settings,
    out: Path,
    wanted: Wanted | None,
    *,
    command: str,
    watcher: Watcher,
    begun: Callable[[Run], None] = lambda _run: None,
    unattended: Unattended = Unattended(),
) -> dict[str, Any] | None:
    """Do a run in a loop of its own; returns its summary, None when it was cut off.  Raises PipelineError."""
    metrics = Metrics(out, unattended.metrics_file, unattended.metrics_port)
    last = Last()

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        drain = Drain(task.cancel, unattended.grace_s)

        def begin(run: Run) -> None:
            drain.run = run
            begun(run)

        with _signals(drain.stop):
            watchers = Watchers(watcher, metrics, last)
            await conduct(settings, out, wanted, command=command, watcher=watchers, begun=begin)

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(main())
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass  # what was paid for is in the ledger, and the summary says so when there was time for one
    finally:
        metrics.close()
        watcher.close()
    if last.summary is None:
        complain(f"exit code {INTERRUPTED}: interrupted before the run could sum up; see: photobatch status {out}")
    return last.summary


class Last(Watcher):
    """Keeps the summary of a run, however it ended."""

    summary: dict[str, Any] | None = None

    def finished(self, summary: dict[str, Any]) -> None:
        """The run ended."""
        self.summary = summary


class Drain:
    """What Ctrl-C and SIGTERM do: first finish what is in flight, within the grace period; then, or again, cancel."""

    def __init__(self, cancel: Callable[[], object], grace_s: float | None) -> None:
        self.run: Run | None = None
        self._cancel = cancel
        self._grace_s = grace_s
        self._draining = False

    def stop(self) -> None:
        """A signal came.  Call on the loop's thread."""
        if self._draining or self.run is None:
            self._cancel()
            return
        self._draining = True
        self.run.interrupt()
        if self._grace_s is None:
            say("stopping: what is in flight is finished first; once more stops at once")
        else:
            say(f"stopping: what is in flight is finished first, for {self._grace_s:g} s at most")
            asyncio.get_running_loop().call_later(self._grace_s, self._give_up)

    def _give_up(self) -> None:
        say("the grace period is over: what is still in flight is fetched by the next run, without being paid again")
        self._cancel()


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call *stop* on Ctrl-C and SIGTERM while the block runs."""
    loop = asyncio.get_running_loop()
    restore: list[Callable[[], object]] = []
    try:
        for name in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(name, stop)
                restore.append(partial(loop.remove_signal_handler, name))
            except NotImplementedError:  # Windows: the loop takes no handlers, the interpreter does
                old = signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop))
                restore.append(partial(signal.signal, name, old))
        yield
    finally:
        for each in restore:
            each()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, when it is installed."""
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
