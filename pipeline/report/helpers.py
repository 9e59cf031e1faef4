"""Processes that shrink and look at pictures side by side.

Own processes instead of `concurrent.futures`: a pool would run the caller's script again in every process, and a
picture that crashes a decoder would end the whole pool.  Here it costs that one picture.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from pipeline.report.shrink import answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST = 16
FEW = 8
"""Fewer jobs than this are done here: starting a process takes as long."""
CRASHED = {"error": "the picture crashed its decoder"}


def done(jobs: Sequence[dict[str, Any]], *, processes: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(place, answer) of every job as it gets done, in any order.  See `shrink.answer`."""
    if len(jobs) < FEW:
        yield from ((place, answer(job)) for place, job in enumerate(jobs))
        return
    places: SimpleQueue[int | None] = SimpleQueue()
    answers: SimpleQueue[tuple[int, dict[str, Any]]] = SimpleQueue()
    count = min(processes or os.cpu_count() or 1, MOST, len(jobs))
    for place in range(len(jobs)):
        places.put(place)
    for _ in range(count):
        places.put(None)
    threads = [
        threading.Thread(target=_work, args=(jobs, places, answers), name=f"pictures {number}", daemon=True)
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            yield answers.get()
    finally:
        with contextlib.suppress(Exception):
            while places.get_nowait() is not None:  # nobody wants the rest any more
                pass
        for _ in threads:
            places.put(None)
        for thread in threads:
            thread.join()


def _work(
    jobs: Sequence[dict[str, Any]],
    places: SimpleQueue[int | None],
    answers: SimpleQueue[tuple[int, dict[str, Any]]],
) -> None:
    helper: subprocess.Popen[str] | None = None
    try:
        while (place := places.get()) is not None:
            helper = helper or _start()
            found = _ask(helper, jobs[place]) if helper else answer(jobs[place])
            if found is None and helper is not None:
                _end(helper)
                helper, found = None, CRASHED
            answers.put((place, found or {}))
    finally:
        if helper is not None:
            _end(helper)


def _start() -> subprocess.Popen[str] | None:
    """A new process; None where none can be started: then the thread does the work itself."""
    # -P and the parent's own path: the working folder of the user is not searched for modules.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with contextlib.suppress(OSError):
        return subprocess.Popen(  # our own module in our own interpreter
            [sys.executable, "-P", "-m", "pipeline.report.shrink"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
        )
    return None


def _ask(helper: subprocess.Popen[str], job: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to *job*; None when the process died over it, or said something else."""
    stdin, stdout = _pipes(helper)
    try:
        stdin.write(json.dumps(job) + "\n")
        stdin.flush()
        line = stdout.readline()
        found = json.loads(line) if line.endswith("\n") else None
    except (OSError, ValueError):  # a library may print where only answers belong
        return None
    return found if isinstance(found, dict) else None


def _end(helper: subprocess.Popen[str]) -> None:
    for pipe in _pipes(helper):
        with contextlib.suppress(OSError):
            pipe.close()
    helper.wait()


def _pipes(helper: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert helper.stdin is not None
    assert helper.stdout is not None
    return helper.stdin, helper.stdout
