"""No path leads to a second payment or past the cap: ledger, worker and doubts against a model of the provider."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pipeline.ledger.reopen import ask_again
from pipeline.missing import reopen_missing
from tests.money.rig import RELIGHT_WORST_NANO, Crash, FakeProvider, Rig, paid_twice

if TYPE_CHECKING:
    from collections.abc import Coroutine

SUBMIT = st.sampled_from(
    ["ok", "ok", "failed", "refused", "gateway", "lost answer", "lost request", "crash before", "crash after"]
)
FETCH = st.sampled_from(["ok", "ok", "broken", "crash"])
PROMPTS = st.sampled_from(["a", "b", "c", "d", "e"])
ENDPOINTS = st.sampled_from(["ic-light", "segmind-relighting-v2"])


class Money(RuleBasedStateMachine):
    """Rows come in, processes run, crash and lose the tail of their log; the provider answers as it likes."""

    @initialize(
        sync=st.booleans(),
        forgets=st.booleans(),
        tells_again=st.sampled_from([1, None]),
        calls=st.integers(2, 30),
        rows=st.lists(st.tuples(PROMPTS, ENDPOINTS), min_size=2, max_size=6),
    )
    def begin(
        self, *, sync: bool, forgets: bool, tells_again: int | None, calls: int, rows: list[tuple[str, str]]
    ) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="money-"))
        cap = calls * RELIGHT_WORST_NANO
        self.rig = Rig(
            self.place / "out", FakeProvider(sync=sync, forgets_id=forgets, tells_again=tells_again), cap_nano=cap
        )
        for prompt, endpoint in rows:
            self.a_row_comes_in(prompt, endpoint)

    @rule(prompt=PROMPTS, endpoint=ENDPOINTS)
    def a_row_comes_in(self, prompt: str, endpoint: str) -> None:
        self.rig.plan(prompt, endpoint=endpoint)
        self.rig.make_durable()

    @rule(script=st.lists(SUBMIT, max_size=5), fetches=st.lists(FETCH, max_size=3), left=st.none() | st.floats(0, 1))
    def a_run(self, script: list[str], fetches: list[str], left: float | None) -> None:
        """*left*: the share of its write-ahead log that outlives it; None: it ends as it should."""
        self.rig.provider.script.extend(script)
        self.rig.provider.fetches.extend(fetches)
        crashed = False
        known = self._bills()
        try:
            self._do(self._run())
        except Crash:
            crashed = True
        self.rig.provider.script.clear()
        self.rig.provider.fetches.clear()
        assert known.items() <= self._bills().items(), "a bill that is known stays as it is"
        if left is not None:
            self.rig.lose_log(left)
        elif crashed:
            self.rig.crash()

    @rule()
    def failures_are_taken_up_again(self) -> None:
        self.rig.ledger.run(
            lambda db: db.execute(
                "UPDATE tasks SET state='planned' WHERE state='failed' AND error_class NOT IN ('bad_output', 'lost')"
            )
        )
        self.rig.make_durable()

    @rule()
    def somebody_deletes_an_output(self) -> None:
        images = sorted(self.rig.folder.glob("images/*/*"))
        if images and not self.rig.provider.forgets_id:  # what has no id cannot be fetched again: it is paid for
            images[0].unlink()
            known = self.rig.billed_and_held()
            self.rig.ledger.run(lambda db: reopen_missing(db, self.rig.folder, now=self.rig.now))
            self.rig.make_durable()
            assert self.rig.billed_and_held() == known

    @rule()
    def what_could_not_be_had_is_asked_for_again(self) -> None:
        known = self.rig.billed_and_held()
        self.rig.ledger.run(lambda db: ask_again(db, self.rig.now))
        self.rig.make_durable()
        assert self.rig.billed_and_held() == known

    @rule(which=st.integers(0, 30))
    def the_provider_forgets_an_output(self, which: int) -> None:
        self.rig.provider.forgotten |= {job.id for n, job in enumerate(self.rig.provider.bills) if n == which}

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        if hasattr(self, "rig"):
            assert not paid_twice(self.rig.provider)

    @invariant()
    def the_cap_holds(self) -> None:
        if hasattr(self, "rig"):
            assert self.rig.cap_nano is not None
            assert self.rig.provider.billed_nano <= self.rig.cap_nano

    @invariant()
    def what_was_billed_is_accounted_for(self) -> None:
        if hasattr(self, "rig"):
            billed, held = self.rig.billed_and_held()
            assert billed <= self.rig.provider.billed_nano <= billed + held

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        self.rig.cap_nano = 10**15
        for _ in range(3):
            self._do(self._run())
        states = self.rig.states()
        assert set(states) <= {"done", "failed"}
        assert not paid_twice(self.rig.provider)
        billed, held = self.rig.billed_and_held()
        untold = "SELECT held_nano FROM attempts WHERE outcome IN ('failed', 'done')"
        lost = sum(cost or 0 for (cost,) in self.rig.query(untold))
        assert billed + lost >= self.rig.provider.billed_nano
        assert held == lost
        self.rig.abandon()
        shutil.rmtree(self.place)

    def _bills(self) -> dict[int, int]:
        """By attempt, the bills that the ledger knows; their sums by task agree."""
        by_task = "SELECT task_id, sum(billed_nano) FROM attempts GROUP BY 1 HAVING sum(billed_nano) > 0 ORDER BY 1"
        of_task = "SELECT id, billed_nano FROM tasks WHERE billed_nano > 0 ORDER BY 1"
        assert self.rig.query(of_task) == self.rig.query(by_task)
        return dict(self.rig.query("SELECT id, billed_nano FROM attempts WHERE billed_nano > 0"))

    async def _run(self) -> None:
        self.rig.now += 10
        await self.rig.settle_doubts()
        await self.rig.work()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run(work)


TestMoney = Money.TestCase
TestMoney.settings = settings(
    max_examples=60,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # each example opens and closes real databases: shrinking one would take minutes
)
