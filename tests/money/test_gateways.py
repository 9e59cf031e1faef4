"""A gateway gives up on a blocking call; what becomes of the call behind it nobody says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.policy import Patience
from pipeline.stop import INTERRUPTED, Stop
from tests.money.rig import FakeProvider, Rig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.task import Accepted, Answer, Remembered

PATIENCE = Patience()


@dataclass
class Gateway(FakeProvider):
    """Gives up on the first call after ``gives_up_s``; it ends after ``takes_s`` behind it, and is listed then."""

    gives_up_s: float = 60.0
    takes_s: float = 75.0
    arrives: bool = True
    rig: Rig = field(init=False)
    ends_at: float | None = None
    unreadable: ErrorClass | None = None

    async def submit(self, endpoint: str, body: Mapping[str, Any]) -> Accepted | Answer:
        if self.ends_at is not None:
            return await super().submit(endpoint, body)
        self.ends_at = self.rig.now + self.takes_s
        self.rig.now += self.gives_up_s
        if self.arrives:
            self._job(endpoint, dict(body), failed=False)
        raise CallError("gateway time-out", ErrorClass.GATEWAY, http_status=504, may_go_on=True)

    async def history(self, endpoint: str, since: float, until: float) -> list[Remembered]:
        if self.unreadable:
            raise CallError("bad gateway", self.unreadable)
        ended = self.ends_at is None or self.rig.now >= self.ends_at
        return await super().history(endpoint, since, until) if ended else []


class Clock(Stop):
    """A nap moves the clock of *rig*; ``stops`` stops the run at the first one instead."""

    def __init__(self, rig: Rig, *, stops: bool = False) -> None:
        super().__init__()
        self._rig = rig
        self._stops = stops

    async def nap(self, seconds: float) -> None:
        if self._stops:
            self.stop_run(INTERRUPTED)
        if self.run is None:
            self._rig.now += seconds


def rig_behind(gateway: Gateway, folder: Path, *, stops: bool = False) -> Rig:
    rig = Rig(folder, provider=gateway, patience=PATIENCE)
    rig.make_stop = lambda: Clock(rig, stops=stops)
    gateway.rig = rig
    return rig


async def test_a_call_that_ends_soon_after_its_gateway_gave_up_is_found_and_not_paid_again(tmp_path: Path) -> None:
    gateway = Gateway()
    rig = rig_behind(gateway, tmp_path / "out")
    rig.plan("mug")

    await rig.work()

    assert rig.states() == {"done": 1}
    assert len(gateway.bills) == 1


async def test_a_call_that_never_arrived_behind_its_gateway_is_sent_again(tmp_path: Path) -> None:
    gateway = Gateway(arrives=False)
    rig = rig_behind(gateway, tmp_path / "out")
    rig.plan("mug")

    await rig.work()

    assert rig.states() == {"done": 1}
    assert len(gateway.bills) == 1


@pytest.mark.parametrize(
    ("unreadable", "gives_up_s", "state"),
    [
        (ErrorClass.GATEWAY, 60.0, "in_doubt"),
        (ErrorClass.BAD_OUTPUT, 60.0, "in_doubt"),
        (ErrorClass.GATEWAY, 0.2, "done"),
        (ErrorClass.NOT_FOUND, 60.0, "done"),
    ],
)
async def test_a_history_that_cannot_be_read_proves_nothing_of_a_call_that_was_at_work(
    tmp_path: Path, unreadable: ErrorClass, gives_up_s: float, state: str
) -> None:
    rig = rig_behind(Gateway(unreadable=unreadable, gives_up_s=gives_up_s, arrives=False), tmp_path / "out")
    rig.plan("mug")

    await rig.work()

    assert rig.states() == {state: 1}


@pytest.mark.parametrize(("gives_up_s", "state"), [(60.0, "in_doubt"), (0.2, "planned")])
async def test_a_run_that_stops_before_such_a_call_can_have_ended_leaves_it_in_doubt(
    tmp_path: Path, gives_up_s: float, state: str
) -> None:
    rig = rig_behind(Gateway(gives_up_s=gives_up_s), tmp_path / "out", stops=True)
    rig.plan("mug")

    await rig.work()

    assert rig.states() == {state: 1}


@pytest.mark.parametrize(("worked_s", "wait_s"), [(0.0, 0.75), (-3600.0, 0.75), (60.0, 60.0), (7200.0, 180.0)])
def test_a_call_gets_as_long_again_as_it_was_at_work(worked_s: float, wait_s: float) -> None:
    assert PATIENCE.look_after_s(worked_s, 0.5) == wait_s
