from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pipeline.doubts import settle_by_hand
from tests.money.rig import Rig
from tests.run.commands import photobatch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "out")


async def in_doubt(rig: Rig) -> tuple[int, int]:
    """A task in doubt, and one with the same body that waits for it."""
    doubtful, twin = rig.plan("mug", key="a"), rig.plan("mug", key="b")
    rig.provider.script.append("lost request")
    await rig.work(doubtful)
    assert rig.states() == {"in_doubt": 1, "planned": 1}
    return doubtful, twin


async def test_a_call_that_the_user_calls_billed_fails_with_all_that_would_send_it_again(rig: Rig) -> None:
    doubtful, _ = await in_doubt(rig)
    _, held = rig.billed_and_held()

    count = rig.ledger.run(lambda db: settle_by_hand(db, [str(doubtful)], billed=True, now=rig.now))
    await rig.work()

    assert count == 1
    assert rig.states() == {"failed": 2}
    assert rig.billed_and_held() == (held, 0), "the price is what was reserved"
    assert rig.provider.sent.total() == 1, "nothing is sent again by itself"


async def test_a_call_that_the_user_calls_unbilled_is_sent_again_and_serves_its_twin(rig: Rig) -> None:
    doubtful, _ = await in_doubt(rig)

    rig.ledger.run(lambda db: settle_by_hand(db, [str(doubtful)], billed=False, now=rig.now))
    await rig.work()
    await rig.work()

    assert rig.states() == {"done": 2}
    assert len(rig.provider.bills) == 1


async def test_the_command_ends_with_6_while_others_stay_in_doubt(rig: Rig) -> None:
    first, second = rig.plan("mug"), rig.plan("cup")
    rig.provider.script.extend(["lost request", "lost request"])
    await rig.work(first)
    await rig.work(second)
    rig.ledger.run(lambda db: db.execute("INSERT INTO headers VALUES (1, '[]')").rowcount)
    rig.ledger.close()

    one = await asyncio.to_thread(photobatch, "settle", rig.folder, "--as-billed", first)
    other = await asyncio.to_thread(photobatch, "settle", rig.folder, "--as-unbilled", second, "--quiet")

    assert (one.code, "in doubt" in one.out) == (6, True)
    assert (other.code, other.out, other.err) == (0, "", "")
