"""A ledger in a folder that cannot be written is read all the same, and nothing is left behind there."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from pipeline.care import check
from pipeline.errors import FolderError
from pipeline.inspection import summary_of
from pipeline.ledger import sealed
from tests.money.rig import Rig

QUERY = "SELECT count(*), sum(billed_nano) FROM tasks WHERE state='done'"


def tasks_done(folder: Path) -> tuple[int, int]:
    with contextlib.closing(sealed.connect(folder / "ledger.db", writable=False)) as db:
        count, billed = db.execute(QUERY).fetchone()
    return count, billed


@pytest.fixture
async def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path / "out")
    rig.plan("a")
    await rig.work()
    return rig


def test_a_ledger_as_a_run_left_it_is_read_where_it_stands(rig: Rig) -> None:
    rig.ledger.close()
    stands = {path.name for path in rig.folder.iterdir()}

    assert tasks_done(rig.folder) == (1, rig.provider.billed_nano)

    (rig.folder / "ledger.db-wal").touch()  # as a reader may leave it behind
    assert tasks_done(rig.folder) == (1, rig.provider.billed_nano)
    assert {path.name for path in rig.folder.iterdir()} == stands | {"ledger.db-wal"}


def test_what_a_killed_run_left_in_the_log_is_read_from_a_copy(rig: Rig) -> None:
    rig.ledger.run(lambda _db: None)
    copy = rig.folder.with_name("snapshot")
    shutil.copytree(rig.folder, copy, ignore=shutil.ignore_patterns("*-shm"))
    assert (copy / "ledger.db-wal").stat().st_size
    before = {path.name: path.stat().st_mtime_ns for path in copy.iterdir()}

    assert tasks_done(copy) == (1, rig.provider.billed_nano)

    assert {path.name: path.stat().st_mtime_ns for path in copy.iterdir()} == before
    (copy / "ledger.db-wal").rename(copy / "log")
    (copy / "ledger.db-wal").mkdir()  # as unreadable as a file without permissions
    with pytest.raises(FolderError, match=r"read-only.*ledger\.db-wal cannot be copied"):
        tasks_done(copy)


def test_what_a_run_holds_open_is_shared_with_it(rig: Rig) -> None:
    assert tasks_done(rig.folder) == (1, rig.provider.billed_nano)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (PureWindowsPath(r"\\nas\photos\out\ledger.db"), "file:////nas/photos/out/ledger.db"),
        (PureWindowsPath(r"C:\Shop 1\50% #2\ledger.db"), "file:///C:/Shop%201/50%25%20%232/ledger.db"),
        (PurePosixPath("/shop/wh?t/ledger.db"), "file:///shop/wh%3Ft/ledger.db"),
        (PurePosixPath("/shop/B\u00fcro/ledger.db"), "file:///shop/B%C3%BCro/ledger.db"),
    ],
)
def test_an_address_has_no_host_and_no_character_with_a_meaning(path: PurePath, expected: str) -> None:
    assert sealed.address(path) == expected


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")
@pytest.mark.parametrize("name", ["plain", "50% of #2 ?mode=rwc", "B\u00fcro & Lager", "%41"])
@pytest.mark.parametrize("writable", [True, False])
def test_a_ledger_is_read_whatever_its_folder_is_called(tmp_path: Path, name: str, *, writable: bool) -> None:
    rig = Rig(tmp_path / name)
    rig.ledger.close()

    for path in (rig.folder / "ledger.db", Path(f"/{rig.folder}/ledger.db")):  # two slashes in front, as a share has
        with contextlib.closing(sealed.connect(path, writable=writable)) as db:
            assert db.execute("SELECT count(*) FROM tasks").fetchone() == (0,)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_looked_at_and_checked(rig: Rig) -> None:
    rig.ledger.close()
    rig.folder.chmod(0o555)
    try:
        assert summary_of(rig.folder)["tasks"]["done"] == 1
        assert list(check(rig.folder)) == []
    finally:
        rig.folder.chmod(0o755)
