"""Running a run from the command line: its loop, its signals, its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Any

from jobs.console import print_json, say
from jobs.display import Display
from pipeline.api import Settings, conduct
from pipeline.summary import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.flow import Run
    from pipeline.planning import Wanted


def conduct_here(
    settings: Settings,
    out: Path,
    wanted: Wanted | None,
    *,
    command: str,
    quiet: bool,
    json_only: bool,
    begun: Callable[[Run], None] = lambda _run: None,
) -> int:
    """Do a run in the foreground; returns the exit code.  Raises PipelineError."""
    display = Display(out, quiet=quiet, json_only=json_only)

    async def main() -> dict[str, Any]:
        task = asyncio.current_task()
        assert task is not None
        runs: list[Run] = []

        def begin(run: Run) -> None:
            runs.append(run)
            begun(run)

        def stop() -> None:
            stop_count[0] += 1
            if stop_count[0] == 1 and runs:
                runs[0].interrupt()
                say("stopping: what is in flight is finished first; once more stops at once")
            else:
                task.cancel()

        stop_count = [0]
        with _signals(stop):
            return await conduct(settings, out, wanted, command=command, watcher=display, begun=begin)

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            summary = runner.run(main())
    except (asyncio.CancelledError, KeyboardInterrupt):
        return INTERRUPTED
    if json_only:
        print_json(summary)
    return int(summary["exit_code"])


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Any:
    """Call *stop* on Ctrl-C and SIGTERM while the block runs."""
    loop = asyncio.get_running_loop()
    names = [signal.SIGINT, signal.SIGTERM]
    try:
        for name in names:
            loop.add_signal_handler(name, stop)
        yield
        for name in names:
            loop.remove_signal_handler(name)
    except NotImplementedError:  # Windows: the loop takes no handlers, the interpreter does
        old = [(name, signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop))) for name in names]
        try:
            yield
        finally:
            for name, handler in old:
                signal.signal(name, handler)


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
