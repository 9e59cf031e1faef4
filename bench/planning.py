"""What a large manifest costs before and without any call, in passes of `csv.DictReader` over the same file."""

from __future__ import annotations

import csv
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import workload
from measuring import HERE, Finished, in_turn, own_cores, photobatch, run, serving
from table import Line

if TYPE_CHECKING:
    from pathlib import Path

MOST_MB = 300
FIRST_CALL_S = 3.0


def plan(*, quick: bool) -> list[Line]:
    """Read, expand, validate, fingerprint, find duplicates, into a ledger: the command `plan`, start-up included."""
    with workload.scratch() as folder:
        files = _Files(folder, 2_000 if quick else 1_000_000)
        samples = in_turn({"bare": files.passes, "plan": files.plan}, 1 if quick else 3)
    return [_in_passes(f"plan {files.count:,} rows, CSV", samples["bare"].ratio_to(samples["plan"]), 5, files)]


def again(*, quick: bool) -> list[Line]:
    """A second run over finished tasks whose results are written.  They have no outputs; those of `night` do."""
    with workload.scratch() as folder, serving(_image(folder), cores=own_cores()[0]) as url:
        files = _Files(folder, 2_000 if quick else 1_000_000)
        files.finish_all(url)
        samples = in_turn({"bare": files.passes, "again": lambda: files.again(url)}, 1 if quick else 3)
    ratio = samples["bare"].ratio_to(samples["again"])
    return [_in_passes(f"second run over {files.count:,} finished tasks", ratio, 4, files)]


def memory(*, quick: bool) -> list[Line]:
    """Peak memory of `plan` for few and for many rows."""
    lines = []
    counts = (500, 2_000) if quick else (10_000, 1_000_000)
    for kind, write in (("CSV", workload.write_csv), ("Parquet", workload.write_parquet)):
        with workload.scratch() as folder:
            peaks = [_Files(folder, count, write).finished_plan().peak_mb or 0 for count in counts]
        within = max(peaks) < MOST_MB
        goal = f"flat, under {MOST_MB} MB{'' if within else ': missed'}"
        lines.append(Line(f"memory, {counts[0]:,} to {counts[1]:,} rows, {kind}", _megabytes(peaks), goal))
    return lines


def first_call(*, quick: bool) -> list[Line]:
    """From the start of the command to the first paid call, when rows are checked as they come."""
    with workload.scratch() as folder, serving(_image(folder), cores=own_cores()[0]) as url:
        files = _Files(folder, 2_000 if quick else 1_000_000)
        said = run(HERE / "first.py", url, files.manifest, files.recipe, folder / "out").said
    seconds = float(said["seconds"])
    goal = f"under {FIRST_CALL_S:g} s{'' if seconds < FIRST_CALL_S else ': missed'}"
    return [Line(f"start to first call, {files.count:,} rows, --no-preflight", f"{seconds:.2f} s", goal)]


class _Files:
    """One manifest and its recipe.  Methods give runs per second, so that ratios read like those of rates."""

    def __init__(self, folder: Path, count: int, write=workload.write_csv) -> None:  # noqa: ANN001  # one of two functions
        self.folder = folder
        self.count = count
        self.manifest = write(folder / f"manifest-{count}.{'csv' if write is workload.write_csv else 'parquet'}", count)
        self.recipe = workload.write_recipe(folder / "recipe.toml")
        self.bare_s = self.bare_cpu_s = self.cpu_s = 0.0

    def passes(self) -> float:
        began, began_cpu = time.perf_counter(), time.process_time()
        with self.manifest.open(encoding="utf-8", newline="") as file:
            for _ in csv.DictReader(file):
                pass
        self.bare_s, self.bare_cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
        return 1 / self.bare_s

    def finished_plan(self) -> Finished:
        finished = photobatch("plan", self.manifest, "--recipe", self.recipe, "--json", scratch=self.folder)
        assert finished.said["to_pay"] == self.count, finished.said
        self.cpu_s = finished.cpu_s or 0.0
        return finished

    def plan(self) -> float:
        return 1 / self.finished_plan().seconds

    def finish_all(self, url: str) -> None:
        """Plan in earnest, then say in SQL that every task is done, and let one run write the results."""
        self._run(url, "--deadline", "0s")
        with closing(sqlite3.connect(self.folder / "out" / "ledger.db")) as db, db:
            db.execute("UPDATE tasks SET state='done', attempts=1, finished_at=planned_at, run_id='bench'")
        self._run(url)

    def again(self, url: str) -> float:
        finished = self._run(url)
        assert finished.said["tasks"]["done"] == self.count, finished.said
        return 1 / finished.seconds

    def _run(self, url: str, *flags: str) -> Finished:
        words = ["run", self.manifest, "--recipe", self.recipe, "--out", self.folder / "out", "--base-url", url]
        finished = photobatch(*words, "--json", *flags, codes=range(11), scratch=self.folder)
        self.cpu_s = finished.cpu_s or 0.0
        return finished


def _in_passes(what: str, ratio: float, goal: float, files: _Files) -> Line:
    cpu = f", by CPU time {files.cpu_s / files.bare_cpu_s:.1f} x" if files.cpu_s else ""
    return Line.at_most(what, ratio, goal, f"a pass of csv.DictReader takes {files.bare_s:.1f} s{cpu}")


def _image(folder: Path) -> Path:
    image = folder / "answer.png"
    image.write_bytes(workload.png("2 KB"))
    return image


def _megabytes(peaks: list[float]) -> str:
    return " to ".join(f"{peak:.0f} MB" if peak else "unknown" for peak in peaks)
