"""What is seen while a run works: a progress display on a terminal, one plain line per interval without one.

Also writes `run.log`, one JSON object per line.  Reads the run's counts; decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import logging.handlers
import time
from typing import TYPE_CHECKING, Any

from jobs.console import redacted, say, stderr
from jobs.folder import is_rehearsal
from jobs.tables import print_places, print_plan_line, print_summary
from pipeline.orders import Watcher
from pipeline.watchdog import QUIET_S, heartbeat

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.errors import ErrorClass
    from pipeline.orders import Working
    from pipeline.planned import Plan
    from pipeline.task import State, Task

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

PLAIN_EVERY_S = 30.0
LIVE_EVERY_S = 0.25
FLUSHED_EVERY_S = 1.0
ROUTINE = logging.INFO - 1
"""Level of what may reach the log file a second later."""
LOG_BYTES = 20_000_000
LOGS_KEPT = 5


class Display(Watcher):
    """Watches one run for a person, a log file, or nobody (``quiet``)."""

    def __init__(self, folder: Path, *, quiet: bool = False, json_only: bool = False) -> None:
        self._folder = folder
        self._quiet = quiet or json_only
        self._log = open_log(folder)
        self._live = stderr().is_terminal and not self._quiet
        self._tasks: list[asyncio.Task[None]] = []
        self._last_said = 0.0

    def say(self, text: str) -> None:
        """Something worth a line."""
        self._log.info("said", extra={"facts": {"text": redacted(text)}})
        if not self._quiet:
            say(text)

    def planning(self, rows: int) -> None:
        """So many rows were read."""
        self._now_and_then(f"planning: {rows:,} rows")

    def looking(self, images: int) -> None:
        """So many remote images were looked at."""
        self._now_and_then(f"checking: {images:,} images")

    def planned(self, plan: Plan) -> None:
        """The plan stands."""
        facts = {name: value for name, value in plan.summary().items() if name != "invalid_rows"}
        self._log.info("planned", extra={"facts": facts})
        if not self._quiet:
            print_plan_line(plan)

    def working(self, state: Working) -> None:
        """Calls begin."""
        self._log.info("working", extra={"facts": {"run_id": state.run_id, "open": state.open_at_start}})
        state.tally.on_end = self._ended
        if not self._quiet and state.open_at_start:
            self._tasks.append(asyncio.create_task(self._tick(state), name="display"))
        self._tasks.append(asyncio.create_task(self._watch(state), name="watchdog"))
        self._tasks.append(asyncio.create_task(self._flush(), name="run log"))

    def finished(self, summary: dict[str, Any]) -> None:
        """The run ended."""
        for task in self._tasks:
            task.cancel()
        self._log.info("finished", extra={"facts": summary})
        if not self._quiet:
            print_summary(summary)
            print_places(self._folder)
            if "unfetched" in summary or any(summary["tasks"][word] for word in ("failed", "in_doubt", "invalid")):
                say(f"why, and what to do: photobatch status {self._folder}")
            if is_rehearsal(self._folder):
                say("a rehearsal on the sandbox: no money was spent; for real pictures use another folder")

    def close(self) -> None:
        """Nothing more comes: close the log file."""
        for handler in self._log.handlers:
            handler.close()

    def _now_and_then(self, text: str) -> None:
        now = time.monotonic()
        if not self._quiet and now - self._last_said > (1 if self._live else PLAIN_EVERY_S):
            if self._last_said:
                say(text)
            self._last_said = now

    def _ended(self, task: Task, state: State, error_class: ErrorClass | None) -> None:
        facts = {"key": task.key, "step": task.step, "task_id": task.id, "state": state, "error_class": error_class}
        self._log.log(ROUTINE, "task", extra={"facts": facts})

    async def _tick(self, state: Working) -> None:
        if self._live:
            await self._draw(state)
        while True:
            await asyncio.sleep(PLAIN_EVERY_S)
            say(line(state))

    async def _watch(self, state: Working) -> None:
        """Say that the run is alive when nothing ends, and name the calls that hang; in the log file always."""
        while True:
            await asyncio.sleep(QUIET_S)
            if (text := heartbeat(state)) is not None:
                self.say(text)

    async def _flush(self) -> None:
        """Let whoever follows the log see the tasks that ended: for each of them alone it would cost too much."""
        while True:
            await asyncio.sleep(FLUSHED_EVERY_S)
            for handler in self._log.handlers:
                handler.flush()

    async def _draw(self, state: Working) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=stderr(), transient=True, auto_refresh=False) as progress:
            bar = progress.add_task("", total=state.open_at_start)
            with contextlib.suppress(asyncio.CancelledError):
                while True:
                    tally = state.tally
                    ended = tally.done + tally.failed + tally.in_doubt
                    progress.update(bar, completed=min(ended, state.open_at_start), description=line(state))
                    progress.refresh()
                    await asyncio.sleep(LIVE_EVERY_S)


def line(state: Working) -> str:
    """Where the run stands, in one line."""
    tally, tools = state.tally, state.tools
    elapsed_s = max(1e-9, tools.clock() - state.began)
    ended = tally.done + tally.failed + tally.in_doubt
    per_minute = 60 * ended / elapsed_s
    left = max(0, state.open_at_start - ended)
    paid = tally.done - tally.reused
    projected = tally.billed_nano + (tally.billed_nano / paid * left if paid else 0)
    words = [f"{tally.done} done", f"{tally.failed} failed", f"{left} open"]
    if tally.in_doubt:
        words.append(f"{tally.in_doubt} in doubt")
    if tally.put_off:
        words.append(f"{tally.put_off} could not be fetched")
    words += [
        f"{tools.throttle.in_flight} in flight",
        f"{per_minute:.0f}/min",
        f"${tally.billed_nano / 1e9:,.2f} spent of about ${projected / 1e9:,.2f}",
    ]
    if ended and left:
        words.append(f"about {_span(left / per_minute * 60)} left")
    if tools.throttle.held_s > 1:
        words.append(f"held by the provider for {tools.throttle.held_s:.0f} s")
    return ", ".join(words)


def open_log(folder: Path) -> logging.Logger:
    """`run.log` in *folder*: one JSON object per line, rotated.  A log that cannot be written is done without."""
    logger = _RunLog("photobatch.run")  # one per run, not shared through the module's registry
    # delay: the folder is made by the run, once it knows that there is something to do.
    handler = _LogFile(folder / "run.log", maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8", delay=True)
    handler.setFormatter(_JsonLines())
    logger.addHandler(handler)
    return logger


class _LogFile(logging.handlers.RotatingFileHandler):
    """Counts what it writes, where the original asks the file system how long the file is, for every line.

    A log that cannot be written is done without: nothing here raises OSError.
    """

    def flush(self) -> None:
        """Hand over what was written."""
        with contextlib.suppress(OSError, ValueError):
            super().flush()

    def close(self) -> None:
        """The end."""
        with contextlib.suppress(OSError):
            super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, in a new file when the present one is full."""
        try:
            if self.stream is None:
                self.stream = self._open()
                self._size = self.stream.tell()
            line = self.format(record) + self.terminator
            self._size += len(line)
            if self._size > self.maxBytes:
                self.doRollover()
                self._size = len(line)
            self.stream.write(line)
            if record.levelno != ROUTINE:
                self.stream.flush()
        except OSError:
            pass
        except Exception:  # noqa: BLE001  # as every handler of logging: a log that cannot be written stops nothing
            self.handleError(record)


class _RunLog(logging.Logger):
    """Nobody asks from which line of code an event came: looking that up costs as much as writing it."""

    def findCaller(  # noqa: N802  # the name that logging calls
        self, stack_info: bool = False, stacklevel: int = 1
    ) -> tuple[str, int, str, str | None]:
        """Give no place."""
        del stack_info, stacklevel
        return "", 0, "", None


class _JsonLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__()
        self._second = 0
        self._at = ""

    def format(self, record: logging.LogRecord) -> str:
        if int(record.created) != self._second:
            self._second = int(record.created)
            self._at = self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z")
        entry = {"at": self._at, "event": record.getMessage(), **getattr(record, "facts", {})}
        return redacted(_encode(entry))


def _span(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004  # a minute and a half reads better in seconds
        return f"{seconds:.0f} s"
    if seconds < 5400:  # noqa: PLR2004  # an hour and a half reads better in minutes
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
