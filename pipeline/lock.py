"""One run per result folder: a lock that dies with its process, and a note that says who holds it.

The lock itself is the operating system's (through filelock), so a killed run leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipeline.errors import FolderBusy, FolderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE = ".lock"
NOTE = ".lock.json"


@contextlib.contextmanager
def hold(folder: Path, command: str, *, clock: Callable[[], float] = time.time) -> Iterator[None]:
    """Hold *folder* for one run; raises FolderBusy with who holds it and since when."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / FILE, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise FolderBusy(
            f"{folder} is in use: {holder(folder)}", hint="wait until it is finished, or use another --out folder"
        ) from error
    except OSError as error:
        raise FolderError(f"{folder}: {error.strerror or error}", hint="choose a folder you can write to") from error
    note = folder / NOTE
    try:
        with contextlib.suppress(OSError):
            facts = {"command": command, "pid": os.getpid(), "host": socket.gethostname(), "since": clock()}
            note.write_text(json.dumps(facts), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink()
        lock.release()


def holder_now(folder: Path) -> str | None:
    """Who holds *folder* at this moment, in words; None when nobody does, or nobody can tell.

    A killed run leaves its note: only then is the lock tried, for an instant.
    """
    if not (folder / NOTE).exists():
        return None
    try:
        with FileLock(folder / FILE, timeout=0):
            return None
    except Timeout:
        return holder(folder)
    except OSError:
        return None  # a folder that cannot be written: its lock cannot be tried


def holder(folder: Path) -> str:
    """Who holds *folder*, in words."""
    try:
        facts = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        since = datetime.fromtimestamp(facts["since"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"`photobatch {facts['command']}` (process {facts['pid']} on {facts['host']}) since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def abandoned(folder: Path) -> bool:
    """Whether certainly nobody works on *folder*; asks its note only: to try the lock could turn a run away."""
    try:
        facts = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    if sys.platform == "win32" or facts.get("host") != socket.gethostname():
        return False
    try:
        os.kill(int(facts["pid"]), 0)  # signal 0 only asks
    except ProcessLookupError:
        return True
    except (OSError, KeyError, ValueError):
        return False
    return False
