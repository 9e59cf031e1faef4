"""Runs that nobody watches: the night's cap, departed rows, fresh results, hanging calls, the drain."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jobs.conducting import Drain
from jobs.nightly import settings_of, wanted_of
from pipeline import api
from pipeline.budget import Allowance, Budget, CapReached
from pipeline.errors import ErrorClass
from pipeline.flow import Run
from pipeline.ledger.events import Receipt
from pipeline.orders import Watcher
from pipeline.outputs import StorageError
from pipeline.sandbox import SANDBOX_KEY
from pipeline.sandbox.faults import FaultPlan
from pipeline.stop import Stop
from pipeline.tally import LEARNED_FROM, Tally
from pipeline.task import State, Task
from pipeline.watchdog import heartbeat, stuck

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Night, Shelf  # type: ignore[import-not-found]  # a fixture's types


async def test_an_allowance_counts_only_what_was_sent_in_its_time() -> None:
    budget = Budget(None, billed_nano=900, held_nano=50, allowance=Allowance(100, spent_nano=30))
    first = await budget.reserve(60)
    assert first is not None
    await budget.settle(first, 40)

    assert budget.free_nano == 30
    with pytest.raises(CapReached, match="cap is reached"):
        await budget.reserve(31)
    old = budget.take_over(50, None)
    await budget.settle(old, 0)
    assert budget.free_nano == 30  # what an earlier night had set aside is no allowance of this one


async def test_rows_that_left_keep_their_outputs_until_they_are_pruned(night: Night) -> None:
    night.catalogue([(f"P{n}", "thing", night.photo(f"{n}.png", c)) for n, c in enumerate(("red", "tan"))])
    await night.work()
    night.catalogue([("P0", "thing", "images/0.png")])
    summary = await night.work()
    assert (summary["this_run"]["rows_left"], summary["rows"]) == (1, 1)
    assert len(list((night.out / "images" / "P1").iterdir())) == 2

    summary = await night.work("[output]\nprune = true\n")
    assert summary["this_run"]["pruned"] == 2
    assert not (night.out / "images" / "P1").exists()
    assert len(list((night.out / "superseded" / "P1").iterdir())) == 2
    assert len(list((night.out / "images" / "P0").iterdir())) == 2

    before = night.bills
    night.catalogue([(f"P{n}", "thing", f"images/{n}.png") for n in range(2)])
    await night.work()
    assert (night.bills, night.results()["P1", "mood"]["state"]) == (before, "done")


async def test_results_that_nothing_changed_are_left_alone(night: Night) -> None:
    night.catalogue([("P0", "thing", night.photo("0.png", "red"))])
    await night.work()
    results = night.out / "results.csv"
    os.utime(results, (1_000_000_000, 1_000_000_000))
    await night.work()
    rewritten = results.stat().st_mtime
    await night.work()

    assert rewritten > 1_000_000_000  # somebody had touched it
    assert results.stat().st_mtime == rewritten
    results.unlink()
    await night.work()
    assert results.exists()


async def test_a_title_that_no_step_uses_still_reaches_the_results(night: Night) -> None:
    night.catalogue([("P0", "thing", night.photo("0.png", "red"))])
    recipe = '[recipe]\nkey = "{sku}"\n[[step]]\nname = "b"\nendpoint = "ic-light"\nparams.subject_image = "{image}"\n'
    recipe += 'params.prompt = "plain"\n'
    await night.work(recipe=recipe)
    night.catalogue([("P0", "renamed", "images/0.png")])
    summary = await night.work(recipe=recipe)

    assert (summary["this_run"]["done"], night.results()["P0", "b"]["row.title"]) == (0, "renamed")


async def test_an_image_that_vanished_keeps_its_output_and_a_new_row_with_it_is_invalid(
    night: Night, shelf: Shelf
) -> None:
    url = shelf.put("a.png", "red")
    night.catalogue([("P0", "thing", url)])
    await night.work()
    del shelf.images["a.png"]
    night.catalogue([("P0", "thing", url), ("P1", "other thing", url)])
    before = night.bills
    summary = await night.work()
    results = night.results()

    assert (night.bills, summary["exit_code"]) == (before, 3)
    assert results["P0", "mood"]["state"] == "done"
    assert (results["P1", "mood"]["state"], results["P1", "mood"]["error_class"]) == ("invalid", "bad_input")
    assert "404" in results["P1", "mood"]["error"]

    shelf.put("a.png", "red")
    summary = await night.work()
    assert summary["exit_code"] == 0


async def test_trusted_addresses_are_not_asked_about(night: Night, shelf: Shelf) -> None:
    night.catalogue([("P0", "thing", shelf.put("a.png", "red"))])
    await night.work()
    asked = len(shelf.answers)
    await night.work("[reading]\ntrust_urls = true\n")
    assert len(shelf.answers) == asked
    await night.work()
    assert shelf.answers[asked:] == [304]


async def test_a_nearly_full_disk_stops_the_run_before_and_during(night: Night) -> None:
    night.catalogue([("P0", "thing", night.photo("0.png", "red"))])
    with pytest.raises(StorageError, match="MB are free"):
        await run_with(night, least_free_bytes=1 << 62)
    assert night.bills == 0


async def run_with(night: Night, **orders: Any) -> dict[str, Any]:
    job = night.job()
    settings = replace(settings_of(job, night.clock()), prices_cache=None, rpm=0, api_key=SANDBOX_KEY)
    target = api.targets.choose(night.base_url, sandbox=False)
    at = datetime.fromtimestamp(night.clock()).astimezone()
    asked = replace(settings.orders(job.out, target, "nightly", caps=None, now=at), **orders)
    return await Run(asked, replace(wanted_of(job), allow_private=True), clock=night.clock).execute()


class Books:
    """As much of a run as the watchdog reads."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.tally = Tally(clock=lambda: self.now)
        self.tools = SimpleNamespace(
            clock=lambda: self.now, throttle=SimpleNamespace(in_flight=2, held_s=0.0), stop=Stop()
        )
        self.crew = SimpleNamespace(at_work={})
        self.began = self.now

    def send(self, number: int) -> Task:
        task = Task(number, f"P{number}", "mood", "ic-light", {}, b"", 1, 1)
        self.crew.at_work[number] = (task, self.now)
        self.tally.sent(task)
        return task

    def wait(self, number: int) -> None:
        task = Task(number, f"P{number}", "mood", "ic-light", {}, b"", 1, 1)
        self.crew.at_work[number] = (task, self.now)


def test_a_run_says_that_it_lives_and_names_the_calls_that_hang() -> None:
    books: Any = Books()
    books.send(1)
    books.wait(2)  # waits for its turn: it does not hang
    books.now += 59
    assert heartbeat(books) is None
    books.now += 1
    assert heartbeat(books) == "nothing finished for 60 s, 2 calls in flight"
    books.now += 140

    assert heartbeat(books) == "nothing finished for 200 s, 2 calls in flight, P1 (mood, task 1) takes 200 s"
    books.tally.ended(books.crew.at_work[1][0], State.DONE, None, None)
    assert (heartbeat(books), stuck(books)) == (None, [])


def test_many_hanging_calls_are_counted() -> None:
    books: Any = Books()
    for number in range(5):
        books.send(number)
    books.now += 500
    assert str(heartbeat(books)).endswith("2 more take too long")


def test_a_refused_call_does_not_hang() -> None:
    from pipeline.errors import CallError

    books: Any = Books()
    task = books.send(1)
    books.tally.refused(task, CallError("busy", ErrorClass.RATE_LIMITED, http_status=429))
    books.now += 1000
    assert stuck(books) == []


def test_a_run_learns_how_long_calls_take_from_the_newest_and_from_the_fifth_on() -> None:
    tally = Tally()
    task = Task(1, "P1", "mood", "ic-light", {}, b"", 1, 1)

    def take(seconds: float, times: int) -> None:
        for _ in range(times):
            tally.ended(task, State.DONE, None, Receipt(0.0, 1, None, None, seconds))

    take(100.0, 4)
    assert tally.latency_s("ic-light") is None
    take(100.0, 96)
    take(5.0, LEARNED_FROM)
    assert tally.latency_s("ic-light") == 5.0
    assert list(tally.latencies["ic-light"]) == [5.0] * LEARNED_FROM


@pytest.mark.looptime
async def test_the_first_signal_drains_and_the_grace_period_ends_it(looptime: Any) -> None:
    cancelled = asyncio.Event()
    drain = Drain(cancelled.set, 8.0)
    interrupted: list[bool] = []
    drain.run = SimpleNamespace(interrupt=lambda: interrupted.append(True))  # type: ignore[assignment]  # all that is used
    drain.stop()
    assert (interrupted, cancelled.is_set()) == ([True], False)
    await cancelled.wait()
    assert looptime == 8


async def test_without_a_grace_period_the_second_signal_cancels() -> None:
    cancelled: list[bool] = []
    drain = Drain(lambda: cancelled.append(True), None)
    drain.run = SimpleNamespace(interrupt=lambda: None)  # type: ignore[assignment]  # all that is used
    drain.stop()
    assert cancelled == []
    drain.stop()
    assert cancelled == [True]


async def test_a_run_cut_off_by_its_grace_period_is_finished_by_the_next_without_a_second_payment(night: Night) -> None:
    night.catalogue([("P0", "thing", night.photo("0.png", "red"))])
    night.sandbox.backend.faults = FaultPlan([{"match": {"kind": "status"}, "fault": "hang"}])
    job = night.job()
    settings = replace(settings_of(job, night.clock()), prices_cache=None, rpm=0, api_key=SANDBOX_KEY)
    billed: Callable[[], bool] = lambda: night.bills == 2  # noqa: E731  # read twice below
    task = asyncio.create_task(
        api.conduct(settings, job.out, wanted_of(job), command="nightly", clock=night.clock, watcher=Watcher())
    )
    while not billed():  # noqa: ASYNC110  # it is the sandbox's list that grows, in this very loop
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    night.sandbox.backend.faults = FaultPlan()
    summary = await night.work()

    assert (night.bills, summary["tasks"]["done"]) == (2, 2)
