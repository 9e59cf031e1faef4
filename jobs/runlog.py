"""`run.log`: what happened in a folder, one JSON object per line, in files of a bounded size.

A log that cannot be written is done without: nothing here raises OSError.  Knows nothing of what its lines mean.
"""

from __future__ import annotations

import contextlib
import json
import time
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

import orjson

from jobs.console import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FILE = "run.log"
FILE_BYTES = 20_000_000
KEPT = 5
WAITING_MOST = 256
"""Routine lines that wait for the next flush, at most."""


class RunLog:
    """The log of the folder *folder*, which must exist once something is noted."""

    def __init__(self, folder: Path, *, wall: Callable[[], float] = time.time, file_bytes: int = FILE_BYTES) -> None:
        # delay: the folder is made by the run, once it knows that there is something to do.
        self._files = _Files(folder / FILE, maxBytes=file_bytes, backupCount=KEPT, encoding="utf-8", delay=True)
        self._wall = wall
        self._second = 0
        self._at = ""
        self._waiting: list[str] = []

    def note(self, event: str, facts: Mapping[str, Any]) -> None:
        """Write that *event* happened, at once."""
        self._waiting.append(self._line(event, facts))
        self.flush()

    def routine(self, event: str, facts: Mapping[str, Any]) -> None:
        """The same for what happens a thousand times a second: it is in the file after the next `flush`."""
        self._waiting.append(self._line(event, facts))
        if len(self._waiting) >= WAITING_MOST:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        text, self._waiting = "".join(self._waiting), []
        if text:
            with contextlib.suppress(OSError):
                self._files.write(redacted(text))

    def close(self) -> None:
        """The end."""
        self.flush()
        with contextlib.suppress(OSError):
            self._files.close()

    def _line(self, event: str, facts: Mapping[str, Any]) -> str:
        now = self._wall()
        if int(now) != self._second:
            self._second = int(now)
            self._at = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(now))
        return _json({"at": self._at, "event": event, **facts}) + "\n"


class _Files(RotatingFileHandler):
    """The files of the log; takes text of any length where the original takes one record after the other."""

    def write(self, text: str) -> None:
        """Append *text*, in a new file when the present one would become too long.  Raises OSError."""
        if self.stream is None:
            self.stream = self._open()
        size = self.stream.tell()
        if size and size + len(text.encode()) > self.maxBytes:
            self.doRollover()
            self.stream = self.stream or self._open()
        self.stream.write(text)
        self.stream.flush()


def _json(entry: dict[str, Any]) -> str:
    try:
        return orjson.dumps(entry, default=str).decode()
    except orjson.JSONEncodeError:  # a number beyond 64 bits, or half of a character
        return json.dumps(entry, default=str)
