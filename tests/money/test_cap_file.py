"""One cap over several processes, threads and nights."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.capfile import CapFile
from pipeline.errors import FolderError

ROOT = Path(__file__).parents[2]
RACER = Path(__file__).with_name("racer.py")
WORST = 300_000_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_processes_that_race_for_one_cap_use_it_up_and_never_pass_it(tmp_path: Path) -> None:
    cap, processes = 40 * WORST, 4
    words = [str(tmp_path / "cap.db"), str(cap), str(WORST), "8", "100000"]
    command = [sys.executable, str(RACER), *words]
    racing = [
        subprocess.Popen([*command, str(seed)], cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True)
        for seed in range(processes)
    ]
    said = [process.communicate()[0] for process in racing]
    assert [process.returncode for process in racing] == [0] * processes
    billed = sum(map(int, said))
    assert billed <= cap
    assert cap - billed < processes * WORST
    free, held, _ = CapFile(tmp_path / "cap.db", cap, "judge").standing_now()
    assert cap - free - held == billed


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


async def test_two_processes_never_both_get_the_last_of_the_money(tmp_path: Path) -> None:
    first, second = (CapFile(tmp_path / "cap.db", 100, name) for name in ("a", "b"))
    got = await asyncio.gather(*(each.reserve(60) for each in (first, second)))
    assert sorted(name is not None for name in got) == [False, True]


async def test_many_threads_reserve_no_more_than_there_is(tmp_path: Path) -> None:
    shared = CapFile(tmp_path / "cap.db", 10, "a")
    got = await asyncio.gather(*(shared.reserve(1) for _ in range(30)))
    assert sum(name is not None for name in got) == 10
    assert shared.standing_now() == (0, 10, 10)


async def test_settling_twice_bills_once(tmp_path: Path) -> None:
    shared = CapFile(tmp_path / "cap.db", 100, "a")
    name = await shared.reserve(60)
    assert name is not None
    await shared.settle(name, 25)
    await shared.settle(name, 25)
    assert shared.standing_now() == (75, 0, 0)


async def test_what_a_dead_process_holds_stays_held_and_nobody_waits_for_it(tmp_path: Path) -> None:
    now = [1000.0]
    dead = CapFile(tmp_path / "cap.db", 100, "a", clock=lambda: now[0])
    assert await dead.reserve(60) is not None
    now[0] += 301
    other = CapFile(tmp_path / "cap.db", 100, "b", clock=lambda: now[0])
    assert await other.reserve(60) is None
    assert not await other.wait()
    assert other.standing_now() == (40, 60, 1)
    assert CapFile(tmp_path / "cap.db", 100, "a").mine() != []


def test_a_file_that_is_no_cap_file_is_refused_in_words(tmp_path: Path) -> None:
    place = tmp_path / "cap.db"
    place.write_bytes(b"these are notes, not money" * 100)
    with pytest.raises(FolderError, match="cannot be used"):
        CapFile(place, 100, "a")
