"""How a run ends on disk: its summary is whole, and says what could not be written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.closing import Ending, close
from pipeline.exits import OURS
from tests.money.rig import Rig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "out")


async def test_a_run_whose_results_cannot_be_written_still_says_what_it_came_to(rig: Rig) -> None:
    rig.ledger.run(lambda db: db.execute("INSERT INTO headers VALUES (1, '[]')").rowcount)
    rig.plan("a")
    await rig.work()
    for name in ("results.csv", "summary.json"):
        (rig.folder / name).mkdir()

    summary = close(rig.ledger, Ending("run", rig.now), cap_nano=None, now=rig.now)

    assert (summary["tasks"]["done"], summary["exit_code"], summary["stopped_by"]) == (1, OURS, "storage")
    assert "the results could not be written" in summary["message"]
    assert "the summary could not be written" in summary["message"]


def test_a_summary_takes_the_place_of_the_older_one_when_it_is_whole(rig: Rig) -> None:
    summary, older = rig.folder / "summary.json", rig.folder / "older.json"
    close(rig.ledger, Ending("first", rig.now), cap_nano=None, now=rig.now)
    older.hardlink_to(summary)

    close(rig.ledger, Ending("second", rig.now), cap_nano=None, now=rig.now)

    assert [json.loads(path.read_text("utf-8"))["run_id"] for path in (older, summary)] == ["first", "second"]
