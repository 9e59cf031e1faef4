"""What is checked between the plan and the first call: account, prices under a cap, the cap's file, room on the disk.

Room and deadline are watched on while the run works.
"""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.budget import Allowance, Budget
from pipeline.capfile import FOLDER_ID, OWNER_ID, CapFile
from pipeline.errors import AccountError, CallError, ErrorClass, ManifestError, RecipeError, Unreachable
from pipeline.ledger import attempts, counts
from pipeline.money import show
from pipeline.outputs import StorageFull
from pipeline.policy import no_line
from pipeline.stop import Reason
from pipeline.words import many

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.ledger import Ledger
    from pipeline.orders import Orders, Watcher
    from pipeline.outputs import OutputStore
    from pipeline.planned import Plan
    from pipeline.provider import Provider
    from pipeline.tools import Tools


CLOCK_LOOK_S = 60.0
"""The clock is looked at again after this: a laptop that slept wakes up past its deadline."""


def refuse_unpriced(plan: Plan, orders: Orders) -> None:
    """A cap cannot hold over calls whose price nobody knows; raises RecipeError."""
    unpriced = [each.endpoint for each in plan.endpoints if each.unpriced]
    if unpriced and (orders.cap_nano, orders.pool, orders.period) != (None, None, None):
        raise RecipeError(
            f"the price of {', '.join(unpriced)} is unknown, so the cap could not hold",
            hint=f"say what a call costs at most: --assume-price {unpriced[0]}=USD",
        )


def refuse_pointless(plan: Plan) -> None:
    """A run without a single task would let go of everything made so far; raises ManifestError."""
    if not plan.tasks:
        doubt = "".join(plan.warnings[:1]).removeprefix(f"{plan.manifest}: ")
        raise ManifestError(
            f"{plan.manifest}: none of its {many(plan.rows, 'row')} names an image, so there is nothing to do",
            hint=doubt or "is the export complete, and does the recipe take images from the right column?",
        )


async def read_balance(provider: Provider, plan: Plan | None, watcher: Watcher, *, busy: bool = True) -> int | None:
    """The first free call: a bad key is found before anything is uploaded, a low balance is told.

    ``busy``: whether there is anything to send or to fetch.
    Nano-dollars; None when the provider would not say.  Raises AccountError, and Unreachable when nothing left.
    """
    try:
        balance = await provider.balance()
    except CallError as error:
        if error.error_class in (ErrorClass.BAD_KEY, ErrorClass.FORBIDDEN):
            raise AccountError(
                f"the provider refuses the key: {error}", error.error_class, hint="check SEGMIND_API_KEY"
            ) from error
        if no_line(error) and busy:
            raise Unreachable(
                f"{error}; nothing was sent", hint="is this computer online? then run it again"
            ) from error
        watcher.say(f"the balance could not be read ({error}); going on without it")
        return None
    if plan is not None and plan.typical_nano is not None and plan.typical_nano > balance:
        watcher.say(f"warning: needs about {show(plan.typical_nano)}, balance {show(balance)}")
    return balance


async def make_budget(ledger: Ledger, orders: Orders, clock: Callable[[], float]) -> Budget:
    """The cap over what the folder has spent and holds; raises FolderError."""
    billed, held, holders = await asyncio.to_thread(ledger.money)
    allowance = None
    if orders.period is not None:
        allowance = Allowance(orders.period.cap_nano, await asyncio.to_thread(ledger.spent_since, orders.period.since))
    shared = None
    if orders.pool is not None:
        pool = orders.pool
        folder = await asyncio.to_thread(_folder_id, ledger)
        shared = CapFile(pool.file, pool.cap_nano, folder, limit=pool.limit, clock=clock)
        await ledger.do(partial(_reconcile, shared=shared, path=str(orders.out.absolute())))
    return Budget(
        orders.cap_nano,
        billed_nano=billed,
        held_nano=held,
        held_count=holders,
        shared=shared,
        allowance=allowance,
    )


def require_room(store: OutputStore, least_bytes: int) -> None:
    """Refuse to begin on a disk that is nearly full; raises StorageFull."""
    if (free := store.disk_free_bytes()) < least_bytes:
        raise StorageFull(
            f"{free / 1e6:,.0f} MB are free where the outputs go, {least_bytes / 1e6:,.0f} MB are needed",
            hint="free some space, then run again: nothing was spent",
        )


async def watch_room(tools: Tools, least_bytes: int, *, every_s: float = 10.0) -> None:
    """Stop the run before the disk is full: what is in flight still finds room.  Runs until it is cancelled."""
    while True:
        try:
            free = await asyncio.to_thread(tools.store.disk_free_bytes)
        except OSError as error:
            message = f"the result folder cannot be reached: {error}; when it is there again, run `resume`"
            tools.stop_run(Reason("storage", ErrorClass.INTERRUPTED, message))
            return
        if free < least_bytes:
            message = f"{free / 1e6:,.0f} MB are free where the outputs go: free some space, then run `resume`"
            tools.stop_run(Reason("storage", ErrorClass.INTERRUPTED, message))
            return
        await asyncio.sleep(every_s)


async def watch_deadline(tools: Tools, deadline: float) -> None:
    """Stop the run at *deadline* (Unix time): who waits for a retry or for the rate leaves its task open.

    What would not be finished by then was not begun; what is in flight all the same is finished.
    """
    while (left_s := deadline - tools.clock()) > 0:  # noqa: ASYNC110  # not polling: the clock may be set meanwhile
        await asyncio.sleep(min(left_s, CLOCK_LOOK_S))
    if await tools.ledger.do(counts.any_planned):
        message = "the deadline is over; what is open is left for a later run"
        tools.stop_run(Reason("deadline", ErrorClass.DEADLINE, message))


def _folder_id(ledger: Ledger) -> str:
    """What the folder is called in cap files, wherever it is mounted or moved to."""
    if (known := ledger.meta(FOLDER_ID)) is not None:
        return known
    made = uuid.uuid4().hex
    ledger.set_meta(FOLDER_ID, made)
    return made


def _reconcile(db: Any, shared: CapFile, path: str) -> None:
    """Settle in the cap file what this folder's ledger knows better: an earlier run was cut off in between.

    ``path`` is what earlier releases called the folder.  Others may have had it as well: of those entries only what
    the ledger knows is touched.  The folder is locked, so that the process which last had it is gone.
    """
    names = shared.mine()
    known = attempts.of_reservations(db, [*names, *shared.mine(path)])
    last = db.execute("SELECT value FROM meta WHERE name=?", (OWNER_ID,)).fetchone()
    shared.release((name for name in names if name not in known), gone=last[0] if last else "")
    db.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (OWNER_ID, shared.owner))
    for name, (held, billed) in known.items():
        if held == 0:
            shared.settle_now(name, billed or 0)
