"""Two tasks that would send the same body are paid once; both get the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.run.conftest import MOOD, STUDIO, products

if TYPE_CHECKING:
    from tests.run.conftest import Open, Shop


def twins(count: int = 2) -> list[dict[str, str]]:
    """Rows of one picture under several keys."""
    return [{"sku": f"T-{n}", "title": "same", "image_url": "https://shop.example/same.jpg"} for n in range(count)]


def check_shared(shop: Shop, shared: int) -> None:
    lines = shop.results()
    assert sum(line["reused_from"] != "" for line in lines) == shared
    assert all((shop.folder / line["output"]).is_file() for line in lines)
    assert len({line["output"] for line in lines}) == len(lines)


async def test_equal_bodies_in_one_manifest_are_paid_once(open_shop: Open) -> None:
    shop = await open_shop()

    summary = await shop.run(twins(5))

    assert (summary["tasks"]["done"], summary["tasks"]["reused"], shop.bills()) == (5, 4, 1)
    check_shared(shop, 4)
    assert len({line["sha256"] for line in shop.results()}) == 1
    assert sum(float(line["cost_billed_usd"] or 0) for line in shop.results()) == summary["cost"]["billed_usd"]


async def test_equal_bodies_of_two_steps_are_paid_once(open_shop: Open) -> None:
    shop = await open_shop()

    summary = await shop.run(products(2), STUDIO, {**STUDIO, "name": "again"})

    assert (summary["tasks"]["done"], shop.bills()) == (4, 2)
    check_shared(shop, 2)


async def test_a_body_paid_in_an_earlier_run_is_not_paid_again(open_shop: Open) -> None:
    shop = await open_shop()
    await shop.run(twins(1))

    summary = await shop.run(twins(3))

    assert (summary["tasks"]["done"], summary["requests"]["submit"], shop.bills()) == (3, 0, 1)
    check_shared(shop, 2)


async def test_dedupe_false_pays_for_each(open_shop: Open) -> None:
    shop = await open_shop()

    summary = await shop.run(twins(3), {**MOOD, "dedupe": False})

    assert (summary["tasks"]["reused"], shop.bills()) == (0, 3)


async def test_twins_of_a_refused_task_fail_without_being_sent(open_shop: Open) -> None:
    shop = await open_shop({"match": {"kind": "submit"}, "fault": "406-parameter"})

    summary = await shop.run(twins(4))

    assert (summary["tasks"]["failed"], summary["requests"]["submit"]) == (4, 1)
    assert {line["error_class"] for line in shop.results()} == {"rejected"}


async def test_twins_of_a_task_in_doubt_wait_for_it(open_shop: Open) -> None:
    shop = await open_shop({"match": {"kind": "submit"}, "fault": "drop-after", "times": 1})

    first = await shop.run(twins(3))
    assert (first["exit_code"], first["tasks"]["in_doubt"], first["tasks"]["open"]) == (6, 1, 2)
    assert first["requests"]["submit"] == 1

    second = await shop.run(twins(3))

    assert (second["tasks"]["done"], second["tasks"]["reused"], shop.bills()) == (3, 2, 1)


async def test_twins_of_a_task_that_was_stopped_are_taken_up_with_it(open_shop: Open) -> None:
    shop = await open_shop({"match": {"kind": "submit"}, "fault": "406-credits", "times": 1})
    assert (await shop.run(twins(3)))["tasks"]["open"] == 3

    assert (await shop.resume())["tasks"]["done"] == 3
    assert shop.bills() == 1


async def test_the_plan_knows_duplicates_and_pays_them_once(open_shop: Open) -> None:
    import pipeline
    from tests.run.conftest import recipe, write_csv

    shop = await open_shop()
    manifest = write_csv(shop.folder.parent / "catalog.csv", twins(5))

    plan = pipeline.plan(manifest, recipe(STUDIO)).summary()

    assert (plan["tasks"], plan["to_pay"], plan["duplicates"], plan["exit_code"]) == (5, 1, 4, 0)
    one = pipeline.plan(manifest, recipe(STUDIO), limit=1).summary()
    assert plan["cost"] == one["cost"]


async def test_images_that_are_the_same_file_under_two_names_are_paid_and_uploaded_once(open_shop: Open) -> None:
    from PIL import Image

    shop = await open_shop()
    for name in ("a", "b"):
        Image.new("RGB", (64, 64), "teal").save(shop.folder.parent / f"{name}.png")
    Image.new("RGB", (64, 64), "red").save(shop.folder.parent / "c.png")
    rows = [{"sku": name, "title": "x", "image_url": f"{name}.png"} for name in "abc"]

    summary = await shop.run(rows, STUDIO, MOOD)

    assert (summary["tasks"]["done"], shop.bills(), shop.asked("upload")) == (6, 4, 2)

    Image.new("RGB", (64, 64), "blue").save(shop.folder.parent / "c.png")
    again = await shop.run(rows, STUDIO, MOOD)

    assert (again["tasks"]["done"], shop.bills(), shop.asked("upload")) == (6, 6, 3), "new content behind an old name"


async def test_photos_that_the_cap_leaves_no_money_for_are_not_uploaded(open_shop: Open) -> None:
    from PIL import Image

    shop = await open_shop()
    for n in range(60):
        Image.new("RGB", (64, 64), (n, 0, 0)).save(shop.folder.parent / f"{n}.png")
    rows = [{"sku": f"P-{n}", "title": "x", "image_url": f"{n}.png"} for n in range(60)]

    first = await shop.run(rows, cap_usd=0.4, concurrency=1)
    uploads = shop.asked("upload")
    again = await shop.run(rows, cap_usd=0.4, concurrency=1)

    assert (first["stopped_by"], again["stopped_by"], shop.bills()) == ("cap", "cap", 1)
    assert uploads < 10
    assert shop.asked("upload") - uploads < 10


async def test_a_file_that_vanished_fails_every_row_that_needs_it(open_shop: Open) -> None:
    from PIL import Image

    shop = await open_shop({"match": {"kind": "submit"}, "fault": "406-credits", "times": 1})
    picture = shop.folder.parent / "a.png"
    Image.new("RGB", (64, 64), "teal").save(picture)
    await shop.run([{"sku": name, "title": "x", "image_url": "a.png"} for name in "ab"])
    picture.unlink()

    summary = await shop.resume()

    assert (summary["tasks"]["failed"], summary["tasks"]["open"], shop.bills()) == (2, 0, 0)
    assert {line["error_class"] for line in shop.results()} == {"bad_input"}
