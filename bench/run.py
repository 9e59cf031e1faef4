"""Measure what is promised, and write the table: ``python bench/run.py [--only NAME ...] [--quick]``.

Every figure is a ratio within one run, the contenders in turn, the middle of several rounds; no figure is a test.
``--quick`` measures almost nothing, to see that everything runs.  The whole takes about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from typing import TYPE_CHECKING

import planning
import rate
import table
import throughput
from table import Line

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parent / "RESULTS.md"
MEASUREMENTS: dict[str, Callable[..., list[Line]]] = {
    "calls": throughput.calls,
    "decoding": throughput.decoding,
    "plan": planning.plan,
    "again": planning.again,
    "memory": planning.memory,
    "first-call": planning.first_call,
    "limits": rate.limits,
}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--only", nargs="+", choices=MEASUREMENTS, help="measure these alone, and write nothing")
    words.add_argument("--quick", action="store_true", help="a few rows only: shows that it runs; writes nothing")
    given = words.parse_args()
    lines: list[Line] = []
    for name in given.only or MEASUREMENTS:
        began = time.perf_counter()
        found = MEASUREMENTS[name](quick=given.quick)
        print(f"{name}, {time.perf_counter() - began:.0f} s", file=sys.stderr)
        for line in found:
            print(f"  {line.what}: {line.measured} ({line.goal})", file=sys.stderr, flush=True)
        lines += found
    note = "A few rows only: these figures mean nothing.\n\n" if given.quick else ""
    text = f"# What it costs\n\n{note}{table.machine()}\n\n{table.markdown(lines)}\n\n{HOW}"
    print(text)
    if not given.quick and not given.only:
        RESULTS.write_text(text, encoding="utf-8")


HOW = """\
Measured by `make bench`.  Ratios are medians of rounds in which every contender ran once, in rotated order; a
goal that was not met says so.  The double that answers has one core, the client another; with full decoding both
are shared.  The rate of photobatch counts from reading the manifest to the last entry in the ledger, that of the
others from opening the manifest to their last line; they make nothing durable, retry nothing and count no money.
Planning and second runs are whole processes, start-up included.
"""

if __name__ == "__main__":
    main()
