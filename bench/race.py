"""Processes race for one cap: ``python bench/race.py [--rounds N] [--processes N] [--workers N]``.

Real commands on folders of their own share one cap file, against a local provider that bills at random inside the
documented range.  Billed must never pass the cap; left unused must be less than one call per process.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from certificate import provider as providers
from certificate.rounds import KEY, RELIGHT

WORST_USD = 0.333
"""Of one relighting call."""


def write_manifest(path: Path, tag: str, tasks: int) -> None:
    """One relighting per row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["key", "endpoint", "image", *RELIGHT])
        for number in range(tasks):
            image = f"https://example.com/{tag}/{path.stem}-{number}.jpg"
            table.writerow([f"p{number}", "segmind-relighting-v2", image, *RELIGHT.values()])


def race(folder: Path, provider: providers.Provider, asked: argparse.Namespace, cap_usd: float) -> tuple[float, bool]:
    """One race; (billed USD, whether every command stopped at the cap or was done)."""
    tag = uuid.uuid4().hex[:12]
    racing = []
    for number in range(asked.processes):
        manifest = folder / f"{tag}-{number}.csv"
        write_manifest(manifest, tag, asked.tasks)
        words = ["run", str(manifest), "--out", str(folder / f"{tag}-{number}"), "--base-url", provider.url]
        words += ["--cap", str(cap_usd), "--cap-file", str(folder / f"{tag}.db"), "--rpm", "0", "--quiet"]
        words += ["--concurrency", str(asked.workers)]
        racing.append(
            subprocess.Popen(
                [sys.executable, "-m", "jobs", *words],
                env={**os.environ, "SEGMIND_API_KEY": KEY},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    codes = [process.wait() for process in racing]
    billed = sum(bill["cost_nano"] for bill in provider.bills(tag)) / 1e9
    return billed, all(code in (0, 4) for code in codes)


def main() -> int:
    """Race; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--tasks", type=int, default=60, help="rows of each process's manifest")
    asked = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="race-") as place:
        folder = Path(place)
        provider = providers.start(folder / "provider", random.randrange(1 << 31))
        try:
            for number in range(1, asked.rounds + 1):
                cap = round(asked.processes * asked.tasks * 0.12 * random.uniform(0.5, 1.0), 2)
                billed, ended_well = race(folder, provider, asked, cap)
                wrong = billed > cap or cap - billed >= asked.processes * WORST_USD or not ended_well
                bad += wrong
                print(f"race {number}: cap {cap:.2f}, billed {billed:.4f}, unused {cap - billed:.4f}", end=" ")
                print("WRONG" if wrong else "ok", flush=True)
        finally:
            provider.stop()
    print(f"races {asked.rounds}\nwrong {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
