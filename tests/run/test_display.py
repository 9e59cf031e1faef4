"""What is seen while a run works, and that it ends with the run."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jobs.display import Display
from pipeline.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("live", [True, False])
async def test_a_display_that_is_cancelled_ends(tmp_path: Path, *, live: bool) -> None:
    before = asyncio.all_tasks()
    display = Display(tmp_path, live=live)
    throttle = SimpleNamespace(in_flight=1, held_s=0.0)
    tools = SimpleNamespace(clock=lambda: 1.0, throttle=throttle, stop=SimpleNamespace(run=None))
    state: Any = SimpleNamespace(run_id="r", open_at_start=3, began=0.0, tally=Tally(), tools=tools)
    display.working(state)
    await asyncio.sleep(0)  # all of them are at work

    tasks = asyncio.all_tasks() - before
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0)

    assert {task.get_name() for task in tasks if task.cancelled()} == {"display", "watchdog", "run log"}
    display.close()
