"""What holds for every test: no internet, no settings or keys of the person who runs it, no sleeping event loop.

The guard of the internet is an audit hook: the interpreter itself reports each connection and look-up, whatever
library it comes from, and nothing has to be patched.  Sleeping is reported since Python 3.13 only: it is wrapped, and
so is the ledger's way of working for callers without a loop.
"""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from pipeline.ledger import Ledger

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from types import FrameType

# Failing examples are printed, not stored: a run depends on nothing that an earlier one left behind.
settings.register_profile("photobatch", deadline=None, max_examples=60, derandomize=True, database=None)
settings.load_profile("photobatch")

PRIVATE = ("SEGMIND_API_KEY",)
"""Variables that would let a test act in somebody's name."""
PREFIXES = ("PHOTOBATCH_",)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
OURS = Path(__file__).parents[1] / "pipeline"
HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")


class OutsideWorldError(RuntimeError):
    """A test tried to leave this machine."""


class SleepingLoopError(RuntimeError):
    """A test's event loop was put to sleep: every other task of it stood still."""


def is_local(host: object) -> bool:
    """Whether *host*, a name or an address, is this machine (or means "any address here")."""
    name = (host.decode() if isinstance(host, bytes) else str(host or "")).strip("[]").casefold()
    if name in {"", "localhost"} or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def guard(event: str, args: tuple[Any, ...]) -> None:
    """Refuse what no test may do; called by the interpreter for every audited event."""
    if event == "socket.connect":
        # Unix sockets have a path (text or bytes) where the others have (host, port, ...).
        if isinstance(args[1], tuple) and not is_local(args[1][0]):
            raise OutsideWorldError(f"tests talk to this machine only, not to {args[1][0]}")
    elif event == "socket.getaddrinfo" and not is_local(args[0]):
        raise OutsideWorldError(f"tests look up no names of the outside world: {args[0]}")


def _loop_runs_here() -> bool:
    try:
        return asyncio.get_running_loop() is not None
    except RuntimeError:
        return False


def _coroutine_of_ours() -> str | None:
    """The file of the nearest coroutine that led here, when it is the engine's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not frame.f_code.co_flags & inspect.CO_COROUTINE:
        frame = frame.f_back
    path = None if frame is None else Path(frame.f_code.co_filename)
    return path.name if path is not None and path.is_relative_to(OURS) else None


def pytest_configure() -> None:
    """Set the guard up before any test module is imported; an audit hook stays for the life of the process."""
    sys.addaudithook(guard)
    # looptime asks for the current loop in synchronous tests too; unless told that there is none, Python before
    # 3.14 makes one, which nobody closes, and a later test fails for the warning.
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session", autouse=True)
def _awake_loop() -> Iterator[None]:
    """Refuse `time.sleep` inside an event loop, and `Ledger.run` in a coroutine of the engine; tests may ask."""
    sleep, run = time.sleep, Ledger.run

    def checked(seconds: float) -> None:
        if _loop_runs_here():
            raise SleepingLoopError("time.sleep() inside the event loop: await the clock instead")
        sleep(seconds)

    def looked_at(ledger: Ledger, operation: Callable[[sqlite3.Connection], Any]) -> Any:
        if (name := _coroutine_of_ours()) is not None:
            raise SleepingLoopError(f"Ledger.run() in a coroutine of {name}: await Ledger.do() instead")
        return run(ledger, operation)

    with pytest.MonkeyPatch.context() as guarded:
        guarded.setattr(time, "sleep", checked)
        guarded.setattr(Ledger, "run", looked_at)
        yield


@pytest.fixture(scope="session", autouse=True)
def _hidden_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide keys, settings, proxies and the home folder of whoever runs the tests, also from subprocesses."""
    home = str(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name in PRIVATE or name.startswith(PREFIXES) or name.upper() in PROXIES:
                environment.delenv(name)
        for name in HOMES:
            environment.setenv(name, home)
        yield


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start in an empty folder: no `.env` of the checkout is read, nothing is dropped into it."""
    monkeypatch.chdir(tmp_path)
