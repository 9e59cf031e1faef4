"""A ledger out of an older backup: refused beside newer results, and brought up to them without paying."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.care import Kind, check, repair
from pipeline.errors import FolderError
from pipeline.inspection import summary_of
from pipeline.ledger import Ledger
from tests.run.conftest import STUDIO, products

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.conftest import Open, Shop

BRIGHTER = {**STUDIO, "params": {**STUDIO["params"], "light_intensity": "strong"}}  # type: ignore[dict-item]  # a dict of texts


def back_up(shop: Shop) -> Path:
    return shutil.copy(shop.folder / "ledger.db", shop.folder.parent / "backup.db")


def restore(shop: Shop) -> None:
    shutil.copy(shop.folder.parent / "backup.db", shop.folder / "ledger.db")


async def test_an_older_ledger_is_refused_and_the_results_stay(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(products(3))
    back_up(shop)
    await shop.run(products(6))
    results = (shop.folder / "results.parquet").read_bytes()
    restore(shop)

    with pytest.raises(FolderError, match="older than the results") as refusal:
        await shop.run(products(6))

    assert "--repair" in refusal.value.hint
    assert (shop.folder / "results.parquet").read_bytes() == results
    assert shop.bills() == 6
    assert summary_of(shop.folder)["tasks"]["done"] == 3, "reading goes on"
    assert [finding.kind for finding in check(shop.folder)] == [Kind.OUTDATED]


@pytest.mark.parametrize("step", [STUDIO, BRIGHTER])
async def test_repair_takes_over_what_was_done_since_and_nothing_is_paid_again(
    open_shop: Open, step: dict[str, Any]
) -> None:
    shop = await open_shop({"match": {"kind": "submit"}, "fault": "406-credits", "times": 1})
    await shop.run(products(6), concurrency=1)  # all of them are planned, none is done
    back_up(shop)
    await shop.run(products(8))
    await shop.run(products(8), step)
    restore(shop)
    bills = shop.bills()

    said = repair(shop.folder)

    assert "outdated ledger was kept as ledger.db.damaged-1" in said[0]
    assert list(check(shop.folder)) == []
    again = await shop.run(products(8), step)
    assert (again["tasks"]["done"], again["requests"]["submit"], shop.bills()) == (8, 0, bills)
    assert again["cost"]["billed_usd"] > 0
    assert shop.query("SELECT count(*) FROM runs") == [(3,)], "that of the backup, the last one, and this"


async def test_a_superseded_output_whose_place_was_taken_is_found_again(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(products(2))
    before = {line["key"]: line["sha256"] for line in shop.results()}
    back_up(shop)
    await shop.run(products(2), BRIGHTER)
    restore(shop)
    repair(shop.folder)

    await shop.run(products(2), STUDIO)

    assert {line["key"]: line["sha256"] for line in shop.results()} == before
    assert shop.bills() == 4


@pytest.mark.parametrize("text", ["", '{"run_id": "2026', "[]", '{"rows": 3}', '{"run_id": null}'])
async def test_a_summary_that_says_nothing_stands_in_nobodys_way(open_shop: Open, text: str) -> None:
    shop = await open_shop()
    await shop.run(products(2))
    (shop.folder / "summary.json").write_text(text, encoding="utf-8")

    assert (await shop.run(products(2)))["tasks"]["done"] == 2


async def test_a_summary_left_by_a_rehearsal_stands_in_nobodys_way(open_shop: Open) -> None:
    shop = await open_shop()
    shop.folder.mkdir()
    (shop.folder / "summary.json").write_text(json.dumps({"run_id": "20260101-000000-abcdef"}), encoding="utf-8")

    for _ in range(2):
        assert (await shop.run(products(2)))["tasks"]["done"] == 2


async def test_a_ledger_that_was_rebuilt_from_the_results_is_not_outdated(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(products(2))
    (shop.folder / "ledger.db").unlink()
    repair(shop.folder)

    Ledger(shop.folder).close()

    assert summary_of(shop.folder)["run_id"] == json.loads((shop.folder / "summary.json").read_text("utf-8"))["run_id"]
