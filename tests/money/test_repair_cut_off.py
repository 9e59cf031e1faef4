"""A repair that is cut off anywhere, and asked for again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from pipeline.care import repair
from pipeline.closing import export
from pipeline.ledger import schema
from pipeline.ledger.ledger import FILE
from pipeline.ledger.salvage import NEW, set_aside
from tests.money.rig import Rig

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 12


@pytest.fixture
async def damaged(tmp_path: Path) -> Rig:
    """A ledger with a damaged page, most of whose paid tasks are in no results: their rows have left the manifest."""
    rig = Rig(tmp_path / "out")
    for number in range(COUNT):
        rig.plan(f"p{number}")
    rig.ledger.run(lambda db: db.execute("INSERT INTO headers VALUES (1, '[]')").rowcount)
    await rig.work()
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET live=0 WHERE id > 3").rowcount)
    rig.ledger.run(lambda db: export(db, rig.folder))
    rig.ledger.close()
    path = rig.folder / FILE
    (root,) = _query(path, "SELECT rootpage FROM sqlite_master WHERE name='same_body'")
    data = bytearray(path.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(data)
    return rig


def _query(path: Path, sql: str) -> tuple[int, ...]:
    with contextlib.closing(schema.connect(path, read_only=True)) as db:
        found: tuple[int, ...] = db.execute(sql).fetchone()
    return found


def _half_built(folder: Path) -> None:
    with contextlib.closing(schema.connect(folder / NEW)) as db:
        schema.prepare(db, folder / NEW)


def _between_the_two_names(folder: Path) -> None:
    _half_built(folder)
    set_aside(folder)


def _in_the_middle_of_the_first(folder: Path) -> None:
    _half_built(folder)
    (folder / f"{FILE}-wal").touch()
    (folder / FILE).rename(folder / f"{FILE}.damaged-1")


@pytest.mark.parametrize("cut", [_half_built, _between_the_two_names, _in_the_middle_of_the_first])
def test_a_repair_that_was_cut_off_is_done_whole_by_the_next(damaged: Rig, cut: object) -> None:
    cut(damaged.folder)  # type: ignore[operator]  # one of the functions above

    said = repair(damaged.folder, clock=lambda: damaged.now)
    damaged.open()

    assert f"kept as {FILE}.damaged-1" in said[0]
    assert damaged.query("SELECT count(*) FROM tasks WHERE state='done'") == [(COUNT,)]
    assert damaged.billed_and_held() == (damaged.provider.billed_nano, 0)
    assert not (damaged.folder / NEW).exists()


def test_a_second_damage_is_kept_beside_the_first(damaged: Rig) -> None:
    before = (damaged.folder / FILE).read_bytes()
    repair(damaged.folder, clock=lambda: damaged.now)
    (damaged.folder / FILE).write_bytes(before)

    said = repair(damaged.folder, clock=lambda: damaged.now)

    assert f"kept as {FILE}.damaged-2" in said[0]
