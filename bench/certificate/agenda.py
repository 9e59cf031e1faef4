"""Which rounds there are, in which order: every step of the order of writes, and everything else that can break."""

from __future__ import annotations

from itertools import count, zip_longest
from typing import TYPE_CHECKING, Any

from certificate.rounds import Case
from certificate.victim import ONCE, STEPS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

CUT_TASKS = 160
QUICK_CUT_TASKS = 130
HOUR_S = 3600.0
APIS = ("queue", "sync")
DAMAGES = ("log lost", "log cut", "log altered", "journal torn")
DISK_STEPS = ("intent meant", "answered", "writing aside", "saved", "done durable", "accepted durable")
ACTS = ("disk full", "ledger full", "ledger read-only")
FILE_BYTES = (90_000, 200_000, 300_000)
RARE = ("doubt durable", "shared")
"""Steps that only a part of the runs reach."""
CLOCKS_S = (3 * HOUR_S, -3 * HOUR_S, 11 * HOUR_S, -11 * HOUR_S, 600.0, -600.0)


def agenda(chance: random.Random, *, quick: bool) -> Iterator[Case]:
    """Rounds without end; the short version comes by everything once."""
    for turn in count():
        api = APIS[turn % 2]
        for each in APIS if quick else (api,):
            yield cuts(each, QUICK_CUT_TASKS if quick else CUT_TASKS)
        yield from every_step_once(api, chance) if quick else kills(api, chance)
        yield from disks(api, chance, quick=quick)
        yield from damages(api, chance, quick=quick)
        yield from clocks(api, chance, quick=quick)
        yield from caps(api, chance)


def cuts(api: str, tasks: int) -> Case:
    """Connections cut at byte boundaries."""
    return Case("cut connections", api, tasks, cut=True, flags=("--concurrency", "32"))


def kill(step: str, chance: random.Random) -> dict[str, Any]:
    """A kill at *step*, at some time that a small run reaches."""
    return {"step": step, "nth": 1 if step in ONCE else chance.randint(1, 9), "act": "kill"}


def every_step_once(api: str, chance: random.Random) -> Iterator[Case]:
    """Each step once, three kills per round: while calls are made, while they are taken up, and around a run."""
    during = [step for step in STEPS if step not in ONCE and step not in RARE]
    half = (len(during) + 1) // 2
    for first, second, last in zip_longest(during[:half], during[half:], sorted(ONCE)):
        steps = [step for step in (first, second, last) if step is not None]
        victims = tuple({"step": step, "nth": 1 if step in ONCE else chance.randint(1, 4)} for step in steps)
        yield Case("kill", api, 24, victims)
    yield from seldom(api, chance)


def seldom(api: str, chance: random.Random) -> Iterator[Case]:
    """Kills at steps that need something besides, and at random moments."""
    for step in RARE:
        yield Case("kill", api, 20, ({"step": step, "nth": 1},), cut=step == "doubt durable")
    moments = tuple({"after_s": round(chance.uniform(0.3, 1.2), 3)} for _ in range(3))
    yield Case("kill, random moment", api, 30, moments)


def kills(api: str, chance: random.Random) -> Iterator[Case]:
    """Kills at every durable step, of the run and then of the one that takes it up; and at random moments."""
    steps = [step for step in STEPS if step not in RARE]
    later = chance.sample(steps, len(steps))
    for first, second in zip(steps[::2], later, strict=False):
        flags = ("--no-preflight",) if chance.random() < 0.2 else ()
        yield Case("kill", api, 14, (kill(first, chance), kill(second, chance)), flags=flags)
    for first, second in zip(steps[1::2], later[len(steps) // 2 :], strict=False):
        yield Case("kill", api, 14, (kill(first, chance), kill(second, chance)))
    yield from seldom(api, chance)


def disks(api: str, chance: random.Random, *, quick: bool) -> Iterator[Case]:
    """A full disk, seen by files and by SQLite, and a ledger that became read-only."""
    for act in ACTS:
        for step in chance.sample(DISK_STEPS, 1 if quick else 3):
            yield Case("disk", api, 30, ({"step": step, "nth": chance.randint(1, 6), "act": act},))
    for size in FILE_BYTES[: 1 if quick else None]:
        yield Case("disk", api, 14, ({"file_bytes": size + chance.randrange(40_000)},))


def damages(api: str, chance: random.Random, *, quick: bool) -> Iterator[Case]:
    """A killed run whose write-ahead log or journal is damaged before the next one."""
    for how in DAMAGES:
        for step in chance.sample(DISK_STEPS, 1 if quick else 2):
            flags = ("--no-preflight",) if chance.random() < 0.5 else ()
            victim = {"step": step, "nth": chance.randint(2, 12)}
            yield Case(f"kill, {how}", api, 14, (victim,), damage=how, flags=flags, cut=chance.random() < 0.5)


def clocks(api: str, chance: random.Random, *, quick: bool) -> Iterator[Case]:
    """A wall clock that is wrong while calls are sent, and right when they are settled."""
    for offset_s in chance.sample(CLOCKS_S, 1 if quick else 3):
        step = chance.choice(("sending", "answered", "accepted durable"))
        victim = {"step": step, "nth": chance.randint(1, 8), "clock_s": offset_s}
        yield Case("kill, clock moved", api, 14, (victim,))


def caps(api: str, chance: random.Random) -> Iterator[Case]:
    """A cap that does not suffice, and a kill under it."""
    for cap_file in (False, True):
        victim = {"step": chance.choice(("answered", "reserved", "money settled")), "nth": chance.randint(2, 6)}
        cap = round(chance.uniform(0.8, 2.2), 2)
        yield Case("kill under a cap", api, 14, (victim,), cap_usd=cap, cap_file=cap_file)
