"""One process of a race for a shared cap: ``racer.py CAP_FILE CAP_NANO WORST_NANO WORKERS CALLS SEED``.

Each worker calls a provider that bills at random up to the worst price, until nothing more fits or its calls are
made.  Prints what this process was billed, in nano-dollars.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from pipeline.budget import Budget, CapReached
from pipeline.capfile import CapFile


async def race(file: Path, *, cap: int, worst: int, workers: int, calls: int, seed: int) -> int:
    chance = random.Random(seed)
    budget = Budget(None, shared=CapFile(file, cap, f"folder-{seed}"))
    billed = 0
    left = calls

    async def work() -> None:
        nonlocal billed, left
        while left > 0 and not budget.hopeless(worst):
            left -= 1
            try:
                reservation = await budget.reserve(worst)
            except CapReached:
                return
            assert reservation is not None
            await asyncio.sleep(chance.random() * 0.01)
            cost = chance.randint(worst // 10, worst)
            billed += cost
            await budget.settle(reservation, cost)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return billed


if __name__ == "__main__":
    place, *numbers = sys.argv[1:]
    asked = dict(zip(("cap", "worst", "workers", "calls", "seed"), map(int, numbers), strict=True))
    sys.stdout.write(str(asyncio.run(race(Path(place), **asked))))
