"""What a run is equipped with: throttle, provider, budget, folder, prices, and the outputs' second home.

Puts the tools together as the orders say; uses none of them but to see that they work.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipeline import endpoints
from pipeline.caps import CAP
from pipeline.caps import NAME as CAPS
from pipeline.ledger import names
from pipeline.mirror import Mirror
from pipeline.money import usd
from pipeline.naming import Naming
from pipeline.outputs import OutputStore
from pipeline.preflight import make_budget, require_room
from pipeline.prices import PriceBook, from_records, read_cache
from pipeline.provider import connect
from pipeline.staging import Staging
from pipeline.stop import Stop
from pipeline.storage import CloudStorage
from pipeline.tally import Tally
from pipeline.throttle import Rates, Throttle
from pipeline.tools import Tools

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from pipeline.ledger import Ledger
    from pipeline.orders import Orders
    from pipeline.provider import Provider

SEEDS = 2**31
"""Drawn seeds are below this: every endpoint takes them, and two calls of one day will not share one."""


def make_throttle(orders: Orders, clock: Callable[[], float], chance: random.Random) -> Throttle:
    """The run's throttle; inside a running loop."""
    return Throttle(Rates(orders.per_minute, orders.in_flight), wall=clock, chance=chance.random)


def make_provider(orders: Orders, throttle: Throttle, clock: Callable[[], float]) -> Provider:
    """The client of the provider that the orders name; raises AccountError for an impossible key."""
    return connect(
        orders.api,
        orders.hosts,
        orders.key or "",
        timeouts=orders.timeouts,
        backoff=orders.backoff,
        pacing=throttle,
        latency_of=lambda slug: endpoints.get(slug).latency_s,
        concurrency=orders.in_flight,
        clock=clock,
    )


async def second_home(orders: Orders, ledger: Ledger) -> Mirror | None:
    """Where outputs go besides the folder: as asked now, or as asked the last time.  Raises RecipeError."""
    prefix = orders.images_to or await asyncio.to_thread(ledger.meta, "images_to")
    if not prefix:
        return None
    mirror = Mirror(orders.out, prefix)
    await mirror.check_writable()
    await asyncio.to_thread(ledger.set_meta, "images_to", prefix)
    return mirror


async def equip(
    orders: Orders,
    ledger: Ledger,
    provider: Provider,
    throttle: Throttle,
    *,
    mirror: Mirror | None,
    clock: Callable[[], float],
    chance: random.Random,
) -> tuple[Tools, Tally]:
    """Lay out the tools, after doubts were settled: the budget starts from what is still held.

    Raises StorageError when the folder does not take files.
    """
    bills = from_records(await ledger.do(lambda db: db.execute("SELECT * FROM prices").fetchall()))
    prior = read_cache(orders.prices_cache) if orders.prices_cache else {}
    tally = Tally(orders.failures, clock=clock)
    stop = Stop()
    tools = Tools(
        ledger=ledger,
        provider=provider,
        throttle=throttle,
        budget=await make_budget(ledger, orders, clock),
        store=OutputStore(orders.out, ai_label=orders.ai_label),
        staging=Staging(
            ledger, provider, clock=clock, presign=CloudStorage().presign, stopped=lambda: stop.run is not None
        ),
        stop=stop,
        observer=tally,
        prices=PriceBook(bills, prior, orders.assumed_nano),
        clock=clock,
        chance=chance.random,
        draw_seed=lambda: chance.randrange(1, SEEDS),
        naming=Naming(ledger, await ledger.do(lambda db: names.settle(db, orders.naming))),
        mirror=mirror,
    )
    tally.stop = tools.stop_run
    if orders.command != "settle":
        await asyncio.to_thread(ledger.set_meta, CAP, "" if orders.cap_nano is None else f"{usd(orders.cap_nano):g}")
    if orders.caps is not None:
        await asyncio.to_thread(ledger.set_meta, CAPS, orders.caps.as_text())
    await asyncio.to_thread(tools.store.check_writable)
    require_room(tools.store, orders.least_free_bytes)
    await asyncio.to_thread(tools.store.sweep)
    return tools, tally
