"""The main flow: lock the folder, plan, check the account, settle doubts, let the crew work, export, sum up.

Bulk, nightly and resume are this one flow: a folder converges to what a manifest and a recipe ask for, and every
command is safe to repeat.  Knows no terminal; who wants to watch passes a Watcher.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline import amend, doubts, endpoints
from pipeline.arrival import Arrival, Interrupted, plan_along
from pipeline.closing import Ending, close
from pipeline.control import Control
from pipeline.crew import Crew, News
from pipeline.errors import AccountError, ErrorClass, LedgerError, PipelineError, Unreachable
from pipeline.ledger import Ledger, counts, reopen
from pipeline.lock import hold
from pipeline.missing import reopen_missing
from pipeline.orders import Orders, Watcher, Working
from pipeline.outfit import equip, make_provider, make_throttle, second_home
from pipeline.outputs import OutputStore
from pipeline.preflight import read_balance, watch_deadline, watch_room
from pipeline.prices import write_cache
from pipeline.report.redrive import set_aside
from pipeline.selection import Selection
from pipeline.steering import steer
from pipeline.stop import INTERRUPTED, Reason, fault_of
from pipeline.tools import Habits, Tools
from pipeline.uncut import uncut
from pipeline.words import many
from pipeline.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from pipeline.amend import Amendment
    from pipeline.mirror import Mirror
    from pipeline.planned import Plan
    from pipeline.planning import Planner
    from pipeline.provider import Provider
    from pipeline.tally import Tally
    from pipeline.wanted import Wanted

CUT_OFF = "cut off: what the provider has accepted is fetched by the next run, without being paid again"


@dataclass
class Run:
    """One run on one folder.  ``clock`` gives Unix time, ``chance`` is the source of jitter and seeds."""

    orders: Orders
    wanted: Wanted | None = None
    """None: work on what the folder's ledger has open."""
    watcher: Watcher = field(default_factory=Watcher)
    clock: Callable[[], float] = time.time
    chance: random.Random = field(default_factory=random.Random)
    selection: Selection | Amendment = field(default_factory=Selection)
    """Which failures are opened again, and with what changes."""
    prepare: Callable[[Ledger], None] = lambda _ledger: None
    """Changes to the ledger before planning, such as a person's decisions."""
    _interrupted: bool = False
    _mirror: Mirror | None = None
    _working: Working | None = None

    def interrupt(self) -> None:
        """Stop gently: may be called at any time, from the loop's thread."""
        self._interrupted = True
        if self._working is not None:
            self._working.interrupt()

    async def execute(self) -> dict[str, Any]:
        """Do it all; returns the summary.  Raises PipelineError for what stops it before the first call."""
        if not self.orders.key:
            hint = "set SEGMIND_API_KEY to your key, or rehearse without one: --sandbox"
            raise AccountError("there is no API key", ErrorClass.BAD_KEY, hint=hint)
        with hold(self.orders.out, self.orders.command, clock=self.clock):
            ledger, cut = await uncut(partial(Ledger, self.orders.out, clock=self.clock))
            try:
                if cut is not None:
                    raise cut
                await asyncio.to_thread(ledger.claim, self.orders.provider, self.orders.base_url)
                return await self._recorded(ledger)
            finally:
                _, cut = await uncut(ledger.close)
                if cut is not None:
                    raise cut

    async def _recorded(self, ledger: Ledger) -> dict[str, Any]:
        """The run between its two entries in the ledger."""
        began = self.clock()
        ending = Ending(f"{datetime.fromtimestamp(began, UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}", began)
        recipe = self.wanted.named_recipe.as_json() if self.wanted else None
        manifest = self.wanted.place if self.wanted else None
        await asyncio.to_thread(ledger.start_run, ending.run_id, self.orders.command, manifest, recipe)
        try:
            await self._converge(ledger, ending)
        except (Interrupted, asyncio.CancelledError) as error:
            ending.because(INTERRUPTED.word, INTERRUPTED.message)
            if isinstance(error, asyncio.CancelledError):
                ending.messages = [CUT_OFF]
                ending.this_run["cut_off"] = True
            summary, cut = await self._closed(ledger, ending)
            self.watcher.finished(summary)
            if isinstance(error, asyncio.CancelledError):
                raise
            if cut is not None:
                raise cut from error
            return summary
        except AccountError as error:
            ending.because("account", f"{error} ({error.hint})" if error.hint else str(error))
        except Unreachable as error:
            ending.because("connection", f"{error} ({error.hint})")
        except Exception:
            end = partial(ledger.finish_run, ending.run_id, stopped_by="error", exit_code=1, summary="{}")
            with contextlib.suppress(PipelineError):
                await asyncio.to_thread(end)
            raise
        summary, cut = await self._closed(ledger, ending)
        try:
            if cut is not None:
                raise cut
            if self._mirror is not None:
                await self._mirror.catch_up(partial(_standing, ledger))
                await self._mirror.publish()
        finally:
            self.watcher.finished(summary)
        return summary

    async def _closed(self, ledger: Ledger, ending: Ending) -> tuple[dict[str, Any], asyncio.CancelledError | None]:
        """The summary, once everything is written, and the cancellation that came meanwhile."""
        return await uncut(partial(close, ledger, ending, cap_nano=self.orders.least_cap_nano, now=self.clock()))

    async def _converge(self, ledger: Ledger, ending: Ending) -> None:
        cut_off = ledger.recovered.in_doubt + ledger.recovered.put_back
        if cut_off:
            self.watcher.say(f"the last run was cut off while {cut_off} tasks were under way")
        self._mirror = await second_home(self.orders, ledger)
        await asyncio.to_thread(self.prepare, ledger)
        await asyncio.to_thread(set_aside, ledger, OutputStore(self.orders.out))
        if self.orders.send:
            await ledger.do(self.selection.reopen)
        if self.orders.send and not self.selection.narrow:
            reopened = await ledger.do(partial(reopen_missing, folder=self.orders.out, now=ending.began))
            if reopened:
                self.watcher.say(f"{'warning: ' if reopened.kept else ''}{reopened}")
            asked = await ledger.do(partial(reopen.ask_again, now=ending.began))
            if asked:
                self.watcher.say(f"{many(asked, 'paid output')} that could not be had: asked for again, at no cost")
        if self.orders.send and self.wanted is None:
            self.watcher.say(str(await ledger.do(amend.cost)))
        plan, planner = None, None
        if self.wanted is not None:
            arrival = Arrival(self.orders, self.wanted, self.watcher, self.clock, lambda: self._interrupted)
            plan, planner = await arrival.take_in(ledger, ending)
        throttle = make_throttle(self.orders, self.clock, self.chance)
        provider = make_provider(self.orders, throttle, self.clock)
        try:
            balance_nano = await self._check(ledger, provider, plan)
            tools, tally = await equip(
                self.orders,
                ledger,
                provider,
                throttle,
                mirror=self._mirror,
                clock=self.clock,
                chance=self.chance,
            )
            tally.remaining_nano = balance_nano
            try:
                await self._work(tools, tally, planner, ending)
            finally:
                with contextlib.suppress(PipelineError):  # else others wait until its lease ends
                    await tools.budget.close()
        finally:
            await throttle.close()
            await provider.close()

    async def _check(self, ledger: Ledger, provider: Provider, plan: Plan | None) -> int | None:
        """The account, then the tasks in doubt, before anything is sent; returns the balance in nano-dollars."""
        balance = None
        if self.orders.preflight:
            busy = await ledger.do(counts.open_tasks) > 0
            balance = await read_balance(provider, plan, self.watcher, busy=busy)
        settled = await doubts.settle(
            ledger,
            provider,
            now=self.clock(),
            settle_after_s=self.orders.settle_after_s,
            say=self.watcher.say,
        )
        if settled != doubts.Settled():
            self.watcher.say(
                f"in doubt: {settled.found} found at the provider, {settled.reopened} not billed and open again,"
                f" {settled.left} still in doubt"
            )
        return balance

    async def _work(self, tools: Tools, tally: Tally, planner: Planner | None, ending: Ending) -> None:
        """Let the crew settle every open task, and note why it stopped before that."""
        habits = Habits(ending.run_id, self.orders.patience, self.orders.full_decode, self.orders.deadline)
        news = News(planner is None, await tools.ledger.do(counts.newest_task))
        crew = Crew(Worker(tools, habits), tools, news, workers_per_lane=2 * self.orders.in_flight)
        lanes = await self._lanes(tools.ledger, planner)
        accepted = await tools.ledger.submitted_tasks()
        if strangers := {*lanes, *(task.endpoint for task in accepted)} - endpoints.every().keys():
            names = ", ".join(sorted(strangers))
            self.watcher.say(f"warning: no installed package has the endpoint {names}: its tasks stay as they are")
            lanes = [slug for slug in lanes if slug not in strangers]
            accepted = [task for task in accepted if task.endpoint not in strangers]
        open_now = await tools.ledger.do(counts.open_tasks)
        tally.expected_nano = await tools.ledger.do(counts.open_estimate) if open_now else 0
        self._working = Working(ending.run_id, tools, tally, crew, self.clock(), open_now)
        self.watcher.working(self._working)
        if self._interrupted:
            self._working.interrupt()
        try:
            async with asyncio.TaskGroup() as group:
                if planner is not None:
                    group.create_task(_beside(tools, plan_along(planner, news, tools)), name="planner")
                control = Control(self.orders.out, clock=self.clock)
                watching = {
                    "room": watch_room(tools, self.orders.least_free_bytes),
                    "steering": steer(self._working, control),
                }
                if self.orders.deadline is not None:
                    watching["deadline"] = watch_deadline(tools, self.orders.deadline)
                beside = [group.create_task(_beside(tools, work), name=name) for name, work in watching.items()]
                work = group.create_task(crew.work(lanes, accepted), name="crew")
                work.add_done_callback(lambda _: [task.cancel() for task in beside])
        finally:
            self._note(tools, tally, ending)

    async def _lanes(self, ledger: Ledger, planner: Planner | None) -> list[str]:
        if not self.orders.send:
            return []
        return list(endpoints.every()) if planner else await asyncio.to_thread(ledger.endpoints_open)

    def _note(self, tools: Tools, tally: Tally, ending: Ending) -> None:
        """What the run has to say at its end."""
        for reason in [*([tools.stop.run] if tools.stop.run else []), *tools.stop.endpoints.values()]:
            ending.because(reason.word, reason.message)
        if tools.budget.refusal is not None:
            ending.because("cap", str(tools.budget.refusal))
            ending.this_run["cap_reached"] = tools.budget.refusal.limit
        ending.balance_nano = tally.remaining_nano
        ending.this_run |= {**tally.this_run(), **self.orders.caps_usd}
        ending.requests = {
            "submit": tally.submits,
            "poll": tools.throttle.polls,
            "http_429": tools.throttle.limited_count,
            "http_5xx": tally.http_5xx,
        }
        if self.orders.prices_cache is not None and self.orders.provider == "segmind":
            write_cache(self.orders.prices_cache, tools.prices.bills)
        for sentence in tools.prices.drifts():
            self.watcher.say(f"price drift: {sentence}")


async def _beside(tools: Tools, work: Coroutine[Any, Any, None]) -> None:
    """Do *work* beside the crew: its fault stops the run, and cuts off nothing that is in flight."""
    try:
        await work
    except LedgerError as error:
        tools.stop_run(Reason("ledger", ErrorClass.INTERRUPTED, f"{error} ({error.hint})"))
    except Exception as error:  # noqa: BLE001  # else the task group would cancel calls that are paid for
        tools.stop_run(fault_of(error))


async def _standing(ledger: Ledger) -> AsyncIterator[tuple[str, int, str]]:
    """(path, size in bytes, content type) of every output, in parts: there may be a million."""
    after = (0, 0)
    while part := await ledger.do(partial(counts.standing_outputs, after=after)):
        for path, size_bytes, content_type, task, n in part:
            yield path, size_bytes, content_type
            after = (task, n)
