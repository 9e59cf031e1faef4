"""Tasks of an endpoint whose package was uninstalled: they stay as they are, and stop nobody else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.run.conftest import products

if TYPE_CHECKING:
    from tests.run.conftest import Open

STATES = {
    "planned": "UPDATE tasks SET state='planned' WHERE id=1",
    "submitted": "UPDATE tasks SET state='submitted', request_id='r-1', submitted_at=0 WHERE id=1",
    "in_doubt": "UPDATE tasks SET state='in_doubt' WHERE id=1",
}


@pytest.mark.parametrize("state", STATES)
async def test_the_others_are_done_and_its_own_stay_as_they_are(open_shop: Open, state: str) -> None:
    shop = await open_shop()
    await shop.run(products(3), cap_usd=0.001)
    with closing(sqlite3.connect(shop.folder / "ledger.db")) as db, db:
        db.execute("UPDATE tasks SET endpoint='my-sharpen' WHERE id=1")
        db.execute(STATES[state])
        if state != "planned":
            columns = "task_id, run_id, outcome, intent_at, held_nano"
            db.execute(f"INSERT INTO attempts ({columns}) VALUES (1,'r',?,0,0)", [state])

    summary = await shop.resume(cap_usd=10)

    assert summary["stopped_by"] is None
    assert shop.query("SELECT id, state FROM tasks ORDER BY id") == [(1, state), (2, "done"), (3, "done")]
