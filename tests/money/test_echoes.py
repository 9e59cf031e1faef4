"""An answer that names the image that was sent, as if it were the output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.task import Accepted, Answer, Picture
from tests.money.rig import FakeProvider, Rig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass
class Echo(FakeProvider):
    """Its first answer is its input; ``own``: with an id, under which the output is found."""

    own: bool = True
    says_so_again: bool = False

    async def submit(self, endpoint: str, body: Mapping[str, Any]) -> Accepted | Answer:
        job = self._job(endpoint, dict(body), failed=False)
        return Answer((Picture(url=body["subject_image"]),), request_id=job.id if self.own else None)

    async def wait(self, endpoint: str, accepted: Accepted, *, submitted_s_ago: float = 0.0) -> Answer:
        answer = await super().wait(endpoint, accepted, submitted_s_ago=submitted_s_ago)
        if not self.says_so_again:
            return answer
        sent = self.jobs[accepted.request_id].body["subject_image"]
        return replace(answer, pictures=(Picture(url=sent),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


async def test_the_output_is_waited_for_where_the_answer_has_an_id(folder: Path) -> None:
    rig = Rig(folder, provider=Echo())
    rig.plan("mug")

    await rig.work()

    assert rig.states() == {"done": 1}
    assert len(rig.provider.bills) == 1


async def test_the_call_is_in_doubt_where_it_has_none_and_then_found(folder: Path) -> None:
    rig = Rig(folder, provider=Echo(own=False))
    rig.plan("mug")

    await rig.work()
    assert rig.states() == {"in_doubt": 1}
    await rig.settle_doubts()
    await rig.work()

    assert rig.states() == {"done": 1}
    assert len(rig.provider.bills) == 1


async def test_an_input_is_no_output_of_a_finished_task_either(folder: Path) -> None:
    rig = Rig(folder, provider=Echo(says_so_again=True))
    rig.plan("mug")

    await rig.work()

    assert rig.query("SELECT state, error_class FROM tasks") == [("failed", "bad_output")]
    assert rig.billed_and_held()[0] == rig.provider.billed_nano
