"""A run as another process may steer it: pause, go on, stop; and the sign of life that it gives.

Reads what a page asks (`pipeline.control`) and carries it out.  Knows no page.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipeline.control import Command, Control, Pulse

if TYPE_CHECKING:
    from pipeline.orders import Working

LOOK_EVERY_S = 1.0
BEAT_EVERY = 5
"""Looks between two signs of life."""


async def steer(working: Working, control: Control) -> None:
    """Do what is asked of the run until this is cancelled; then remove the files."""
    looks = 0
    try:
        while True:
            command = await asyncio.to_thread(control.read, working.run_id)
            changed = carry_out(command, working)
            if changed or looks % BEAT_EVERY == 0:
                await asyncio.to_thread(control.beat, pulse(working))
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        control.clear()


def carry_out(command: Command, working: Working) -> bool:
    """Do what *command* asks; returns whether that changed anything."""
    throttle = working.tools.throttle
    match command:
        case Command.STOP if working.tools.stop.run is None:
            throttle.pause(on=False)
            working.interrupt()
            return True
        case Command.PAUSE | Command.RUN if throttle.paused is not (command is Command.PAUSE):
            throttle.pause(on=command is Command.PAUSE)
            return True
        case _:
            return False


def pulse(working: Working) -> Pulse:
    """The run's sign of life."""
    tools = working.tools
    state = "stopping" if tools.stop.run else "paused" if tools.throttle.paused else "running"
    return Pulse(working.run_id, tools.clock(), state, tools.throttle.in_flight, tools.throttle.per_minute)
