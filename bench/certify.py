"""The crash certificate: ``python bench/certify.py [--rounds N | --faults N] [--seed S] [--quick]``.

Runs the real command against the local provider, kills it at every step of the order of writes, cuts its connections
at every byte boundary, fills its disk, damages its ledger's log, moves its clock; resumes until everything is settled;
then compares ledger, files and the provider's own bills.  Exit code 1 when anything was paid twice, lost or worse.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from certificate import provider as providers
from certificate.agenda import agenda
from certificate.books import Findings
from certificate.cuts import Boundaries, Cutter
from certificate.rounds import Case, Round

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = 1000
QUICK_FAULTS = 200
SIDE_BY_SIDE = 2
MEASURED_TASKS = 10


@dataclass
class Certificate:
    """All rounds, and what they add up to."""

    work: Path
    provider: providers.Provider
    chance: random.Random
    faults: int = 0
    rounds: int = 0
    kinds: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    """By kind: rounds, faults, tasks in doubt."""
    found: Findings = field(default_factory=Findings)

    def measure(self) -> None:
        """A round without faults for each API: it must be clean, and says how long an exchange is."""
        self.cutter = Cutter(self.provider.port, self.chance)
        self.boundaries: dict[str, Boundaries] = {}
        for api in ("queue", "sync"):
            proxy, url = self.cutter.measuring()
            self._take(self._carry_out(Case("no fault", api, MEASURED_TASKS), url))
            self.cutter.end(proxy)
            self.boundaries[api] = Boundaries(proxy.longest[True], proxy.longest[False], self.chance)

    def work_through(self, cases: Iterator[Case], *, rounds: int | None, faults: int | None) -> None:
        """Do *cases* until so many *rounds* are done, or so many *faults* were met and every kind came by."""
        first_turn = True
        seen: set[str] = set()
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            under_way: set[Future[Round]] = set()
            for case in cases:
                first_turn = first_turn and not (case.kind == "cut connections" and "kill under a cap" in seen)
                seen.add(case.kind)
                enough = self.rounds >= rounds if rounds is not None else self.faults >= (faults or 0)
                if enough and (rounds is not None or not first_turn):
                    break
                under_way.add(pool.submit(self._carry_out, case))
                if len(under_way) >= SIDE_BY_SIDE:
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    for each in done:
                        self._take(each.result())
            for each in under_way:
                self._take(each.result())

    def _carry_out(self, case: Case, url: str | None = None) -> Round:
        tag = f"r{random.getrandbits(48):012x}"
        proxy = None
        if case.cut:
            proxy, url = self.cutter.cutting(self.boundaries[case.api], 2 * case.tasks)
        made = Round(case, self.work / tag, tag, self.provider, self.chance, url or self.provider.url)
        try:
            made.found = made.carry_out()
        finally:
            if proxy is not None:
                self.cutter.end(proxy)
                made.faults += proxy.cuts
        return made

    def _take(self, done: Round) -> None:
        """Add a round up; its folder is kept when something is wrong with it."""
        self.rounds += 1
        self.faults += done.faults
        kind = self.kinds[done.case.kind]
        for place, number in enumerate((1, done.faults, done.found.in_doubt)):
            kind[place] += number
        self.found.add(done.found)
        if done.found.violations:
            where = done.folder.with_name(f"kept-{done.tag}")
            done.folder.rename(where)
            print(f"violation in {where} ({done.case}):", *done.found.notes, sep="\n  ", flush=True)
        else:
            shutil.rmtree(done.folder)

    def report(self, elapsed_s: float) -> None:
        """Say what was done and found; the last lines are for machines."""
        print(f"{'kind of fault':24} {'rounds':>7} {'faults':>7} {'in doubt':>9}")
        for kind, (rounds, faults, in_doubt) in sorted(self.kinds.items()):
            print(f"{kind:24} {rounds:7} {faults:7} {in_doubt:9}")
        found = self.found
        print(f"\n{self.rounds} rounds, {found.tasks} tasks, {found.bills} bills in {elapsed_s:.0f} s")
        print(f"unsettled {found.unsettled}, wrong sums {found.wrong_sum}, bad files {found.bad_files},", end=" ")
        print(f"broken commands {found.broken_commands}")
        print(f"faults {self.faults}")
        print(f"paid twice {found.paid_twice}")
        print(f"lost {found.lost}")
        print(f"cap passed {found.cap_passed}")
        print(f"in doubt {found.in_doubt}")


def main() -> int:
    """Certify; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--rounds", type=int, help="stop after so many rounds")
    group.add_argument("--faults", type=int, help=f"stop after so many faults (default {FAULTS})")
    parser.add_argument("--seed", type=int, default=None, help="of everything random; default: another one each time")
    parser.add_argument("--quick", action="store_true", help=f"every kind once, at least {QUICK_FAULTS} faults")
    parser.add_argument("--keep", type=Path, help="work in this folder; rounds with a violation stay in it")
    asked = parser.parse_args()
    seed = random.randrange(1 << 31) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    faults = asked.faults or (QUICK_FAULTS if asked.quick else FAULTS)
    began = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix="certify-", dir=asked.keep))
    provider = providers.start(work / "provider", seed)
    certificate = Certificate(work, provider, random.Random(seed))
    try:
        certificate.measure()
        cases = agenda(certificate.chance, quick=asked.quick)
        certificate.work_through(cases, rounds=asked.rounds, faults=faults)
    finally:
        provider.stop()
    certificate.report(time.monotonic() - began)
    if not certificate.found.violations and asked.keep is None:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if certificate.found.violations else 0


if __name__ == "__main__":
    sys.exit(main())
