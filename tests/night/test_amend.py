"""Redrive by cause, with changes: what is named is sent again, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.amend import Amendment, Cost
from pipeline.api import Settings, conduct
from pipeline.errors import RecipeError
from pipeline.inspection import what_if
from pipeline.sandbox import SANDBOX_KEY
from pipeline.sandbox.faults import FaultPlan
from pipeline.selection import Selection

if TYPE_CHECKING:
    from conftest import Night  # type: ignore[import-not-found]  # a fixture's type


async def half_failed(night: Night) -> None:
    """P0 fails for its prompt, P1 for the outage, P2 is done."""
    night.catalogue([(f"P{n}", f"thing {n}", night.photo(f"{n}.png", c)) for n, c in enumerate(("red", "tan", "blue"))])
    rules: list[dict[str, Any]] = [
        {"match": {"body": {"prompt": "thing 0"}}, "fault": "status", "status": 400},
        {"match": {"body": {"prompt": "thing 1"}}, "fault": "502"},
    ]
    night.sandbox.backend.faults = FaultPlan(rules)
    await night.work()
    night.sandbox.backend.faults = FaultPlan()


async def resume(night: Night, amendment: Amendment) -> dict[str, Any]:
    settings = Settings(base_url=night.base_url, api_key=SANDBOX_KEY, rpm=0)

    def select(run: Any) -> None:
        run.selection = amendment

    return await conduct(settings, night.out, None, command="resume", begun=select, clock=night.clock)


def only(*classes: str, keys: tuple[str, ...] = ()) -> Selection:
    return Selection.parse(classes, endpoint=None, keys=keys, since=None)


async def test_the_chosen_failure_gets_other_parameters_and_nothing_else_moves(night: Night) -> None:
    await half_failed(night)
    before = night.bills
    summary = await resume(night, Amendment(only("bad_request"), {"prompt": "a plain thing"}, night.clock))
    results = night.results()

    assert night.bills == before + 1
    assert night.sandbox.bills[-1].body["prompt"] == "a plain thing"
    assert results["P0", "mood"]["state"] == "done"
    assert results["P1", "mood"]["error_class"] == "gateway"
    assert summary["tasks"]["failed"] == 1


async def test_running_the_manifest_again_does_not_undo_the_change(night: Night) -> None:
    await half_failed(night)
    await resume(night, Amendment(only("bad_request"), {"prompt": "a plain thing"}, night.clock))
    before = night.bills
    await night.work()

    assert night.bills == before + 1  # the outage's task, not the changed one
    assert '"a plain thing"' in night.results()["P0", "mood"]["params"]


async def test_what_it_would_cost_is_known_before_and_changes_nothing(night: Night) -> None:
    await half_failed(night)
    amendment = Amendment(only("bad_request,gateway"), {"prompt": "the same for both"}, night.clock)
    cost = what_if(night.out, amendment.reopen)

    assert (cost.tasks, cost.to_pay) == (2, 2)
    assert cost.typical_nano == 2 * 37_000_000
    assert night.results()["P0", "mood"]["state"] == "failed"
    assert what_if(night.out, only("rejected").reopen) == Cost(0, 0, 0, 0)


async def test_a_change_without_a_selection_is_refused(night: Night) -> None:
    await half_failed(night)
    with pytest.raises(RecipeError, match="--set changes a selection"):
        what_if(night.out, Amendment(Selection(), {"prompt": "x"}, night.clock).reopen)


async def test_a_change_that_no_chosen_task_knows_is_refused_with_the_nearest_name(night: Night) -> None:
    await half_failed(night)
    with pytest.raises(RecipeError, match="no selected task has such a parameter; did you mean prompt"):
        what_if(night.out, Amendment(only("bad_request"), {"promt": "x"}, night.clock).reopen)


async def test_a_key_that_is_done_stays_done(night: Night) -> None:
    await half_failed(night)
    before = night.bills
    await resume(night, Amendment(only(keys=("P2",)), {"prompt": "x"}, night.clock))
    assert night.bills == before


def test_a_cost_reads_like_a_sentence() -> None:
    assert str(Cost(0, 0, 0, 0)) == "nothing is open"
    assert str(Cost(3, 2, 500_000_000, None)) == (
        "3 tasks open, 2 to pay (1 share a call): about $0.5000, at worst unknown"
    )
