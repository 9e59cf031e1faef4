"""Folders of older and newer releases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import FolderError, LedgerError
from pipeline.ledger import schema
from tests.money.rig import Rig

if TYPE_CHECKING:
    from pathlib import Path


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {version}")


def test_an_older_ledger_is_migrated_step_by_step_after_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(schema.connect(path)) as db:
        schema.prepare(db, path)
        steps = {
            schema.VERSION: "ALTER TABLE runs ADD COLUMN host TEXT;",
            schema.VERSION + 1: "UPDATE runs SET host='here';",
        }
        db.execute("INSERT INTO runs (id, command, started_at) VALUES ('r', 'run', 0)")
        schema.migrate(db, path, to=schema.VERSION + 2, steps=steps)
        assert db.execute("SELECT host FROM runs").fetchall() == [("here",)]
    assert version_of(path) == schema.VERSION + 2
    copy = tmp_path / f"ledger.db.v{schema.VERSION}"
    assert version_of(copy) == schema.VERSION
    with closing(sqlite3.connect(copy)) as db, pytest.raises(sqlite3.OperationalError, match="host"):
        db.execute("SELECT host FROM runs")


def test_a_ledger_of_version_2_gets_a_place_for_what_images_were_sent_as(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(schema.connect(path)) as db:
        schema.prepare(db, path)
        db.execute("ALTER TABLE attempts DROP COLUMN sent")
    set_version(path, 2)
    with closing(schema.connect(path)) as db:
        schema.prepare(db, path)
        assert "sent" in [column[1] for column in db.execute("PRAGMA table_info(attempts)")]
    assert version_of(path) == schema.VERSION


def test_a_ledger_of_version_1_gets_the_quicker_indexes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(schema.connect(path)) as db:
        schema.prepare(db, path)
        wanted = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type='index' AND sql IS NOT NULL"))
        db.execute("ALTER TABLE attempts DROP COLUMN sent")
        for name in ("one_payment", "at_risk"):
            db.execute(f"DROP INDEX {name}")
            db.execute(wanted[name].replace(schema.AT_RISK, "state IN ('intent', 'submitted', 'in_doubt')"))
    set_version(path, 1)
    with closing(schema.connect(path)) as db:
        schema.prepare(db, path)
        assert dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type='index' AND sql IS NOT NULL")) == wanted
    assert version_of(path) == schema.VERSION


def test_a_step_that_fails_leaves_the_older_ledger_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(schema.connect(path)) as db:
        schema.prepare(db, path)
        steps = {schema.VERSION: "ALTER TABLE runs ADD COLUMN host TEXT; UPDATE nothing SET x=1;"}
        with pytest.raises(LedgerError, match="nothing"):
            schema.migrate(db, path, to=schema.VERSION + 1, steps=steps)
        assert "host" not in [column[1] for column in db.execute("PRAGMA table_info(runs)")]
    assert version_of(path) == schema.VERSION


def test_a_newer_ledger_is_refused_in_words_and_stays_untouched(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "out")
    rig.ledger.close()
    path = tmp_path / "out" / "ledger.db"
    set_version(path, schema.VERSION + 1)
    before = path.read_bytes()
    with pytest.raises(FolderError, match="newer photobatch") as refusal:
        Rig(tmp_path / "out")
    assert "install the newer release" in refusal.value.hint
    assert path.read_bytes() == before


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.execute("CREATE TABLE guests (name TEXT)")
    with pytest.raises(FolderError, match="not a ledger of photobatch"):
        Rig(tmp_path)
