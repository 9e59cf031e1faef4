"""What a sceptical reader found: money that went to the wrong picture, past the cap, or out of the books."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.budget import Budget, CapReached
from pipeline.capfile import CapFile
from pipeline.closing import export
from pipeline.crew import Crew, News
from pipeline.errors import CallError, ErrorClass, FolderError, ManifestError
from pipeline.exits import BY_STOP, OURS
from pipeline.ledger import Ledger
from pipeline.ledger.entries import failed_unsent
from pipeline.ledger.events import Verdict
from pipeline.prices import PriceBook
from pipeline.provider.wording import words_of
from pipeline.salvage import rebuild
from pipeline.selection import Selection
from pipeline.throttle import Closed, Rates, Throttle
from pipeline.wish import encode, fingerprint
from tests.money.rig import RELIGHT_WORST_NANO, Crash, FakeProvider, Rig, paid_twice, picture

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stop import Stop
    from pipeline.task import Task


class Uploads(FakeProvider):
    """A provider that takes files as well."""

    async def upload(self, data: bytes, content_type: str) -> str:
        del content_type
        return f"https://up.example/{hashlib.sha256(data).hexdigest()[:8]}"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "out")


def plan_file(rig: Rig, path: Path) -> int:
    """Plan a relighting of a file, as planning does it: a call that has no seed to be told apart by."""
    task = rig.plan(path.stem, key=path.stem, endpoint="segmind-relighting-v2")
    params = {"image": str(path), "light_direction": "left"}
    content = {**params, "image": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"}
    body = fingerprint("segmind-relighting-v2", encode(content))
    rig.ledger.run(
        lambda db: db.execute("UPDATE tasks SET params=?, fingerprint=? WHERE id=?", (encode(params), body, task))
    )
    return task


async def test_doubts_that_differ_by_their_files_alone_get_each_its_own_picture(rig: Rig, tmp_path: Path) -> None:
    rig.provider = Uploads()
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(files):
        path.write_bytes(picture(number))
    tasks = [plan_file(rig, path) for path in files]
    rig.provider.script.extend(["lost request", "lost answer", "lost answer"])
    await rig.work()
    rig.provider.jobs = dict(reversed(rig.provider.jobs.items()))

    await rig.settle_doubts()

    found = dict(rig.query("SELECT id, request_id FROM tasks WHERE state='submitted'"))
    assert {id_: rig.provider.jobs[job].body["image"] for id_, job in found.items()} == {
        id_: f"https://up.example/{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
        for id_, path in list(zip(tasks, files, strict=True))[1:]
    }
    assert rig.states() == {"planned": 1, "submitted": 2}


async def test_a_task_that_goes_back_to_the_output_it_was_to_replace_is_done_in_one_run(rig: Rig) -> None:
    first = rig.plan("a", key="row")
    await rig.work()
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET live=0 WHERE id=?", (first,)))
    again = rig.plan("a", key="row")
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET replaces=? WHERE id=?", (first, again)))

    await rig.work()

    assert rig.states() == {"done": 1}
    ((path,),) = rig.query(f"SELECT path FROM outputs WHERE task_id={again}")
    assert path.startswith("images/")
    assert len(rig.provider.bills) == 1


async def test_an_output_that_made_way_is_known_where_it_stands(rig: Rig) -> None:
    first = rig.plan("a", key="row")
    await rig.work()
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET live=0 WHERE id=?", (first,)))
    rig.plan("b", key="row")

    await rig.work()

    ((path, sha256),) = rig.query(f"SELECT path, sha256 FROM outputs WHERE task_id={first}")
    assert path.startswith("superseded/")
    assert hashlib.sha256((rig.folder / path).read_bytes()).hexdigest() == sha256


class Unpriced(PriceBook):
    """Nobody knows what any call costs."""

    def _documented(self, *_where: object) -> None:
        return None


@pytest.mark.parametrize("planned_nano", [None, RELIGHT_WORST_NANO])
async def test_a_cap_never_lets_a_call_of_unknown_price_through(rig: Rig, planned_nano: int | None) -> None:
    task = rig.plan("a")
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET reserve_nano=? WHERE id=?", (planned_nano, task)))
    rig.cap_nano = RELIGHT_WORST_NANO - 1
    rig.prices = Unpriced({}, {}, {})

    await rig.work()

    assert rig.states() == {"planned": 1}
    assert not rig.provider.jobs


def test_half_a_character_in_a_refusal_reaches_the_ledger_as_words(rig: Rig) -> None:
    words = words_of(r'{"error": "bad \ud800 prompt"}')
    verdict = Verdict.of(CallError("no \udcff.png", ErrorClass.BAD_INPUT), 0.0)
    task = rig.plan("a")

    rig.ledger.run(lambda db: failed_unsent(db, task_id=task, verdict=verdict))

    assert words == "bad ? prompt"
    assert rig.query("SELECT state, error FROM tasks") == [("failed", "no ?.png")]


def test_half_a_character_in_a_manifest_is_told_with_its_row(tmp_path: Path) -> None:
    manifest = tmp_path / "a.jsonl"
    lines = [{"sku": str(n), "image_url": "https://shop.example/1.jpg", "title": title} for n, title in enumerate("ab")]
    lines[1]["title"] = "\ud800"
    manifest.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    params = {"subject_image": "{image_url}", "prompt": "{title}"}
    recipe = {"recipe": {"key": "{sku}"}, "step": [{"name": "mood", "endpoint": "ic-light", "params": params}]}

    with pytest.raises(ManifestError, match="row 2 holds half a character"):
        pipeline.plan(manifest, recipe)


async def test_a_task_that_was_settled_meanwhile_cannot_fail_for_its_input(rig: Rig) -> None:
    task = rig.plan("a")
    await rig.work()
    verdict = Verdict(ErrorClass.BAD_INPUT, "its file is gone", None, rig.now)

    rig.ledger.run(lambda db: failed_unsent(db, task_id=task, verdict=verdict))

    assert rig.states() == {"done": 1}


async def test_an_attempt_of_the_journal_never_takes_the_place_of_another(rig: Rig) -> None:
    rig.ledger.run(lambda db: db.execute("INSERT INTO headers VALUES (1, '[]')").rowcount)
    for number in range(8):
        rig.plan(f"p{number}")
    await rig.work()
    rig.ledger.run(lambda db: export(db, rig.folder))
    rig.make_durable()
    rig.plan("late")
    rig.provider.script.append("crash after")
    with pytest.raises(Crash):
        await rig.work()
    for table, column in (("outputs", "task_id"), ("attempts", "task_id"), ("tasks", "id")):  # as damage hides them
        query = f"DELETE FROM {table} WHERE {column} BETWEEN 2 AND 7 OR {column} = 9"
        rig.ledger.run(lambda db, query=query: db.execute(query).rowcount)  # type: ignore[misc]  # a default binds it
    rig.abandon()

    rebuild(rig.folder, rig.now)
    rig.open()

    billed, held = rig.billed_and_held()
    assert billed + held >= rig.provider.billed_nano
    assert rig.query("SELECT count(*) FROM attempts WHERE outcome='done'") == [(8,)]
    await rig.settle_doubts()
    await rig.work()
    assert not paid_twice(rig.provider)


@pytest.mark.parametrize(
    ("selection", "changed", "opened"),
    [
        (Selection(keys=("row",)), False, 0),
        (Selection(keys=("row",)), True, 1),
        (Selection(classes=(ErrorClass.BAD_OUTPUT,), keys=("row",)), False, 1),
    ],
)
def test_a_failure_that_was_billed_is_paid_again_only_when_it_is_named_or_changed(
    rig: Rig, selection: Selection, *, changed: bool, opened: int
) -> None:
    rig.plan("a", key="row")
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET state='failed', error_class='bad_output'").rowcount)

    assert rig.ledger.run(lambda db: selection.reopen(db, changed=changed)) == opened


class Faulty:
    """A worker with a fault that shows at the first task, while the second is in flight."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.in_flight = asyncio.Event()
        self.delivery = self
        self.hands = contextlib.nullcontext()
        self.finished: list[str] = []

    async def settle(self, task: Task) -> None:
        if task.key == "first":
            await self.in_flight.wait()
            raise ZeroDivisionError("a fault")
        self.in_flight.set()
        await self.stop.wait()
        self.finished.append(task.key)


async def test_a_fault_of_ours_lets_what_is_in_flight_finish(rig: Rig) -> None:
    rig.plan("a", key="first")
    rig.plan("b", key="second")
    throttle = Throttle(Rates(0, 8))
    tools = rig._tools(Budget(None), throttle)
    worker = Faulty(tools.stop)

    await Crew(worker, tools, News(), workers_per_lane=2).work(["ic-light"], [])  # type: ignore[arg-type]  # a stand-in
    await throttle.close()

    assert worker.finished == ["second"]
    assert tools.stop.run is not None
    assert "ZeroDivisionError: a fault (test_reader_findings.py:" in tools.stop.run.message
    assert BY_STOP[tools.stop.run.word] == OURS


@pytest.mark.parametrize("endpoint", [None, "ic-light"])
async def test_closed_doors_stay_closed_to_an_endpoint_that_was_never_called(endpoint: str | None) -> None:
    throttle = Throttle(Rates(0, 8))
    throttle.pause(on=True)

    throttle.close_doors(endpoint)

    with pytest.raises(Closed):
        async with asyncio.timeout(1), throttle.admit("ic-light"):
            pass
    await throttle.close()


async def test_nobody_waits_for_a_run_that_has_ended_with_money_held(tmp_path: Path) -> None:
    ended, waiting = (CapFile(tmp_path / "cap", 10, name) for name in "ab")
    budget = Budget(None, shared=ended)
    reservation = await budget.reserve(8)
    assert reservation is not None
    await budget.settle(reservation, None)

    await budget.close()

    with pytest.raises(CapReached):
        await asyncio.wait_for(Budget(None, shared=waiting).reserve(8), 5)


async def test_a_row_that_left_and_returned_gives_way_to_the_same_picture(rig: Rig) -> None:
    first = rig.plan("a", key="row")
    await rig.work()
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET live=0 WHERE id=?", (first,)))
    second = rig.plan("a", key="row")
    await rig.work()
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET live=0 WHERE id=?", (second,)))
    third = rig.plan("a", key="row")
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET replaces=? WHERE id=?", (second, third)))

    await rig.work()

    assert rig.states() == {"done": 1}
    assert len(rig.provider.bills) == 1


def test_a_log_that_a_reader_left_behind_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "results.parquet").write_bytes(b"PAR1")
    (tmp_path / "ledger.db-wal").write_bytes(b"")

    with pytest.raises(FolderError, match="its ledger is gone"):
        Ledger(tmp_path)
