"""What a ledger knows after a crash, a damaged log and a full disk."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import LedgerError
from pipeline.ledger.journal import Journal
from tests.money.rig import Crash, Rig, paid_twice

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "out")


async def test_a_call_without_an_answer_is_in_doubt_and_not_sent_again(rig: Rig) -> None:
    rig.plan("a")
    rig.provider.script.append("crash after")
    with pytest.raises(Crash):
        await rig.work()
    rig.crash()
    assert rig.states() == {"in_doubt": 1}
    await rig.work()
    assert len(rig.provider.jobs) == 1
    await rig.settle_doubts()
    await rig.work()
    assert rig.states() == {"done": 1}
    assert not paid_twice(rig.provider)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
async def test_every_attempt_that_a_damaged_log_forgot_is_put_back(rig: Rig, share: float) -> None:
    rig.plan("a")
    rig.make_durable()
    rig.provider.script.extend(["gateway", "gateway", "ok"])
    await rig.work()
    rig.lose_log(share)
    await rig.settle_doubts()
    await rig.work()
    assert rig.states() == {"done": 1}
    assert len(rig.provider.bills) == 1
    assert rig.billed_and_held() == (rig.provider.billed_nano, 0)


async def test_a_task_that_was_forgotten_with_its_call_is_put_back_and_serves_its_twin(rig: Rig) -> None:
    rig.plan("a", key="row")
    await rig.work()
    rig.lose_log(0.0)
    assert rig.query("SELECT state, live FROM tasks") == [("submitted", 0)]
    rig.plan("a", key="row")
    await rig.work()
    assert rig.states() == {"done": 1}
    assert len(rig.provider.bills) == 1
    assert rig.billed_and_held() == (rig.provider.billed_nano, 0)


async def test_a_torn_line_hides_nothing_but_itself(rig: Rig) -> None:
    rig.plan("a")
    rig.plan("b")
    rig.make_durable()
    await rig.work()
    with (rig.folder / "ledger.journal").open("ab") as file:
        file.write(b'0badc0de {"event":"int')
    rig.lose_log(0.0)
    assert rig.ledger.recovered.put_back == 2


async def test_a_journal_that_knows_more_than_the_database_is_kept(rig: Rig) -> None:
    rig.plan("a")
    await rig.work()
    size = rig.ledger.journal.size_bytes
    assert size > 0

    def full(_db: Any) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    original = rig.ledger.journal.sync
    rig.ledger.journal.sync = lambda: full(None)  # type: ignore[method-assign]  # the disk is full
    with pytest.raises(LedgerError, match="no space left"):
        await rig.ledger.do(lambda db: db.execute("UPDATE tasks SET note='x'").rowcount)
    rig.ledger.journal.sync = original  # type: ignore[method-assign]  # there is room again
    rig.ledger.close()
    assert (rig.folder / "ledger.journal").stat().st_size == size
    rig.open()
    rig.ledger.close()
    assert (rig.folder / "ledger.journal").stat().st_size == 0


def test_a_journal_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.journal"
    path.write_bytes(b"0000")
    journal = Journal(path)
    journal.note(event="intent", attempt=1)
    journal.sync()
    assert [entry["attempt"] for entry in journal.entries()] == [1]
    journal.close()


async def test_an_answered_attempt_is_no_doubt_beside_a_newer_one(rig: Rig) -> None:
    rig.plan("a")
    rig.provider.script.append("crash before")
    with pytest.raises(Crash):
        await rig.work()
    rig.crash()
    rig.ledger.checkpoint()
    await rig.settle_doubts()
    await rig.work()
    rig.lose_log(0.0)
    await rig.settle_doubts()
    await rig.work()
    assert rig.states() == {"done": 1}
    assert rig.billed_and_held() == (rig.provider.billed_nano, 0)
    assert not paid_twice(rig.provider)


async def test_a_redriven_failure_is_sent_and_not_asked_for_by_its_old_id(rig: Rig) -> None:
    rig.plan("a")
    rig.provider.script.append("failed")
    await rig.work()
    assert rig.states() == {"failed": 1}
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET state='planned'").rowcount)
    await rig.work()
    assert rig.states() == {"done": 1}
