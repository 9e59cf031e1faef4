"""How a page steers a run in another process: two small files in the result folder.

    .control.json   page to run    what is asked of the run: go on, pause, stop
    .pulse.json     run to page    a sign of life every few seconds: rate, calls in flight, whether it pauses

Each is replaced whole, so a reader never sees half of it, and names its run, so nothing asked of one run reaches the
next.  Knows neither the ledger nor what a run does about it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CONTROL = ".control.json"
PULSE = ".pulse.json"
SILENT_S = 15.0
"""A run without a sign of life for so long is probably gone."""


class Command(StrEnum):
    """What may be asked of a run."""

    RUN = "run"
    """Go on; the same as nothing asked."""
    PAUSE = "pause"
    """Begin no new calls until told to go on; what is in flight is finished."""
    STOP = "stop"
    """Begin no new calls, finish what is in flight, end: what Ctrl-C does."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A run's sign of life; ``at`` is Unix time."""

    run_id: str
    at: float
    state: str
    """``running``, ``paused`` or ``stopping``."""
    in_flight: int = 0
    per_minute: float | None = None
    """Calls per minute that the throttle allows now; None: no limit."""


class Control:
    """Both files of one result folder.  ``clock`` gives Unix time."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._control = folder / CONTROL
        self._pulse = folder / PULSE
        self._clock = clock
        self._seen: tuple[int, dict[str, Any]] = (-1, {})

    def read(self, run_id: str) -> Command:
        """What is asked of *run_id* now.  One `stat` when nothing changed; an unreadable file asks nothing."""
        try:
            changed = self._control.stat().st_mtime_ns
            if changed != self._seen[0]:
                self._seen = (changed, _read(self._control))
        except OSError:
            return Command.RUN
        asked = self._seen[1]
        words = {command.value: command for command in Command}
        return words.get(str(asked.get("ask")), Command.RUN) if asked.get("run_id") == run_id else Command.RUN

    def ask(self, run_id: str, command: Command) -> None:
        """Ask *command* of *run_id*.  Raises OSError when the folder cannot be written."""
        _replace(self._control, {"run_id": run_id, "ask": command.value, "at": self._clock()})

    def beat(self, pulse: Pulse) -> None:
        """Show a sign of life.  A full disk must not end a run: an error is dropped, the page sees silence."""
        with contextlib.suppress(OSError):
            _replace(self._pulse, asdict(pulse))

    def pulse(self) -> Pulse | None:
        """The newest sign of life; None when there is none, or only an old one."""
        try:
            found = Pulse(**_read(self._pulse))
            return found if self._clock() - found.at < SILENT_S else None
        except (OSError, TypeError):
            return None

    def clear(self) -> None:
        """Remove both files: the run has ended."""
        for path in (self._control, self._pulse):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _replace(path: Path, facts: Mapping[str, Any]) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    aside.write_text(json.dumps(facts), encoding="utf-8")
    os.replace(aside, path)  # noqa: PTH105  # Path.replace is the same call; this reads as what it is
