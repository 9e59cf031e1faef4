"""The main flow: lock the folder, plan, check the account, let the crew work, export, sum up.

Bulk, nightly and resume are this one flow: a folder converges to what a manifest and a recipe ask for, and is safe
to repeat.  Knows no terminal; who wants to watch passes a `Watcher`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pipeline import endpoints
from pipeline.budget import Budget
from pipeline.capfile import CapFile
from pipeline.crew import Crew, News
from pipeline.errors import AccountError, CallError, ErrorClass, LedgerError, PipelineError, RecipeError
from pipeline.ledger import Ledger, counts
from pipeline.ledger.export import Results, write_csv, write_parquet
from pipeline.lock import hold
from pipeline.money import show
from pipeline.outputs import OutputStore
from pipeline.plan import Plan, Planner, Wanted
from pipeline.policy import Patience
from pipeline.prices import PriceBook, from_records, read_cache, write_cache
from pipeline.provider import Hosts, Timeouts, connect
from pipeline.staging import Staging
from pipeline.stop import INTERRUPTED, Reason, Stop
from pipeline.summary import first_of, summarise
from pipeline.tally import FailureLimit, Tally
from pipeline.throttle import Rates, Throttle
from pipeline.tools import Habits, Tools
from pipeline.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.provider import Provider

UNKNOWN_RATE = 60.0
IN_FLIGHT_QUEUE = 256
IN_FLIGHT_SYNC = 64


class Watcher:
    """Who watches a run; every method may be overridden, none needs to be."""

    def say(self, text: str) -> None:
        """Something worth a line."""

    def planning(self, rows: int) -> None:
        """So many rows were read."""

    def planned(self, plan: Plan) -> None:
        """The plan stands."""

    def working(self, state: Working) -> None:
        """Calls begin; *state* changes under the watcher's eyes until `finished`."""

    def finished(self, summary: dict[str, Any]) -> None:
        """The run ended."""


@dataclass(frozen=True)
class Orders:
    """How to run: where to, on whose account, how fast, and within which bounds."""

    out: Path
    key: str | None = None
    hosts: Hosts = field(default_factory=Hosts.real)
    provider: str = "segmind"
    """What the folder calls its provider; results of two providers never mix."""
    base_url: str = ""
    api: Literal["queue", "sync"] = "queue"
    cap_nano: int | None = None
    cap_file: Path | None = None
    per_minute: float | None = None
    """Ceiling of the rate; 0: no limit; None: start at 60 and learn."""
    concurrency: int | None = None
    failures: FailureLimit = field(default_factory=lambda: FailureLimit.parse(None))
    deadline: float | None = None
    """Unix time by which every call must be finished."""
    preflight: bool = True
    """Check all rows, the balance and the open doubts before the first call."""
    full_decode: bool = True
    ai_label: bool = True
    assumed_nano: dict[str, int] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    timeouts: Timeouts = field(default_factory=Timeouts)
    prices_cache: Path | None = None
    command: str = "run"

    @property
    def in_flight(self) -> int:
        """Calls under way at most."""
        return self.concurrency or (IN_FLIGHT_QUEUE if self.api == "queue" else IN_FLIGHT_SYNC)


@dataclass
class Working:
    """A run under way, for those who watch and steer it."""

    run_id: str
    tools: Tools
    tally: Tally
    crew: Crew
    began: float
    open_at_start: int

    def interrupt(self) -> None:
        """Take no new calls, finish what is in flight."""
        self.tools.stop_run(INTERRUPTED)


class Stopped(Exception):
    """The run was interrupted before it began to call."""


@dataclass
class Run:
    """One run on one folder.  ``clock`` gives Unix time, ``chance`` is the source of jitter and seeds."""

    orders: Orders
    wanted: Wanted | None = None
    """None: work on what the folder's ledger has open."""
    watcher: Watcher = field(default_factory=Watcher)
    clock: Callable[[], float] = time.time
    chance: random.Random = field(default_factory=random.Random)
    prepare: Callable[[Ledger], None] = lambda _ledger: None
    """Called once the ledger is open and recovered, before anything is planned."""
    _interrupted: bool = False
    _working: Working | None = None

    def interrupt(self) -> None:
        """Stop gently: may be called at any time, from the loop's thread."""
        self._interrupted = True
        if self._working is not None:
            self._working.interrupt()

    async def execute(self) -> dict[str, Any]:
        """Do it all; returns the summary.  Raises PipelineError for what stops it before the first call."""
        if not self.orders.key:
            raise AccountError(
                "there is no API key",
                ErrorClass.BAD_KEY,
                hint="set SEGMIND_API_KEY, or rehearse without one: --sandbox",
            )
        with hold(self.orders.out, self.orders.command, clock=self.clock):
            ledger = await asyncio.to_thread(Ledger, self.orders.out, clock=self.clock)
            try:
                ledger.claim(self.orders.provider, self.orders.base_url)
                return await self._with_ledger(ledger)
            finally:
                await asyncio.to_thread(ledger.close)

    async def _with_ledger(self, ledger: Ledger) -> dict[str, Any]:
        run_id = f"{datetime.fromtimestamp(self.clock(), UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        recipe = self.wanted.recipe.as_json() if self.wanted else None
        manifest = str(self.wanted.manifest) if self.wanted else None
        ledger.start_run(run_id, self.orders.command, manifest, recipe)
        if ledger.recovered.in_doubt or ledger.recovered.put_back:
            self.watcher.say(
                f"the last run was cut off: {ledger.recovered.in_doubt + ledger.recovered.put_back} tasks were under way"
            )
        self.prepare(ledger)
        ledger.reopen_passing()
        began = self.clock()
        try:
            tally, stopped, message = await self._plan_and_work(ledger, run_id)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                self._finish(ledger, run_id, began, Tally(), {"interrupted"}, None)
            elif isinstance(error, PipelineError):
                with contextlib.suppress(LedgerError):
                    ledger.finish_run(run_id, stopped_by=type(error).__name__, exit_code=1, summary="{}")
            raise
        return self._finish(ledger, run_id, began, tally, stopped, message)

    async def _plan_and_work(self, ledger: Ledger, run_id: str) -> tuple[Tally, set[str], str | None]:
        news = News(ended=True)
        planner: Planner | None = None
        plan: Plan | None = None
        if self.wanted is not None and self.orders.preflight:
            try:
                plan = await self._plan(ledger, self.wanted)
            except Stopped:
                return Tally(), {"interrupted"}, None
            self.watcher.planned(plan)
        elif self.wanted is not None:
            wanted = self.wanted
            planner = await ledger.do(lambda db: Planner(wanted, db, clock=self.clock, bulk=False))
            news = News(ended=False)
        throttle = Throttle(
            Rates(self.orders.per_minute, self.orders.in_flight), wall=self.clock, chance=self.chance.random
        )
        provider = connect(
            self.orders.api,
            self.orders.hosts,
            self.orders.key or "",
            timeouts=self.orders.timeouts,
            pacing=throttle,
            latency_of=lambda slug: endpoints.get(slug).latency_s,
            concurrency=self.orders.in_flight,
        )
        try:
            return await self._work(ledger, run_id, provider, throttle, news, planner, plan)
        finally:
            await throttle.close()
            await provider.close()

    async def _plan(self, ledger: Ledger, wanted: Wanted) -> Plan:
        """Take the whole manifest in, or nothing of it."""

        def take(db: Any) -> Plan:
            planner = Planner(wanted, db, clock=self.clock)
            for rows in planner.steps():
                self.watcher.planning(rows)
                if self._interrupted:
                    raise Stopped
            planner.finish()
            return planner.report(UNKNOWN_RATE if self.orders.per_minute is None else self.orders.per_minute)

        plan = await ledger.do(take)
        self._refuse_unpriced(plan)
        # What is planned must not depend on the write-ahead log: a damaged one is cut off silently.
        await asyncio.to_thread(ledger.checkpoint)
        return plan

    async def _work(
        self,
        ledger: Ledger,
        run_id: str,
        provider: Provider,
        throttle: Throttle,
        news: News,
        planner: Planner | None,
        plan: Plan | None,
    ) -> tuple[Tally, set[str], str | None]:
        stop = Stop()
        tally = Tally(self.orders.failures)
        budget = await self._budget(ledger)
        bills = from_records(await ledger.do(lambda db: db.execute("SELECT * FROM prices").fetchall()))
        prior = read_cache(self.orders.prices_cache) if self.orders.prices_cache else {}
        prices = PriceBook(bills, prior, self.orders.assumed_nano)
        tools = Tools(
            ledger=ledger,
            provider=provider,
            throttle=throttle,
            budget=budget,
            store=OutputStore(self.orders.out, ai_label=self.orders.ai_label),
            staging=Staging(ledger, provider, clock=self.clock),
            stop=stop,
            observer=tally,
            prices=prices,
            clock=self.clock,
            chance=self.chance.random,
            draw_seed=lambda: self.chance.randrange(1, 2**31),
        )
        tally.stop = tools.stop_run
        await asyncio.to_thread(tools.store.check_writable)
        await asyncio.to_thread(tools.store.sweep)
        if self.orders.preflight:
            await self._check_account(provider, tally, plan)
        habits = Habits(run_id, self.orders.patience, self.orders.full_decode, self.orders.deadline)
        crew = Crew(Worker(tools, habits), tools, news, workers_per_lane=2 * self.orders.in_flight)
        accepted = await ledger.submitted_tasks()
        lanes = list(endpoints.every()) if planner else await asyncio.to_thread(ledger.endpoints_open)
        open_now = await ledger.do(lambda db: counts.task_counts(db).open)
        self._working = Working(run_id, tools, tally, crew, self.clock(), open_now)
        self.watcher.working(self._working)
        if self._interrupted:
            self._working.interrupt()
        async with asyncio.TaskGroup() as group:
            if planner is not None:
                group.create_task(self._plan_along(ledger, planner, news, tools), name="planner")
            group.create_task(crew.work(lanes, accepted), name="crew")
        if self.orders.prices_cache:
            write_cache(self.orders.prices_cache, bills)
        for sentence in prices.drifts():
            self.watcher.say(f"price drift: {sentence}")
        tally.http_429 = max(tally.http_429, throttle.limited_count)
        self._polls = throttle.polls
        return tally, *self._why(stop, budget)

    async def _plan_along(self, ledger: Ledger, planner: Planner, news: News, tools: Tools) -> None:
        """Validate as it goes: calls begin while the manifest is still being read."""
        steps = planner.steps()
        try:
            while not tools.stop.run and await ledger.do(lambda _db: next(steps, 0)) > 0:
                news.more()
            if not tools.stop.run:
                await ledger.do(lambda _db: planner.finish())
        except PipelineError as error:
            self.watcher.say(f"error: {error}")
            tools.stop_run(Reason("ledger", ErrorClass.INTERRUPTED, str(error)))
        finally:
            news.more(ended=True)

    async def _budget(self, ledger: Ledger) -> Budget:
        billed, held = await asyncio.to_thread(ledger.money)
        _, holders = 0, 0
        if self.orders.cap_file is None:
            return Budget(self.orders.cap_nano, billed_nano=billed, held_nano=held, held_count=holders)
        if self.orders.cap_nano is None:
            raise RecipeError("--cap-file needs the cap itself", hint="add --cap USD")
        shared = CapFile(self.orders.cap_file, self.orders.cap_nano, str(self.orders.out.absolute()), clock=self.clock)
        await ledger.do(lambda db: _reconcile(db, shared))
        return Budget(None, billed_nano=billed, held_nano=held, shared=shared)

    async def _check_account(self, provider: Provider, tally: Tally, plan: Plan | None) -> None:
        """The first free call: a bad key is found before anything is uploaded; a low balance is told."""
        try:
            balance = await provider.balance()
        except CallError as error:
            if error.error_class in (ErrorClass.BAD_KEY, ErrorClass.FORBIDDEN):
                raise AccountError(
                    f"the provider refuses the key: {error}", error.error_class, hint="check SEGMIND_API_KEY"
                ) from error
            self.watcher.say(f"the balance could not be read ({error}); going on")
            return
        tally.balance(balance)
        if plan is not None and plan.typical_nano is not None and plan.typical_nano > balance:
            self.watcher.say(f"warning: needs about {show(plan.typical_nano)}, balance {show(balance)}")

    def _refuse_unpriced(self, plan: Plan) -> None:
        unpriced = [each.endpoint for each in plan.endpoints if each.unpriced]
        if unpriced and self.orders.cap_nano is not None:
            raise RecipeError(
                f"the price of {', '.join(unpriced)} is unknown, so the cap could not hold",
                hint=f"say what a call costs at most: --assume-price {unpriced[0]}=USD",
            )

    def _why(self, stop: Stop, budget: Budget) -> tuple[set[str], str | None]:
        reasons = [*([stop.run] if stop.run else []), *stop.endpoints.values()]
        words = {reason.word for reason in reasons}
        messages = [reason.message for reason in reasons]
        if budget.refusal is not None:
            words.add("cap")
            messages.append(str(budget.refusal))
        return words, "; ".join(dict.fromkeys(messages)) or None

    def _finish(
        self, ledger: Ledger, run_id: str, began: float, tally: Tally, stopped: set[str], message: str | None
    ) -> dict[str, Any]:
        """Export and sum up, whatever ended the run."""
        stopped_by = first_of(stopped)
        requests = {
            "submit": tally.submits,
            "poll": getattr(self, "_polls", 0),
            "http_429": tally.http_429,
            "http_5xx": tally.http_5xx,
        }
        cap = self.orders.cap_nano
        elapsed_s = self.clock() - began
        summary: dict[str, Any] = ledger.run(
            lambda db: summarise(
                db,
                run_id=run_id,
                cap_nano=cap,
                requests=requests,
                elapsed_s=elapsed_s,
                stopped_by=stopped_by,
                message=message,
            )
        )
        ledger.run(lambda db: export(db, self.orders.out))
        text = json.dumps(summary, ensure_ascii=False, indent=2)
        (self.orders.out / "summary.json").write_text(text + "\n", encoding="utf-8")
        ledger.finish_run(run_id, stopped_by=stopped_by, exit_code=summary["exit_code"], summary=text)
        self.watcher.finished(summary)
        return summary


def export(db: Any, folder: Path) -> None:
    """Write ``results.csv`` and ``results.parquet`` from the ledger."""
    write_csv(Results(db), folder / "results.csv")
    write_parquet(Results(db), folder / "results.parquet")


def _reconcile(db: Any, shared: CapFile) -> None:
    """Settle in the cap file what this folder's ledger knows better."""
    for name in shared.mine():
        found = db.execute("SELECT held_nano, billed_nano FROM attempts WHERE reservation=?", (name,)).fetchone()
        if found is None:
            shared.release([name])
        elif found[0] == 0:
            shared.settle_now(name, found[1] or 0)
