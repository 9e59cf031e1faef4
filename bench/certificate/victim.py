"""The real command with a bomb in it: dies, or meets a broken disk, at the n-th time that a step is reached.

    python victim.py '{"step": "intent durable", "nth": 3, "act": "kill"}' run MANIFEST --out DIR ...

The product itself has no switch for this: the steps are functions of it, wrapped from outside before it starts.
``act`` is ``kill`` (SIGKILL), ``disk full``, ``ledger full`` or ``ledger read-only`` (from then on); ``after_s`` kills
at that moment instead; ``clock_s`` moves the wall clock; ``file_bytes`` limits the size of every file.  A line
``bomb: STEP`` on stderr says that it went off.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import inspect
import json
import os
import signal
import sys
import threading
import time
from functools import wraps
from typing import Any

BEFORE, AFTER, DURING = "before", "after", "during"

STEPS: dict[str, tuple[str, str, str]] = {
    "schema made": ("pipeline.ledger.schema", "prepare", AFTER),
    "recovered": ("pipeline.ledger.ledger", "recover", AFTER),
    "rows taken in": ("pipeline.ledger.intake", "Intake.batch", AFTER),
    "plan committed": ("pipeline.ledger.ledger", "Ledger.checkpoint", BEFORE),
    "plan in main file": ("pipeline.ledger.journal", "Journal.empty", BEFORE),
    "reserved": ("pipeline.budget", "Budget.reserve", AFTER),
    "intent meant": ("pipeline.ledger.ledger", "Ledger.intent", BEFORE),
    "journal written": ("pipeline.ledger.journal", "Journal.sync", BEFORE),
    "journal synced": ("pipeline.ledger.journal", "Journal.sync", AFTER),
    "intent durable": ("pipeline.ledger.ledger", "Ledger.intent", AFTER),
    "sending": ("pipeline.provider.wire", "Wire.post", DURING),
    "answered": ("pipeline.provider.wire", "Wire.post", AFTER),
    "accepted durable": ("pipeline.ledger.ledger", "Ledger.accepted", AFTER),
    "fetched": ("pipeline.provider.client", "Client.fetch", AFTER),
    "writing aside": ("pipeline.outputs.store", "write_aside", BEFORE),
    "written aside": ("pipeline.outputs.store", "write_aside", AFTER),
    "named": ("pipeline.outputs.store", "rename_if_free", AFTER),
    "saved": ("pipeline.outputs.store", "OutputStore.save", AFTER),
    "done durable": ("pipeline.ledger.ledger", "Ledger.done", AFTER),
    "shared": ("pipeline.ledger.ledger", "Ledger.reused", AFTER),
    "doubt durable": ("pipeline.ledger.ledger", "Ledger.doubt", AFTER),
    "money settled": ("pipeline.budget", "Budget.settle", AFTER),
    "results written": ("pipeline.ledger.export", "write_parquet", BEFORE),
    "summary written": ("pipeline.ledger.ledger", "Ledger.finish_run", BEFORE),
    "run recorded": ("pipeline.ledger.ledger", "Ledger.finish_run", AFTER),
    "closing": ("pipeline.ledger.ledger", "Ledger.close", BEFORE),
}
"""Where the bomb may lie, in the order of a run: a function, and when relative to it."""

ONCE = frozenset(
    {
        "schema made",
        "recovered",
        "rows taken in",
        "plan committed",
        "plan in main file",
        "results written",
        "summary written",
        "run recorded",
        "closing",
    }
)
"""Steps that a small run reaches once."""

PRAGMAS = {"ledger read-only": "PRAGMA query_only = 1", "ledger full": "PRAGMA max_page_count = 1"}
LEDGERS: list[Any] = []
"""The ledgers that this process opened."""

SHORTLY_S = 0.004
"""From a request's first byte to the kill: it is on its way, or just being answered."""


class Bomb:
    """Counts how often the step was reached, and goes off at the n-th time."""

    def __init__(self, step: str, nth: int, act: str) -> None:
        self.step = step
        self.nth = nth
        self.act = act
        self.count = 0

    def reached(self) -> bool:
        """Whether it goes off now."""
        self.count += 1
        return self.count == self.nth

    def say(self) -> None:
        """Tell the certificate."""
        os.write(2, f"bomb: {self.step}\n".encode())

    def kill(self) -> None:
        """End this process as a power cut would."""
        self.say()
        if os.name == "nt":
            os._exit(137)
        os.kill(os.getpid(), signal.SIGKILL)

    def strike(self) -> None:
        """Do what was asked, at a place where no answer has to be waited for."""
        if self.act == "kill":
            self.kill()
        self.say()
        if self.act == "disk full":
            _fill_disk()
        else:
            for ledger in LEDGERS:
                ledger._db.execute(PRAGMAS[self.act])  # noqa: SLF001  # breaking it is the purpose


def arm(bomb: Bomb) -> None:
    """Put *bomb* where its step is."""
    module_name, path, when = STEPS[bomb.step]
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    made = (_around_coroutine if inspect.iscoroutinefunction(getattr(owner, name)) else _around_function)(
        getattr(owner, name), bomb, when
    )
    setattr(owner, name, made)


def _around_coroutine(original: Any, bomb: Bomb, when: str) -> Any:
    @wraps(original)
    async def wrapped(*args: Any, **named: Any) -> Any:
        if when != AFTER and bomb.reached():
            if when == DURING:
                asyncio.get_running_loop().call_later(SHORTLY_S * (bomb.nth % 8), bomb.kill)
            else:
                bomb.strike()
        result = await original(*args, **named)
        if when == AFTER and bomb.reached():
            bomb.strike()
        return result

    return wrapped


def _around_function(original: Any, bomb: Bomb, when: str) -> Any:
    @wraps(original)
    def wrapped(*args: Any, **named: Any) -> Any:
        if when == BEFORE and bomb.reached():
            bomb.strike()
        result = original(*args, **named)
        if when == AFTER and bomb.reached():
            bomb.strike()
        return result

    return wrapped


def _remember_ledgers() -> None:
    from pipeline.ledger import Ledger

    opened = Ledger.__init__

    @wraps(opened)
    def opening(self: Ledger, *args: Any, **named: Any) -> None:
        opened(self, *args, **named)
        LEDGERS.append(self)

    Ledger.__init__ = opening  # type: ignore[method-assign]  # only watched


def _fill_disk() -> None:
    """From now on nothing that the pipeline writes by itself finds room."""
    from pipeline.ledger.journal import Journal
    from pipeline.outputs import store

    def no_room(*_args: Any, **_named: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store.write_aside = no_room
    Journal.sync = no_room  # type: ignore[method-assign]  # the disk is full


def move_clock(offset_s: float) -> None:
    """Let `time.time` be wrong by *offset_s*; before the product is imported, which takes the clock at its door."""
    real = time.time
    time.time = lambda: real() + offset_s


def limit_files(size_bytes: int) -> None:
    """Let no file become larger than *size_bytes*; writing on gives an error, as on a full disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def main() -> None:
    """Prepare what was asked for, then be the command."""
    asked = json.loads(sys.argv.pop(1))
    if offset_s := asked.get("clock_s"):
        move_clock(offset_s)
    if size_bytes := asked.get("file_bytes"):
        limit_files(size_bytes)
    if after_s := asked.get("after_s"):
        bomb = threading.Timer(after_s, Bomb("a random moment", 1, "kill").kill)
        bomb.daemon = True
        bomb.start()
    if "step" in asked:
        _remember_ledgers()
        arm(Bomb(asked["step"], asked.get("nth", 1), asked.get("act", "kill")))
    from jobs.cli import main as command

    command()


if __name__ == "__main__":
    main()
