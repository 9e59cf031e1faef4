"""Rows that cannot be sent, rows of their own endpoint, and what a plan says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.errors import ManifestError, RecipeError
from tests.run.conftest import MOOD, STUDIO, products, recipe, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.conftest import Open

TASKS = [
    {"sku": "A", "endpoint": "ic-light", "subject_image": "https://s.example/a.jpg", "prompt": "oak", "steps": "20"},
    {"sku": "A", "endpoint": "segmind-scenecraft-v01", "image": "https://s.example/a.jpg", "prompt": "sea"},
    {"sku": "B", "endpoint": "ic-light", "subject_image": "https://s.example/b.jpg", "prompt": "pine"},
]
COLUMNS = ("sku", "endpoint", "subject_image", "image", "prompt", "steps")
TASK_ROWS = [{column: row.get(column, "") for column in COLUMNS} for row in TASKS]


async def test_a_task_manifest_names_endpoints_itself_also_several_per_key(open_shop: Open) -> None:
    shop = await open_shop()

    summary = await shop.run(TASK_ROWS, recipe=None)
    again = await shop.run(TASK_ROWS[::-1], recipe=None)

    assert (summary["tasks"]["done"], again["requests"]["submit"], shop.bills()) == (3, 0, 3)
    assert {(line["key"], line["step"]) for line in shop.results()} == {
        ("A", "ic-light"),
        ("A", "segmind-scenecraft-v01"),
        ("B", "ic-light"),
    }
    assert sum('"steps":20' in line["params"] for line in shop.results()) == 1


async def test_a_task_manifests_wrong_rows_are_invalid_and_the_others_go_on(open_shop: Open) -> None:
    shop = await open_shop()
    wrong = [
        {**TASK_ROWS[2], "sku": "C", "endpoint": "ic-lite"},
        {**TASK_ROWS[2], "sku": "D", "steps": "many"},
        {**TASK_ROWS[2], "sku": "E", "endpoint": ""},
    ]

    summary = await shop.run([*TASK_ROWS, *wrong], recipe=None)

    assert (summary["exit_code"], summary["tasks"]["done"], summary["tasks"]["invalid"]) == (3, 3, 3)
    errors = {line["key"]: line["error"] for line in shop.results() if line["state"] == "invalid"}
    assert "row 4, column endpoint" in errors["C"]
    assert "ic-light" in errors["C"]
    assert "row 5, column steps" in errors["D"]


async def test_a_row_with_a_wrong_value_is_invalid_with_row_column_and_reason(open_shop: Open) -> None:
    shop = await open_shop()
    rows = [{**row, "light": light} for row, light in zip(products(3), ("left", "lft", "right"), strict=True)]
    step = {**STUDIO, "params": {**STUDIO["params"], "light_direction": "{light}"}}  # type: ignore[dict-item]  # texts

    summary = await shop.run(rows, step)

    (bad,) = [line for line in shop.results() if line["state"] == "invalid"]
    assert (summary["exit_code"], summary["tasks"]["invalid"], shop.bills()) == (3, 1, 2)
    assert bad["error"].startswith("row 2, column light: ")
    assert "left" in bad["error"]

    mended = [{**row, "light": "left"} for row in rows]
    assert (await shop.run(mended, step))["tasks"]["done"] == 3


async def test_a_row_without_an_image_is_reported_and_makes_no_task(open_shop: Open) -> None:
    shop = await open_shop()
    rows = products(3)
    rows[1]["image_url"] = "  "

    summary = await shop.run(rows)
    plan = pipeline.plan(shop.folder.parent / "catalog.csv", recipe(STUDIO))

    assert (summary["rows"], summary["tasks"]["total"], summary["exit_code"]) == (3, 2, 0)
    assert (plan.without_image, plan.first_without_image, plan.exit_code) == (1, [2], 0)


@pytest.mark.parametrize(
    ("images", "code"),
    [(["", "", ""], 2), (["ftp://x/a.jpg"] * 3, 2), (["ftp://x/a.jpg", "https://x.example/a.jpg"], 3)],
)
def test_the_exit_code_of_a_plan(tmp_path: Path, images: list[str], code: int) -> None:
    rows = [{"sku": f"{n}", "title": "x", "image_url": image} for n, image in enumerate(images)]

    plan = pipeline.plan(write_csv(tmp_path / "c.csv", rows), recipe(STUDIO))

    assert plan.exit_code == plan.summary()["exit_code"] == code


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({**STUDIO, "params": {"image": "{img}"}}, "image_url"),
        ({**STUDIO, "params": {"imag": "{image_url}"}}, "image"),
        ({**STUDIO, "endpoint": "relighting-v2"}, "segmind-relighting-v2"),
        ({**MOOD, "params": {**MOOD["params"], "steps": 5000}}, "steps"),  # type: ignore[dict-item]  # a dict of texts
        ({**MOOD, "params": {"prompt": "x"}}, "subject_image"),
        ({**MOOD, "name": "../up"}, "file name"),
        ({**MOOD, "dedupe": "no"}, "dedupe"),
        ({**MOOD, "retries": 3}, "retries"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_nearest_name(tmp_path: Path, step: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError) as refused:
        pipeline.plan(write_csv(tmp_path / "c.csv", products(1)), recipe(step))

    assert says in f"{refused.value} {refused.value.hint}"


def test_two_rows_of_one_key_are_refused_and_named(tmp_path: Path) -> None:
    rows = [*products(3), *products(1)]

    with pytest.raises(ManifestError, match=r"P-001.*row"):
        pipeline.plan(write_csv(tmp_path / "c.csv", rows), recipe(STUDIO))


async def test_several_images_of_a_call_are_numbered(open_shop: Open) -> None:
    shop = await open_shop()
    three = {**MOOD, "params": {**MOOD["params"], "number_of_images": 3}}  # type: ignore[dict-item]  # a dict of texts

    summary = await shop.run(products(2), three)

    assert (summary["tasks"]["done"], shop.bills()) == (2, 2)
    names = sorted(
        path.relative_to(shop.folder / "images").with_suffix("").as_posix()
        for path in (shop.folder / "images").rglob("*.*")
    )
    assert names == [f"P-00{n}/mood{end}" for n in (1, 2) for end in ("", "-2", "-3")]


@pytest.mark.parametrize("key", ["../../up", "con", "a/b", "x" * 400, "é\u0301", "A B?", ".hidden", "="])
async def test_no_key_leads_out_of_the_folder(open_shop: Open, key: str) -> None:
    shop = await open_shop()

    summary = await shop.run([{"sku": key, "title": "x", "image_url": "https://s.example/1.jpg"}])

    assert summary["tasks"]["done"] == 1
    (line,) = shop.results()
    output = (shop.folder / line["output"]).resolve()
    assert output.is_file()
    assert output.is_relative_to((shop.folder / "images").resolve())
    assert line["key"] in (key, f"'{key}")
