"""A folder converges to its manifest: what is there is not paid again, what changed is, what left stays."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline.api import Settings, conduct
from pipeline.errors import FolderError
from pipeline.ledger.counts import TaskCounts
from pipeline.orders import Watcher
from pipeline.summary import exit_code
from tests.run.conftest import MOOD, STUDIO, products, recipe

if TYPE_CHECKING:
    from tests.run.conftest import Open


async def test_a_second_run_pays_nothing_whatever_the_order_of_the_rows(open_shop: Open) -> None:
    shop = await open_shop()
    rows = products(12)
    await shop.run(rows, STUDIO, MOOD)
    shuffled = random.Random(1).sample(rows, len(rows))

    summary = await shop.run(shuffled, STUDIO, MOOD)

    assert (summary["exit_code"], summary["requests"]["submit"], shop.bills()) == (0, 0, 24)
    assert summary["tasks"]["done"] == 24


async def test_only_new_rows_are_paid(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(products(3))

    summary = await shop.run(products(5))

    assert (summary["requests"]["submit"], shop.bills()) == (2, 5)


async def test_changed_parameters_run_anew_and_the_old_output_moves_aside(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(products(2))
    before = {line["key"]: line for line in shop.results()}
    brighter = {**STUDIO, "params": {**STUDIO["params"], "light_intensity": "strong"}}  # type: ignore[dict-item]  # a dict of texts

    summary = await shop.run(products(2), brighter)

    assert (summary["tasks"]["total"], summary["tasks"]["done"], shop.bills()) == (2, 2, 4)
    for line in shop.results():
        assert (shop.folder / line["output"]).is_file()
        assert line["task_id"] != before[line["key"]]["task_id"]
        assert line["output"].startswith(f"images/{line['key']}/studio.")
    assert len(list((shop.folder / "superseded").rglob("*.png"))) == 2


async def test_going_back_to_the_old_parameters_costs_nothing(open_shop: Open) -> None:
    shop = await open_shop()
    brighter = {**STUDIO, "params": {**STUDIO["params"], "light_intensity": "strong"}}  # type: ignore[dict-item]  # a dict of texts
    for step in (STUDIO, brighter):
        await shop.run(products(2), step)

    summary = await shop.run(products(2), STUDIO)

    assert (summary["requests"]["submit"], summary["tasks"]["done"], summary["tasks"]["reused"]) == (0, 2, 2)
    assert all((shop.folder / line["output"]).is_file() for line in shop.results())


async def test_outputs_on_a_disk_that_is_not_mounted_are_not_paid_for_again(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(products(8))
    with closing(sqlite3.connect(shop.folder / "ledger.db")) as db:
        db.execute("UPDATE tasks SET finished_at = finished_at - 10 * 86400")
        db.commit()
    images = shop.folder / "images"
    images.rename(shop.folder / "mounted elsewhere")
    images.mkdir()

    with pytest.raises(FolderError, match="8 of 8 outputs"):
        await shop.run(products(9))
    with pytest.raises(FolderError, match="8 of 8 outputs"):
        await shop.resume()
    images.rmdir()
    (shop.folder / "mounted elsewhere").rename(images)
    summary = await shop.run(products(9))

    assert (summary["tasks"]["done"], shop.bills()) == (9, 9)


async def test_rows_that_left_leave_results_and_summary_and_come_back_for_nothing(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(products(4))

    fewer = await shop.run(products(2))
    assert (fewer["tasks"]["total"], fewer["rows"], len(shop.results())) == (2, 2, 2)
    assert shop.query("SELECT count(*) FROM tasks") == [(4,)], "the ledger forgets nothing"

    back = await shop.run(products(4))

    assert (back["tasks"]["done"], back["requests"]["submit"], shop.bills()) == (4, 0, 4)


async def test_a_limit_takes_the_first_rows_and_lets_none_leave(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(products(4))

    summary = await shop.run(products(6), limit=5)

    assert (summary["tasks"]["total"], shop.bills()) == (5, 5)


async def test_what_the_last_run_left_open_and_the_recipe_no_longer_wants_is_not_paid(open_shop: Open) -> None:
    shop = await open_shop({"match": {"kind": "submit"}, "fault": "406-credits", "times": 1})
    late = products(6, first=2000)
    await shop.run(late, concurrency=1)
    brighter = {**STUDIO, "params": {**STUDIO["params"], "light_intensity": "strong"}}  # type: ignore[dict-item]  # a dict of texts
    invalid = [{**row, "image_url": "ftp://nowhere"} for row in products(1500)]  # so many rows are read before them

    summary = await shop.run([*invalid, *late], brighter, preflight=False)

    assert (summary["tasks"]["done"], summary["tasks"]["invalid"], shop.bills()) == (6, 1500, 6)
    assert {
        line["params"] for line in shop.results() if line["state"] == "done" and "strong" not in line["params"]
    } == set()


async def test_without_preflight_what_was_open_is_taken_up_once_it_is_still_wanted(open_shop: Open) -> None:
    shop = await open_shop({"match": {"kind": "submit"}, "fault": "406-credits", "times": 1})
    await shop.run(products(6), concurrency=1)

    summary = await shop.run([*products(3, first=50), *products(6)], preflight=False)

    assert (summary["exit_code"], summary["tasks"]["done"], shop.bills()) == (0, 9, 9)


async def test_without_preflight_a_key_used_twice_far_apart_is_told_in_words(open_shop: Open) -> None:
    shop = await open_shop()
    rows = products(2500)
    rows[2400] = {**rows[2400], "sku": "P-001"}

    summary = await shop.run(rows, preflight=False, concurrency=200, max_failures="90%", limit=2450)

    assert summary["stopped_by"] == "manifest"
    assert "P-001" in summary["message"]
    assert shop.bills() == summary["tasks"]["done"]


async def test_a_manifest_that_turns_out_wrong_after_calls_were_sent_is_no_usage_error(open_shop: Open) -> None:
    shop = await open_shop()
    rows = products(30_000)
    rows[-1] = {**rows[-1], "sku": "P-001"}

    summary = await shop.run(rows, preflight=False)

    assert summary["requests"]["submit"] > 0, "the first call was sent while rows were still to come"
    assert (summary["exit_code"], summary["stopped_by"]) == (3, "manifest")


@pytest.mark.parametrize(
    ("stopped_by", "sent", "in_doubt", "code"),
    [
        ("manifest", False, 0, 2),
        ("manifest", True, 0, 3),
        ("manifest", True, 1, 6),
        ("cap", True, 1, 4),
        (None, True, 0, 0),
    ],
)
def test_the_exit_code_says_usage_only_where_nothing_was_sent(
    stopped_by: str | None, *, sent: bool, in_doubt: int, code: int
) -> None:
    tasks = TaskCounts(total=1 + in_doubt, done=1, reused=0, failed=0, in_doubt=in_doubt, invalid=0, open=0)

    assert exit_code(tasks, stopped_by, sent=sent) == code


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_recipe_may_lose_and_gain_steps(open_shop: Open, *, reverse: bool) -> None:
    shop = await open_shop()
    steps = [MOOD, STUDIO] if reverse else [STUDIO, MOOD]
    await shop.run(products(2), steps[0])
    both = await shop.run(products(2), *steps)
    one = await shop.run(products(2), steps[1])

    assert (both["tasks"]["total"], one["tasks"]["total"], shop.bills()) == (4, 2, 4)
    assert recipe(*steps)["step"] == steps


async def test_a_resume_without_the_cap_of_the_run_before_says_so(open_shop: Open) -> None:
    class Heard(Watcher):
        said: list[str]

        def say(self, text: str) -> None:
            self.said.append(text)

    shop = await open_shop()
    heard = Heard()
    heard.said = []
    await shop.run(products(3), cap_usd=0.4)

    flags = shop._flags({})
    settings = Settings(**{name: flags[name] for name in ("base_url", "api_key", "rpm", "patience", "backoff")})
    summary = await conduct(settings, shop.folder, None, command="resume", watcher=heard)

    assert summary["tasks"]["done"] == 3
    assert "warning: the run before this one had --cap 0.4, and this one has none" in heard.said
