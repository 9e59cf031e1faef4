"""What a run says while it works: the money it will come to, the time that is left, and what fits into a terminal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from jobs.progress import line
from pipeline.api import Settings, conduct
from pipeline.orders import Watcher
from pipeline.recipe import Recipe
from pipeline.sandbox import SANDBOX_KEY
from pipeline.stop import INTERRUPTED
from pipeline.tally import Tally
from pipeline.task import State, Task
from pipeline.wanted import Wanted
from tests.run.conftest import STUDIO, products, recipe, write_csv

if TYPE_CHECKING:
    from tests.run.conftest import Open

CENT = 10_000_000


def task(number: int, **changes: Any) -> Task:
    facts: dict[str, Any] = {"params": {}, "fingerprint": b"", "estimate_nano": 25 * CENT, "reserve_nano": None}
    return Task(number, f"P{number}", "studio", "bg-replace", **{**facts, **changes})


def working(*, open_at_start: int, billed: int = 0, **counts: int) -> Any:
    tally = Tally(clock=lambda: 60.0, billed_nano=billed, **counts)
    throttle = SimpleNamespace(in_flight=256, held_s=0.0)
    stop = SimpleNamespace(run=None)
    tools = SimpleNamespace(throttle=throttle, stop=stop, clock=lambda: 60.0)
    crew = SimpleNamespace(at_work={})
    return SimpleNamespace(tally=tally, tools=tools, crew=crew, began=0.0, open_at_start=open_at_start)


def test_what_a_run_will_come_to_is_known_before_the_first_bill() -> None:
    state = working(open_at_start=4)
    state.tally.expected_nano = 100 * CENT

    assert "$0.00 of about $1.00" in line(state)

    state.tally.ended(task(1), State.FAILED, None, None)
    state.tally.ended(task(2), State.DONE, None, SimpleNamespace(billed_nano=30 * CENT, latency_s=None))
    state.tally.ended(task(3), State.DONE, None, None)  # the output of the same call, at no cost

    assert "$0.30 of about $0.80" in line(state)


async def test_what_is_expected_counts_each_body_once_and_is_used_up_at_the_end(open_shop: Open) -> None:
    shop = await open_shop()
    seen: list[tuple[Any, int]] = []

    class Looks(Watcher):
        def working(self, state: Any) -> None:
            seen.append((state, state.tally.expected_nano))

    rows = products(3)
    rows[2] = {**rows[1], "sku": "P-twin"}
    wanted = Wanted(write_csv(shop.folder.parent / "catalog.csv", rows), Recipe.from_dict(recipe(STUDIO)))
    settings = Settings(base_url=shop.base_url, api_key=SANDBOX_KEY, rpm=0)
    await conduct(settings, shop.folder, wanted, watcher=Looks())

    [(state, expected)] = seen
    (typical,) = shop.query("SELECT max(estimate_nano) FROM tasks")[0]
    assert (expected, state.tally.expected_nano) == (2 * typical, 0)


def test_a_run_that_drains_waits_and_pays_for_what_is_in_flight_only() -> None:
    state = working(open_at_start=1000, billed=CENT, done=60)
    state.tally.expected_nano = 940 * 25 * CENT
    state.tools.stop.run = INTERRUPTED
    state.tally.sent_at = {61: 50.0}
    state.crew.at_work = {61: (task(61), 50.0), 62: (task(62, request_id="r"), 50.0), 63: (task(63), 50.0)}

    assert "$0.01 of about $0.51" in line(state)
    assert "about 2 s left" in line(state)


def test_a_narrow_terminal_keeps_ends_money_and_the_time_left() -> None:
    state = working(open_at_start=40_000, billed=1_234_56 * CENT, done=12_345, failed=67, in_doubt=1)
    state.tally.expected_nano = 6_789_00 * CENT

    assert "256 in flight" in line(state)
    narrow = line(state, room=72)
    assert len(narrow) <= 72
    assert narrow == "12,345 done, 67 failed, $1,234.56 of about $8,023.56, about 2 min left"
    assert "$1,234.56 of about $8,023.56" in line(state, room=20), "money is never cut"
