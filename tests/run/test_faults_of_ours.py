"""A fault of ours, or of a plug-in, beside the calls: what is in flight is finished, and the run says how it ended."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.api import Settings, conduct
from pipeline.lock import hold
from pipeline.manifest import open_manifest
from pipeline.recipe import Recipe
from pipeline.sandbox import SANDBOX_KEY
from pipeline.wanted import Wanted
from tests.run.conftest import QUICK, STUDIO, products, recipe, write_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.manifest.reader import Reader
    from pipeline.task import Row
    from tests.run.conftest import Open, Shop


@dataclass(frozen=True)
class Faulty:
    """Reads as *real* does until the second batch."""

    real: Reader
    columns: tuple[str, ...]

    def batches(self, size: int) -> Iterator[list[Row]]:
        yield next(iter(self.real.batches(min(size, 10))))
        raise RuntimeError("a plug-in's fault")


async def run_faulty(shop: Shop, tmp_path: Path, **flags: Any) -> dict[str, Any]:
    manifest = open_manifest(write_csv(tmp_path / "catalog.csv", products(500)))
    faulty = replace(manifest, reader=Faulty(manifest.reader, manifest.columns))
    wanted = Wanted(faulty, Recipe.from_dict(recipe(STUDIO)))
    quick = {"base_url": shop.base_url, "api": "sync", "rpm": 0, "api_key": SANDBOX_KEY, "patience": QUICK}
    return await conduct(Settings(**{**quick, **flags}), shop.folder, wanted)


async def test_a_fault_of_the_planning_cuts_off_no_call_in_flight(open_shop: Open, tmp_path: Path) -> None:
    shop = await open_shop(latency=0.05)

    summary = await run_faulty(shop, tmp_path, preflight=False)

    assert (summary["stopped_by"], summary["exit_code"]) == ("fault", 1)
    assert "RuntimeError: a plug-in's fault" in summary["message"]
    assert summary["tasks"]["done"] == shop.bills()
    assert summary["tasks"]["in_doubt"] == 0
    assert shop.query("SELECT count(*) FROM tasks WHERE state IN ('intent', 'submitted')") == [(0,)]


async def test_a_fault_before_the_first_call_is_in_the_runs_own_entry(open_shop: Open, tmp_path: Path) -> None:
    shop = await open_shop()

    with pytest.raises(RuntimeError, match="a plug-in's fault"):
        await run_faulty(shop, tmp_path)

    assert shop.query("SELECT stopped_by, exit_code FROM runs") == [("error", 1)]
    assert shop.bills() == 0


async def test_a_run_that_is_cancelled_while_its_ledger_opens_closes_it(open_shop: Open) -> None:
    shop = await open_shop()
    before = set(threading.enumerate())
    running = asyncio.create_task(shop.run(products(3)))
    while not (shop.folder / ".lock").exists():  # noqa: ASYNC110  # the moment itself is what is tested
        await asyncio.sleep(0)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert not [each for each in set(threading.enumerate()) - before if each.name == "ledger-writer"]
    with hold(shop.folder, "test"):
        assert shop.bills() == 0
