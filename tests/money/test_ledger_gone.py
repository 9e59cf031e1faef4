"""A ledger that is gone beside what runs have left: refused, and rebuilt from what can be trusted or not at all."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.care import repair
from pipeline.closing import Ending, close
from pipeline.errors import FolderError, LedgerError
from pipeline.undo import take_back
from tests.money.rig import Rig

if TYPE_CHECKING:
    from pathlib import Path

LEFT = ("results.parquet", "results.csv", "summary.json", "images")


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "out")


async def closed(rig: Rig) -> None:
    """A finished run with all it leaves behind."""
    rig.plan("a")
    await rig.work()
    rig.ledger.run(lambda db: db.execute("INSERT INTO headers VALUES (1, '[]')").rowcount)
    close(rig.ledger, Ending("20260101-000000-abcdef", rig.now), cap_nano=None, now=rig.now)
    rig.ledger.close()


async def test_an_empty_ledger_beside_an_empty_log_is_gone(rig: Rig) -> None:
    await closed(rig)
    (rig.folder / "ledger.db").write_bytes(b"")
    (rig.folder / "ledger.db-wal").write_bytes(b"")  # as a reader leaves it behind

    with pytest.raises(FolderError, match="its ledger is gone"):
        rig.open()


@pytest.mark.parametrize("left", LEFT)
async def test_whatever_a_run_left_says_that_the_ledger_is_gone(rig: Rig, left: str) -> None:
    await closed(rig)
    (rig.folder / ".part").mkdir(exist_ok=True)
    (rig.folder / "ledger.db").unlink()
    for name in set(LEFT) - {left}:
        path = rig.folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    with pytest.raises(FolderError, match=f"has {left}.*its ledger is gone") as refusal:
        rig.open()

    assert ("--repair rebuilds it" in refusal.value.hint) == (left == "results.parquet")
    take_back(rig.folder)
    assert (rig.folder / "ledger.journal").exists(), "what it knows may be all that is left"
    if left != "results.parquet":
        with pytest.raises(FolderError, match="its ledger is gone"):
            repair(rig.folder, clock=lambda: rig.now)


async def test_nothing_stands_in_the_way_of_a_first_run(tmp_path: Path) -> None:
    """A user's own photographs and empty folders, and the summary of a run that was refused."""
    (tmp_path / "images" / "mug").mkdir(parents=True)
    (tmp_path / "images" / "mug" / "front.jpg").write_bytes(b"a photograph")
    refused = {"run_id": "r", "tasks": {"done": 0, "in_doubt": 0, "open": 3}, "cost": {"billed_usd": 0.0}}
    (tmp_path / "summary.json").write_text(json.dumps(refused), encoding="utf-8")

    rig = Rig(tmp_path)
    rig.plan("mug")
    await rig.work()

    assert rig.states() == {"done": 1}
    rig.ledger.close()
    assert (tmp_path / "images" / "mug" / "front.jpg").read_bytes() == b"a photograph"


@pytest.mark.parametrize("results", [None, b"damaged"])
async def test_repair_leaves_the_damaged_ledger_rather_than_an_empty_one(rig: Rig, results: bytes | None) -> None:
    await closed(rig)
    (rig.folder / "ledger.db").write_bytes(os.urandom(8192))
    (rig.folder / "results.parquet").unlink()
    if results is not None:
        (rig.folder / "results.parquet").write_bytes(results)

    with pytest.raises(LedgerError, match="nothing could be read"):
        repair(rig.folder, clock=lambda: rig.now)

    with pytest.raises(LedgerError, match="not a database"):
        rig.open()
    assert not list(rig.folder.glob("ledger.db.*"))
