"""Decisions drive the next run: approved outputs stay, rejected ones are paid for once more, exactly once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import ErrorClass, InputError
from pipeline.ledger import decide, entries
from pipeline.ledger.events import AlreadyPaid
from pipeline.report.decisions import parse_decisions
from pipeline.report.redrive import Applied, apply_decisions, set_aside

if TYPE_CHECKING:
    from tests.report.conftest import Shop


def applied(shop: Shop, *lines: str) -> Applied:
    text = "\n".join(["key,step,decision,note,set", *lines])
    return apply_decisions(shop.ledger, parse_decisions(text), store=shop.store, now=shop.now)


def withdrawn(shop: Shop, key: str) -> bool:
    task_id = shop.task(key).id
    return shop.ledger.run(lambda db: decide.withdraw(db, task_id))


def params(shop: Shop, key: str, step: str = "studio") -> dict[str, Any]:
    return dict(json.loads(shop.task(key, step).params))


def test_a_rejected_output_is_planned_anew_with_its_changes(shop: Shop) -> None:
    shop.make("MUG")
    old = shop.task("MUG")

    result = applied(shop, "MUG,studio,reject,too dark,light_direction=right;quality=low")

    new = shop.task("MUG")
    assert (result.rejected, new.state, new.replaces) == (1, "planned", old.id)
    assert params(shop, "MUG")["light_direction"] == "right"
    assert new.fingerprint != old.fingerprint
    assert new.wish == old.fingerprint
    query = "SELECT live, rejected, decision, note FROM tasks WHERE id=?"
    assert shop.ledger.run(lambda db: db.execute(query, (old.id,)).fetchone()) == (0, 1, "reject", "too dark")


def test_the_rejected_image_moves_to_superseded_at_once(shop: Shop) -> None:
    shop.make("MUG")

    applied(shop, "MUG,studio,reject,,")

    assert not (shop.out / "images" / "MUG" / "studio.jpg").exists()
    assert len(list((shop.out / "superseded" / "MUG").iterdir())) == 1
    query = "SELECT path FROM outputs"
    assert shop.ledger.run(lambda db: db.execute(query).fetchone())[0].startswith("superseded/MUG/studio.")


def test_a_crash_before_the_move_is_made_good_by_the_next_call(shop: Shop) -> None:
    shop.make("MUG")
    task = shop.task("MUG")
    successor = decide.Successor(b"x" * 16, task.params, 1, 1)
    shop.ledger.run(lambda db: decide.reject(db, task, successor, note="", changes={}, now=1.0))

    assert set_aside(shop.ledger, shop.store) == 1
    assert set_aside(shop.ledger, shop.store) == 0
    assert not (shop.out / "images" / "MUG" / "studio.jpg").exists()


def test_a_reject_without_changes_runs_anew_and_not_from_what_was_paid(shop: Shop) -> None:
    shop.make("MUG")
    first = shop.task("MUG")

    applied(shop, "MUG,studio,reject,,")
    shop.make("MUG", colour="red")

    assert shop.task("MUG").state == "done"
    assert shop.task("MUG").id != first.id
    assert shop.ledger.money()[0] == 2 * first.estimate_nano


def test_applying_the_same_file_twice_pays_once(shop: Shop) -> None:
    shop.make("MUG")
    lines = ("MUG,studio,reject,too dark,light_direction=right", "VASE,studio,reject,,quality=low")
    assert applied(shop, *lines).rejected == 2

    before_the_run = applied(shop, *lines)
    shop.make("MUG")
    after_the_run = applied(shop, *lines)

    assert (before_the_run.rejected, before_the_run.before) == (0, 2)
    assert (after_the_run.rejected, after_the_run.before) == (0, 2)
    assert shop.task("MUG").state == "done"


def test_another_note_rejects_the_newer_output_as_well(shop: Shop) -> None:
    shop.make("MUG")
    applied(shop, "MUG,studio,reject,too dark,")
    shop.make("MUG", colour="red")

    again = applied(shop, "MUG,studio,reject,too dark (2),")

    assert again.rejected == 1
    assert shop.task("MUG").state == "planned"


@pytest.mark.parametrize("change", ["", "light_direction=right"])
def test_the_same_manifest_does_not_undo_a_decision(shop: Shop, change: str) -> None:
    shop.make("MUG")
    applied(shop, f"MUG,studio,reject,,{change}")
    planned = shop.task("MUG")

    shop.plan()

    assert shop.task("MUG") == planned
    shop.make("MUG")
    shop.plan()
    assert shop.task("MUG").state == "done"
    assert shop.task("MUG").id == planned.id


def test_a_changed_recipe_asks_anew_where_a_decision_was_redriven(shop: Shop) -> None:
    shop.make("MUG")
    applied(shop, "MUG,studio,reject,,light_direction=right")
    changed = json.loads(json.dumps(shop.recipe))
    changed["step"][0]["params"]["light_intensity"] = "mood"

    shop.plan(changed)

    assert params(shop, "MUG")["light_intensity"] == "mood"
    assert params(shop, "MUG")["light_direction"] == "left"


def test_one_of_two_products_with_the_same_body_can_be_rejected_alone(shop: Shop) -> None:
    shop.write(("A", "Mug", "mug.jpg"), ("B", "Mug", "mug.jpg"))
    shop.plan()
    shop.make("A")
    payer, twin = shop.task("A"), shop.task("B")
    copy = shop.store.save((shop.out / "images/A/studio.jpg").read_bytes(), key="B", step="studio")
    shop.ledger.run(
        lambda db: entries.reused(db, task_id=twin.id, source_id=payer.id, at=shop.now, run_id="run-1", images=[copy])
    )

    applied(shop, "B,studio,reject,,")
    shop.make("B", colour="red")

    assert shop.task("B").reused_from is None
    assert shop.task("A").state == "done"


def test_products_that_share_an_output_and_are_rejected_together_are_paid_for_once(shop: Shop) -> None:
    shop.write(("A", "Mug", "mug.jpg"), ("B", "Mug", "mug.jpg"))
    shop.plan()
    shop.make("A")
    payer, twin = shop.task("A"), shop.task("B")
    copy = shop.store.save((shop.out / "images/A/studio.jpg").read_bytes(), key="B", step="studio")
    shop.ledger.run(
        lambda db: entries.reused(db, task_id=twin.id, source_id=payer.id, at=shop.now, run_id="run-1", images=[copy])
    )

    applied(shop, "A,studio,reject,,", "B,studio,reject,,")
    shop.make("A", colour="red")

    with pytest.raises(AlreadyPaid):
        shop.make("B")


def test_a_failed_task_may_be_rejected_with_other_parameters(shop: Shop) -> None:
    shop.fail("MUG", "scene", "content policy")

    applied(shop, 'MUG,scene,reject,,"prompt=a plain mug; on a table"'.replace("mug; on", "mug\\; on"))

    assert shop.states()["MUG", "scene"] == "planned"
    assert params(shop, "MUG", "scene")["prompt"] == "a plain mug; on a table"


def test_an_empty_value_leaves_an_optional_parameter_out(shop: Shop) -> None:
    shop.make("MUG", "scene")

    applied(shop, "MUG,scene,reject,,aspect_ratio=")

    assert "aspect_ratio" not in params(shop, "MUG", "scene")


def test_another_photo_may_be_given(shop: Shop) -> None:
    shop.make("MUG")
    shop.photo("better.jpg", "purple")

    applied(shop, "MUG,studio,reject,,image=better.jpg")

    assert params(shop, "MUG")["image"] == str(shop.home / "better.jpg")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mug,studio,reject,,", "line 3, 'mug' at step 'studio': there is no such key; did you mean MUG?"),
        ("MUG,studo,reject,,", "there is no such step; did you mean studio? (the steps are studio, scene)"),
        ("MUG,studio,reject,,light_drection=left", "no such parameter; did you mean light_direction?"),
        ("MUG,studio,reject,,light_direction=lft", "is not one of back, left, right, top; did you mean left?"),
        ("MUG,studio,reject,,image=nowhere.jpg", "nowhere.jpg"),
    ],
)
def test_one_wrong_line_and_nothing_at_all_is_applied(shop: Shop, line: str, message: str) -> None:
    shop.make("MUG")
    shop.make("VASE")

    with pytest.raises(InputError) as caught:
        applied(shop, "VASE,studio,reject,,quality=low", line)

    assert message in str(caught.value)
    assert "nothing was applied" in caught.value.hint
    assert shop.task("VASE").state == "done"
    assert (shop.out / "images" / "VASE" / "studio.jpg").exists()


def test_a_key_that_lost_its_zeros_to_a_spreadsheet_is_found(shop: Shop) -> None:
    shop.write(("007", "Mug", "mug.jpg"))
    shop.plan()

    with pytest.raises(InputError, match="'7' at step 'studio': there is no such key; did you mean '007'"):
        applied(shop, "7,studio,reject,,")


def test_what_does_not_fit_the_state_is_left_with_a_reason_and_the_rest_applied(shop: Shop) -> None:
    shop.make("MUG")
    shop.doubt("VASE", "studio")

    result = applied(
        shop, "MUG,studio,approve,good,", "MUG,scene,approve,,", "VASE,studio,reject,,", "VASE,scene,reject,,"
    )

    assert (result.approved, result.rejected) == (1, 0)
    assert [reason.split(": ", 1)[1] for reason in result.left] == [
        "there is no output to approve: the task is planned",
        "it may have been billed: `photobatch settle` first",
        "it has no output yet, and is made by the next run anyway",
    ]


def test_a_fixed_seed_is_warned_about_before_it_is_paid_for_again(shop: Shop) -> None:
    seeded = json.loads(json.dumps(shop.recipe))
    seeded["step"][1]["params"]["seed"] = 7
    shop.plan(seeded)
    shop.make("MUG", "scene")

    (warning,) = applied(shop, "MUG,scene,reject,,").warnings

    assert "its seed is fixed at 7, so the same picture may come again; set seed=... changes that" in warning


def test_a_rejection_can_be_withdrawn_until_it_is_sent(shop: Shop) -> None:
    shop.make("MUG")
    old = shop.task("MUG")
    applied(shop, "MUG,studio,reject,,")
    assert withdrawn(shop, "MUG")
    assert shop.task("MUG") == old

    applied(shop, "MUG,studio,reject,,")
    shop.make("MUG")

    assert not withdrawn(shop, "MUG")


def test_an_approval_can_be_withdrawn(shop: Shop) -> None:
    shop.make("MUG")
    applied(shop, "MUG,studio,approve,,")

    assert withdrawn(shop, "MUG")
    assert shop.task("MUG").decision is None


def test_a_rate_limited_failure_may_be_rejected_too(shop: Shop) -> None:
    shop.fail("MUG", "studio", "busy", ErrorClass.RATE_LIMITED)

    assert applied(shop, "MUG,studio,reject,,").rejected == 1


def test_a_change_is_read_as_a_cell_is(shop: Shop) -> None:
    shop.make("MUG", "scene")

    applied(shop, "MUG,scene,reject,,prompt=red cafe\u0301 ")

    assert params(shop, "MUG", "scene")["prompt"] == "red café"
