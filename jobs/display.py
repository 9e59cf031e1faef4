"""What is seen while a run works: a progress display on a terminal, one plain line per interval without one.

Also writes `run.log`, one JSON object per line.  Reads the run's counts; decides nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from jobs.console import complain, say, stderr
from jobs.ending import complaint
from jobs.folder import is_rehearsal
from jobs.progress import line
from jobs.runlog import RunLog
from jobs.tables import below_worst_case, print_places, print_plan_line, print_summary
from pipeline.orders import Watcher
from pipeline.watchdog import QUIET_S, heartbeat

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.errors import ErrorClass
    from pipeline.orders import Working
    from pipeline.planned import Plan
    from pipeline.task import State, Task

PLAIN_EVERY_S = 30.0
LIVE_EVERY_S = 0.25
BAR, CLOCK = 41, 8
"""Characters that the bar and the clock take, each with the space beside it."""
ROOM_FOR_A_BAR = 150
FLUSHED_EVERY_S = 1.0


class Display(Watcher):
    """Watches one run for a person, a log file, or nobody (``quiet``).  ``live`` None: draw where a terminal is."""

    def __init__(self, folder: Path, *, quiet: bool = False, json_only: bool = False, live: bool | None = None) -> None:
        self._folder = folder
        self._quiet = quiet or json_only
        self._log = RunLog(folder)
        self._live = (stderr().is_terminal if live is None else live) and not self._quiet
        self._tasks: list[asyncio.Task[None]] = []
        self._last_said = 0.0
        self._plan: Plan | None = None

    def say(self, text: str) -> None:
        """Something worth a line."""
        self._log.note("said", {"text": text})
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
        self._log.note("planned", facts)
        self._plan = plan
        if not self._quiet:
            print_plan_line(plan)

    def working(self, state: Working) -> None:
        """Calls begin."""
        self._log.note("working", {"run_id": state.run_id, "open": state.open_at_start})
        state.tally.on_end = self._ended
        if self._plan is not None and (warning := below_worst_case(self._plan, state.tools.budget.free_nano)):
            self.say(warning)
        if not self._quiet and state.open_at_start:
            shown = self._draw(state) if self._live else self._tell(state)
            self._tasks.append(asyncio.create_task(shown, name="display"))
        self._tasks.append(asyncio.create_task(self._watch(state), name="watchdog"))
        self._tasks.append(asyncio.create_task(self._flush(), name="run log"))

    def finished(self, summary: dict[str, Any]) -> None:
        """The run ended."""
        for task in self._tasks:
            task.cancel()
        self._log.note("finished", summary)
        if self._quiet and summary["exit_code"]:
            complain(complaint(summary, self._folder))
        if not self._quiet:
            print_summary(summary)
            print_places(self._folder, summary)
            if "unfetched" in summary or any(summary["tasks"][word] for word in ("failed", "in_doubt", "invalid")):
                say(f"why, and what to do: photobatch status {self._folder}")
            if is_rehearsal(self._folder):
                say("a rehearsal on the sandbox: no money was spent; for real pictures use another folder")

    def close(self) -> None:
        """Nothing more comes: close the log file."""
        self._log.close()

    def _now_and_then(self, text: str) -> None:
        now = time.monotonic()
        if not self._quiet and now - self._last_said > (1 if self._live else PLAIN_EVERY_S):
            if self._last_said:
                say(text)
            self._last_said = now

    def _ended(self, task: Task, state: State, error_class: ErrorClass | None) -> None:
        facts = {"key": task.key, "step": task.step, "task_id": task.id, "state": state, "error_class": error_class}
        self._log.routine("task", facts)

    async def _tell(self, state: Working) -> None:
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
            self._log.flush()

    async def _draw(self, state: Working) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        wide = stderr().width >= ROOM_FOR_A_BAR
        bars = (BarColumn(),) if wide else ()
        room = stderr().width - CLOCK - (BAR if wide else 0)
        columns = (*bars, TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=stderr(), transient=True, auto_refresh=False) as progress:
            bar = progress.add_task("", total=state.open_at_start)
            while True:
                tally = state.tally
                ended = tally.done + tally.failed + tally.in_doubt
                progress.update(bar, completed=min(ended, state.open_at_start), description=line(state, room))
                progress.refresh()
                await asyncio.sleep(LIVE_EVERY_S)
