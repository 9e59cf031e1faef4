"""A decision is about a picture: it keeps or refuses that one, and no other that got its name since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.ledger import entries
from pipeline.report.decisions import Decision
from pipeline.report.redrive import Applied, apply_decisions
from tests.report.conftest import picture

if TYPE_CHECKING:
    from tests.report.conftest import Shop


def decided(shop: Shop, *decisions: Decision) -> Applied:
    return apply_decisions(shop.ledger, decisions, store=shop.store, now=shop.now)


def approved(shop: Shop, *keys: str) -> int:
    return decided(shop, *[Decision(key, "studio", "approve") for key in keys]).approved


def in_another_mood(shop: Shop) -> dict[str, Any]:
    recipe: dict[str, Any] = json.loads(json.dumps(shop.recipe))
    recipe["step"][0]["params"]["light_intensity"] = "mood"
    return recipe


def test_an_approved_output_is_never_touched_again_and_the_plan_says_so(shop: Shop) -> None:
    shop.make("MUG")
    shop.make("VASE")
    assert approved(shop, "MUG") == 1
    changed = in_another_mood(shop)

    warnings = shop.plan(changed)

    assert shop.task("MUG").state == "done"
    assert shop.task("VASE").state == "planned"
    assert warnings == ["step 'studio': an approved output is kept, though the manifest asks for something else now"]


def test_an_approval_does_not_hold_for_another_photo(shop: Shop) -> None:
    shop.make("MUG")
    shop.make("VASE")
    approved(shop, "MUG", "VASE")
    made = shop.task("MUG").id
    shop.write(("MUG", "Mug", shop.photo("new.jpg", "red")), ("VASE", "Vase", shop.photo("vase-2.jpg", "gold")))

    warnings = shop.plan()

    after = shop.task("MUG")
    assert (after.state, after.image_source, after.replaces, after.decision) == ("planned", "new.jpg", made, None)
    assert warnings == ["step 'studio': an approval no longer holds, since the image is another one now (2 times)"]


def test_an_approval_does_not_hold_for_a_photo_that_was_overwritten(shop: Shop) -> None:
    shop.make("MUG")
    shop.make("VASE")
    approved(shop, "MUG", "VASE")
    darker = in_another_mood(shop)
    shop.photo("mug.jpg", "red")
    decided(shop, Decision("MUG", "scene", "reject", changes={"prompt": "a mug"}))

    warnings = shop.plan(darker)

    assert (shop.task("MUG").state, shop.task("VASE").state) == ("planned", "done")
    assert "step 'studio': an approval no longer holds, since the image is another one now" in warnings


def test_a_photo_that_cannot_be_had_for_a_night_may_come_back_as_another(shop: Shop) -> None:
    shop.make("MUG")
    approved(shop, "MUG")
    (shop.home / "mug.jpg").write_bytes(b"half of a")
    shop.plan()
    assert shop.task("MUG").state == "done"
    shop.photo("mug.jpg", "red")

    shop.plan()

    assert shop.task("MUG").state == "planned"


def test_an_output_is_not_kept_for_another_photo_that_cannot_be_had(shop: Shop) -> None:
    shop.make("MUG")
    shop.write(("MUG", "Mug", "missing.jpg"), ("VASE", "Vase", "vase.jpg"))

    shop.plan()

    assert shop.task("MUG").state == "invalid"


def test_an_approval_outlives_another_second_image(shop: Shop) -> None:
    recipe = {
        "step": [
            {
                "name": "studio",
                "endpoint": "bg-replace",
                "params": {"image": "{image}", "ref_image": shop.photo("oak.jpg", "brown"), "prompt": "{title}"},
            }
        ]
    }
    shop.plan(recipe)
    shop.make("MUG")
    approved(shop, "MUG")
    shop.photo("oak.jpg", "peru")

    shop.plan(recipe)

    assert shop.task("MUG").state == "done"


def test_a_decision_about_an_output_that_gave_way_is_left(shop: Shop) -> None:
    shop.make("MUG")
    shop.make("VASE")
    named = {key: shop.task(key).id for key in ("MUG", "VASE")}
    shop.write(("MUG", "Mug", shop.photo("new.jpg", "red")), ("VASE", "Vase", "vase.jpg"))
    shop.plan()
    shop.make("MUG")
    meant = shop.task("MUG").id

    result = decided(shop, *[Decision(key, "studio", "reject", task=task) for key, task in named.items()])

    assert result.rejected == 1
    assert result.left[0].startswith("'MUG' at step 'studio': it is about an output that has given way")
    assert (shop.task("MUG").id, shop.task("VASE").state) == (meant, "planned")
    vase = Decision("VASE", "studio", "reject", task=named["VASE"])
    assert decided(shop, vase).before == 1


def test_a_decision_about_the_same_picture_holds_after_there_and_back(shop: Shop) -> None:
    shop.make("MUG")
    first = shop.task("MUG")
    changed = in_another_mood(shop)
    shop.plan(changed)
    shop.plan()
    back = shop.task("MUG")
    copy = shop.store.save(picture("teal"), key="MUG", step="studio")
    shop.ledger.run(
        lambda db: entries.reused(db, task_id=back.id, source_id=first.id, at=shop.now, run_id="run-1", images=[copy])
    )

    said = Decision("MUG", "studio", "approve", task=first.id)

    assert back.id != first.id
    assert decided(shop, said).approved == 1
