"""Running contenders fairly: each in a process of its own, on a core of its own, in turn, and compared pair by pair."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HERE = Path(__file__).parent
ROOT = HERE.parent
KEY = "SG_0123456789abcdef"

Cores = frozenset[int]


@dataclass(frozen=True)
class Finished:
    """One process that ended: wall seconds, CPU seconds and peak memory (None where unknown), the JSON it printed."""

    seconds: float
    cpu_s: float | None
    peak_mb: float | None
    said: dict[str, Any]


@dataclass
class Samples:
    """The figures of one contender, one per round."""

    rates: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.rates)

    def ratio_to(self, other: Samples) -> float:
        """The median of the ratios of each round."""
        return statistics.median(own / its for own, its in zip(self.rates, other.rates, strict=True))


def own_cores() -> tuple[Cores | None, Cores | None]:
    """The core of the double and the core of the client; None for both where there is one, or no way to choose."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (frozenset(allowed[:1]), frozenset(allowed[1:2])) if len(allowed) > 1 else (None, None)


def run(
    *words: object, cores: Cores | None = None, codes: Sequence[int] = (0,), scratch: Path | None = None
) -> Finished:
    """Run this Python with *words* to its end; raises RuntimeError with its last words when it fails.

    Temporary files go to *scratch*, when it is given.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.NamedTemporaryFile() as peak:
        launch = (sys.executable, "-S", str(HERE / "launch.py"), peak.name)
        began = time.perf_counter()
        process = subprocess.Popen(
            [*launch, sys.executable, *map(str, words)],
            stdout=out,
            stderr=err,
            env=_environment(scratch),
            preexec_fn=_pin(cores),  # noqa: PLW1509  # one call, before any thread runs in the child
        )
        cpu_s = _wait(process)
        seconds = time.perf_counter() - began
        peak_mb = _megabytes(peak.read().decode())
        out.seek(0)
        err.seek(0)
        if process.returncode not in codes:
            raise RuntimeError(f"{words} ended with {process.returncode}:\n{err.read().decode()[-2000:]}")
        return Finished(seconds, cpu_s, peak_mb, _json_in(out.read().decode()))


def photobatch(*words: object, **how: Any) -> Finished:
    """Run the command with *words*; what it printed is its summary."""
    return run("-m", "jobs", *words, **how)


@contextlib.contextmanager
def serving(image: Path, *words: object, cores: Cores | None = None) -> Iterator[str]:
    """The double while the block runs; gives its base URL."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "double.py"), str(image), *map(str, words)],
        stdout=subprocess.PIPE,
        preexec_fn=_pin(cores),  # noqa: PLW1509  # one call, before any thread runs in the child
    )
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()


def in_turn(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, Samples]:
    """Every contender once a round, the order rotated: what the machine does meanwhile hits all alike."""
    samples = {name: Samples() for name in contenders}
    names = list(contenders)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            samples[name].rates.append(contenders[name]())
    return samples


def _wait(process: subprocess.Popen[bytes]) -> float | None:
    """CPU seconds of the process and of those that it waited for."""
    if not hasattr(os, "wait4"):
        process.wait()
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _megabytes(peak: str) -> float | None:
    unit = 1 if sys.platform == "darwin" else 1024
    return int(peak) * unit / 1e6 if peak else None


def _pin(cores: Cores | None) -> Callable[[], None] | None:
    return None if cores is None else functools.partial(os.sched_setaffinity, 0, cores)


def _environment(scratch: Path | None) -> dict[str, str]:
    """Ours without anybody's settings, and with the packages of this tree."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PHOTOBATCH_")}
    if scratch is not None:
        clean["TMPDIR"] = str(scratch)
    return {**clean, "SEGMIND_API_KEY": KEY, "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)])}


def _json_in(text: str) -> dict[str, Any]:
    start = text.find("{")
    return {} if start < 0 else dict(json.loads(text[start:]))
