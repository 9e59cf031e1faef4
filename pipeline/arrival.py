"""The manifest's way into the ledger: whole and checked before the first call, or as the run goes.

Knows neither money nor calls; what a plan may refuse, `preflight` says.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import departed, naming
from pipeline.errors import ErrorClass, PipelineError
from pipeline.lookup import look
from pipeline.outputs import OutputStore
from pipeline.planning import KEY_ROWS, Planner, take_in
from pipeline.preflight import refuse_pointless, refuse_unpriced
from pipeline.rate import START_PER_MINUTE
from pipeline.stop import Reason
from pipeline.words import many

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from pipeline.closing import Ending
    from pipeline.crew import News
    from pipeline.ledger import Ledger
    from pipeline.orders import Orders, Watcher
    from pipeline.planned import Plan
    from pipeline.tools import Tools
    from pipeline.wanted import Wanted


class Interrupted(Exception):
    """The run was interrupted before the first call."""


@dataclass(frozen=True)
class Arrival:
    """What a manifest asks for, on its way in.  ``stopping`` tells whether the run was interrupted meanwhile."""

    orders: Orders
    wanted: Wanted
    watcher: Watcher
    clock: Callable[[], float]
    stopping: Callable[[], bool]

    async def take_in(self, ledger: Ledger, ending: Ending) -> tuple[Plan | None, Planner | None]:
        """Take the manifest in; gives its plan, or who plans as it goes.  Raises Interrupted and PipelineError."""
        wanted = await asyncio.to_thread(self.wanted.opened)
        if self.orders.naming is not None:
            naming.check(self.orders.naming, wanted.open().columns)
        if wanted.check_images:
            await self._look(wanted, ledger)
        if not self.orders.preflight:
            return None, await ledger.do(
                lambda db: Planner(wanted, db, clock=self.clock, bulk=False, key_rows=KEY_ROWS)
            )

        def seen(rows: int) -> None:
            self.watcher.planning(rows)
            if self.stopping():
                raise Interrupted

        def take(db: sqlite3.Connection) -> Plan:
            planner = take_in(wanted, db, clock=self.clock, seen=seen)
            rate = START_PER_MINUTE if self.orders.per_minute is None else self.orders.per_minute
            plan = planner.report(rate)
            refuse_pointless(plan)
            refuse_unpriced(plan, self.orders)
            return plan

        plan = await ledger.do(take)
        ending.this_run |= plan.taken.this_run()
        self.watcher.planned(plan)
        # What is planned must not depend on the write-ahead log: the tail of a damaged one is dropped in silence.
        await asyncio.to_thread(ledger.checkpoint)
        if self.orders.prune:
            await self._prune(ledger, ending)
        return plan, None

    async def _prune(self, ledger: Ledger, ending: Ending) -> None:
        """Move aside what belongs to rows that left the manifest."""
        moved = await asyncio.to_thread(departed.prune, ledger, OutputStore(self.orders.out))
        ending.this_run["pruned"] = moved
        if moved:
            self.watcher.say(f"moved to superseded/: {many(moved, 'output')} of rows that left the manifest")

    async def _look(self, wanted: Wanted, ledger: Ledger) -> None:
        """Ask the servers about the manifest's images."""

        def seen(count: int) -> None:
            self.watcher.looking(count)
            if self.stopping():
                raise Interrupted

        looked = await look(wanted, ledger, clock=self.clock, seen=seen)
        if looked.asked:
            self.watcher.say(str(looked))
        for warning in looked.warnings:
            self.watcher.say(f"warning: {warning}")


async def plan_along(planner: Planner, news: News, tools: Tools) -> None:
    """Validate as it goes: calls begin while the manifest is still being read."""
    steps = planner.steps()
    try:
        while not tools.stop.run and await tools.ledger.do(lambda _db: next(steps, 0)) > 0:
            news.more()
        if not tools.stop.run:
            await tools.ledger.do(lambda _db: planner.finish())
    except PipelineError as error:
        tools.stop_run(Reason("manifest", ErrorClass.BAD_REQUEST, f"{error} ({error.hint})"))
    finally:
        news.more(ended=True)
