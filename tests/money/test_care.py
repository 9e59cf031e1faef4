"""A folder whose files, ledger or log were harmed: what is noticed, and what is mended without paying."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pipeline.care import Kind, check, repair
from pipeline.closing import export
from pipeline.errors import FolderBusy, FolderError
from pipeline.ledger.reopen import KEPT_S, Reopened
from pipeline.lock import hold
from pipeline.missing import FEW, reopen_missing
from pipeline.outputs import StorageError
from pipeline.selection import Selection
from tests.money.rig import Rig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "out")


async def finished(rig: Rig, *prompts: str) -> list[Path]:
    """Run a task for each prompt; where its output stands."""
    ids = [rig.plan(prompt) for prompt in prompts]
    await rig.work()
    found = dict(rig.query("SELECT task_id, path FROM outputs"))
    return [rig.folder / found[id_] for id_ in ids]


def findings(rig: Rig) -> list[tuple[Kind, str]]:
    rig.ledger.checkpoint()
    return [(finding.kind, finding.place.rpartition("/")[2]) for finding in check(rig.folder)]


def mend(rig: Rig) -> list[str]:
    rig.ledger.close()
    said = repair(rig.folder, clock=lambda: rig.now)
    rig.open()
    return said


def reopen(rig: Rig) -> Reopened:
    return rig.ledger.run(lambda db: reopen_missing(db, rig.folder, now=rig.now))


async def test_a_folder_as_it_was_left_has_no_findings(rig: Rig) -> None:
    await finished(rig, "a", "b")
    assert findings(rig) == []
    assert not reopen(rig)
    assert "missing" not in " ".join(mend(rig))


async def test_a_missing_output_is_fetched_again_and_not_paid_again(rig: Rig) -> None:
    (path,) = await finished(rig, "a")
    before = path.read_bytes()
    path.unlink()
    assert reopen(rig) == Reopened(fetch=1)
    assert sum(rig.billed_and_held()) == rig.provider.billed_nano
    await rig.work()
    assert path.read_bytes() == before
    assert len(rig.provider.jobs) == 1
    assert rig.billed_and_held() == (rig.provider.billed_nano, 0)
    assert rig.query("SELECT billed_nano FROM tasks") == [(rig.provider.billed_nano,)]


async def test_an_altered_output_is_moved_aside_and_fetched_again(rig: Rig) -> None:
    (path,) = await finished(rig, "a")
    before = path.read_bytes()
    path.write_bytes(before + b"retouched")
    assert reopen(rig) == Reopened(fetch=1)
    await rig.work()
    assert path.read_bytes() == before
    assert [each.read_bytes() for each in rig.folder.glob("superseded/*/*")] == [before + b"retouched"]


async def test_an_old_output_is_paid_for_again_and_both_bills_count(rig: Rig) -> None:
    (path,) = await finished(rig, "a")
    path.unlink()
    rig.now += KEPT_S + 60
    assert reopen(rig)._replace(pay_nano=0) == Reopened(pay=1)
    await rig.work()
    assert path.is_file()
    assert len(rig.provider.bills) == 2
    assert rig.billed_and_held() == (rig.provider.billed_nano, 0)


async def test_an_old_output_is_copied_from_its_twin_before_anybody_pays(rig: Rig) -> None:
    rig.plan("a")
    rig.plan("a")
    await rig.work()
    first, second = (rig.folder / path for (path,) in rig.query("SELECT path FROM outputs ORDER BY task_id"))
    first.unlink()
    rig.now += KEPT_S + 60
    assert reopen(rig) == Reopened(copy=1)
    await rig.work()
    assert first.read_bytes() == second.read_bytes()
    assert len(rig.provider.jobs) == 1


async def test_twins_that_are_both_gone_are_paid_for_once(rig: Rig) -> None:
    rig.plan("a")
    rig.plan("a")
    await rig.work()
    paths = [rig.folder / path for (path,) in rig.query("SELECT path FROM outputs ORDER BY task_id")]
    for path in paths:
        path.unlink()
    assert reopen(rig) == Reopened(fetch=1, copy=1)
    await rig.work()
    assert all(path.is_file() for path in paths)
    assert len(rig.provider.jobs) == 1


async def test_an_old_output_that_was_altered_is_never_paid_for_again(rig: Rig) -> None:
    (path,) = await finished(rig, "a")
    path.write_bytes(path.read_bytes() + b"optimised")
    rig.now += KEPT_S + 60

    kept = reopen(rig)

    assert kept == Reopened(kept=1)
    assert "--check" in str(kept)
    await rig.work()
    assert (rig.states(), len(rig.provider.bills)) == ({"done": 1}, 1)
    assert path.read_bytes().endswith(b"optimised")


@pytest.mark.parametrize(("altered", "expected"), [((1,), Reopened(copy=1)), ((0, 1), Reopened(kept=2))])
async def test_an_altered_copy_is_copied_again_from_a_whole_original_only(
    rig: Rig, altered: tuple[int, ...], expected: Reopened
) -> None:
    rig.plan("a")
    rig.plan("a")
    await rig.work()
    paths = [rig.folder / path for (path,) in rig.query("SELECT path FROM outputs ORDER BY task_id")]
    for n in altered:
        paths[n].write_bytes(paths[n].read_bytes() + b"optimised")
    rig.now += KEPT_S + 60

    assert reopen(rig) == expected

    await rig.work()
    assert (rig.states(), len(rig.provider.bills)) == ({"done": 2}, 1)


async def test_many_missing_outputs_are_not_paid_for_before_somebody_says_so(rig: Rig) -> None:
    paths = await finished(rig, *"abcdefgh")
    rig.now += KEPT_S + 60
    for path in paths:
        path.rename(path.with_suffix(".away"))

    with pytest.raises(FolderError, match=r"8 of 8 outputs .* are missing: 8 paid calls, about \$0\.") as refusal:
        reopen(rig)

    assert "--only lost" in refusal.value.hint
    assert rig.states() == {"done": 8}
    for path in paths[FEW:]:
        path.with_suffix(".away").rename(path)
    assert reopen(rig).pay == FEW


async def test_many_missing_outputs_that_are_free_to_be_had_are_fetched(rig: Rig) -> None:
    for path in await finished(rig, *"abcdefgh"):
        path.unlink()

    assert reopen(rig) == Reopened(fetch=8)


async def test_an_output_that_cannot_be_looked_at_stops_the_run(rig: Rig) -> None:
    (path,) = await finished(rig, "a")
    rig.now += KEPT_S + 60
    path.unlink()
    path.symlink_to(path)  # as good as a disk that answers nothing but errors

    with pytest.raises(StorageError, match=r"cannot be looked at.*nothing was sent"):
        reopen(rig)

    assert [kind for kind, _ in findings(rig)] == [Kind.UNREADABLE]
    mend(rig)
    assert rig.states() == {"done": 1}


async def test_repair_gives_up_what_could_only_be_paid_for_until_somebody_asks(rig: Rig) -> None:
    rig.plan("a")
    rig.plan("a")
    await rig.work()
    for path in rig.folder.glob("images/*/*"):
        path.unlink()
    rig.now += KEPT_S + 60

    assert any("--only lost" in sentence for sentence in mend(rig))

    assert not reopen(rig)
    await rig.work()
    assert (rig.states(), len(rig.provider.bills)) == ({"failed": 2}, 1)
    only_lost = Selection.parse(["lost"], endpoint=None, keys=(), since=None)
    assert rig.ledger.run(only_lost.reopen) == 2
    await rig.work()
    assert (rig.states(), len(rig.provider.bills)) == ({"done": 2}, 2)


async def test_what_was_given_up_and_is_there_after_all_is_done_again(rig: Rig) -> None:
    rig.plan("a")
    rig.plan("a")
    await rig.work()
    before = rig.query("SELECT state, reused_from, finished_at FROM tasks ORDER BY id")
    rig.now += KEPT_S + 60
    (rig.folder / "images").rename(rig.folder / "elsewhere")
    mend(rig)
    assert rig.states() == {"failed": 2}

    (rig.folder / "elsewhere").rename(rig.folder / "images")
    assert [kind for kind, _ in findings(rig)] == [Kind.RETURNED, Kind.RETURNED]
    mend(rig)

    assert rig.query("SELECT state, reused_from, finished_at FROM tasks ORDER BY id") == before
    assert findings(rig) == []


async def test_check_names_what_is_missing_altered_moved_and_foreign(rig: Rig) -> None:
    missing, altered, moved, fine = await finished(rig, "a", "b", "c", "d")
    missing.unlink()
    data = bytearray(altered.read_bytes())
    data[-20] ^= 1
    altered.write_bytes(data)  # of the same size: only its hash tells
    moved.rename(rig.folder / "images" / "mine.png")
    fine.with_name("notes.txt").write_text("hello", encoding="utf-8")
    (fine.parent / ".DS_Store").write_bytes(b"")
    found = findings(rig)
    assert [kind for kind, _ in found] == [Kind.MISSING, Kind.ALTERED, Kind.MOVED, Kind.FOREIGN]
    assert found[3][1] == "notes.txt"


async def test_what_a_run_at_work_has_under_way_is_no_finding(rig: Rig) -> None:
    missing, moved, _ = await finished(rig, "a", "b", "c")
    for name in ("lock", "lock.json"):  # as a killed run leaves them
        (rig.folder / f".{name}").write_text("{}", encoding="utf-8")
    moved.with_name("being-written.png").write_bytes(b"half of an image")
    missing.unlink()
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET state='submitted' WHERE id=3"))
    assert [kind for kind, _ in findings(rig)] == [Kind.MISSING, Kind.FOREIGN]

    told: list[Kind] = []
    with hold(rig.folder, "run"), pytest.raises(FolderBusy, match=r"`photobatch run`.*only finished tasks"):  # noqa: PT012  # what came before counts
        for finding in check(rig.folder):
            told.append(finding.kind)  # noqa: PERF401  # it ends with an error

    assert told == [Kind.MISSING]


async def test_repair_puts_a_renamed_output_back_and_leaves_what_is_not_ours(rig: Rig) -> None:
    (path,) = await finished(rig, "a")
    path.rename(path.with_name("renamed.png"))
    foreign = path.with_name("notes.txt")
    foreign.write_text("hello", encoding="utf-8")
    mend(rig)
    assert path.is_file()
    assert foreign.read_text(encoding="utf-8") == "hello"
    assert findings(rig) == [(Kind.FOREIGN, "notes.txt")]


async def test_repair_finds_a_superseded_output_that_the_ledger_lost_sight_of(rig: Rig) -> None:
    (path,) = await finished(rig, "a")
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET live=0").rowcount)
    aside = rig.folder / "superseded" / "a.png"
    aside.parent.mkdir()
    path.rename(aside)
    assert [kind for kind, _ in findings(rig)] == [Kind.MOVED]
    mend(rig)
    assert rig.query("SELECT path FROM outputs") == [("superseded/a.png",)]
    assert findings(rig) == []


async def test_a_call_that_only_the_journal_knows_is_a_finding(rig: Rig) -> None:
    rig.plan("a")
    await rig.work()
    journal = (rig.folder / "ledger.journal").read_bytes()
    rig.ledger.run(lambda db: db.execute("DELETE FROM attempts").rowcount)
    rig.ledger.checkpoint()
    (rig.folder / "ledger.journal").write_bytes(journal)
    assert [finding.kind for finding in check(rig.folder)] == [Kind.FORGOTTEN]


@pytest.mark.parametrize("harm", ["middle", "everything", "empty"])
async def test_a_damaged_ledger_is_built_anew_and_nothing_is_paid_again(rig: Rig, harm: str) -> None:
    for number in range(30):
        rig.plan(f"p{number}")
    await rig.work()
    rig.ledger.run(lambda db: db.execute("INSERT INTO headers VALUES (1, '[]')").rowcount)
    rig.ledger.run(lambda db: export(db, rig.folder))
    billed = rig.provider.billed_nano
    rig.ledger.close()
    path = rig.folder / "ledger.db"
    data = bytearray(path.read_bytes())
    start = {"middle": len(data) // 2, "everything": 0, "empty": len(data)}[harm]
    data[start : start + (8192 if harm == "middle" else len(data))] = os.urandom(8192)
    path.write_bytes(b"" if harm == "empty" else data)
    assert [finding.kind for finding in check(rig.folder)] == [Kind.DATABASE]
    said = repair(rig.folder, clock=lambda: rig.now)
    assert "kept as ledger.db.damaged-1" in said[0]
    assert (rig.folder / "ledger.db.damaged-1").exists()
    rig.open()
    assert findings(rig) == []
    assert rig.states() == {"done": 30}
    assert rig.billed_and_held() == (billed, 0)
    await rig.work()
    assert len(rig.provider.jobs) == 30


async def test_a_folder_whose_ledger_is_gone_is_not_paid_for_again(rig: Rig) -> None:
    await finished(rig, "a")
    rig.ledger.run(lambda db: db.execute("INSERT INTO headers VALUES (1, '[]')").rowcount)
    rig.ledger.run(lambda db: export(db, rig.folder))
    rig.ledger.close()
    (rig.folder / "ledger.db").unlink()
    with pytest.raises(FolderError, match="its ledger is gone"):
        rig.open()
    repair(rig.folder, clock=lambda: rig.now)
    rig.open()
    assert rig.states() == {"done": 1}
    assert findings(rig) == []
