"""Every shop's export plans through the command line as it is, with the numbers of a hand count."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import pipeline
from pipeline.manifest.platforms import platforms
from pipeline.planning import take_in
from pipeline.recipe import Recipe
from pipeline.wanted import Wanted
from tests.catalogue.commands import csv_file, photo, photobatch, plan
from tests.catalogue.exports import ALL, MAGENTO, SHOPIFY, THIRTYBEES, WIX, Export, table

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """
[[step]]
name = "light"
endpoint = "segmind-relighting-v2"
params.image = "{image_url}"
params.light_direction = "left"
params.light_type = "softbox"
params.light_temperature = "neutral"
params.light_intensity = "bright"
"""
SCENE = {
    "name": "scene",
    "endpoint": "segmind-scenecraft-v01",
    "params": {"image": "{image_url}", "prompt": "{title}!"},
}


def saved(export: Export, folder: Path) -> Path:
    for name, data in export.beside.items():
        (folder / name).write_bytes(data)
    path = folder / export.name
    path.write_bytes(export.data)
    return path


@pytest.mark.parametrize("name", ALL)
def test_an_export_plans_with_the_numbers_of_a_hand_count(name: str, tmp_path: Path) -> None:
    export = ALL[name]

    said = plan(saved(export, tmp_path), *export.flags)

    numbers = said.summary
    assert said.code == 0, said.err
    assert any(note.startswith(f"{export.shop}: columns ") for note in numbers["notes"])
    assert (numbers["tasks"], numbers["to_pay"], numbers["rows_without_image"]) == (
        export.images,
        export.to_pay,
        export.bare,
    )
    assert (numbers["key"], numbers["invalid"]) == ("{key}", 0)


@pytest.mark.parametrize("name", ALL)
def test_one_recipe_serves_every_shop(name: str, tmp_path: Path) -> None:
    export = ALL[name]
    flags = dict(zip(export.flags[::2], export.flags[1::2], strict=True))
    wanted = Wanted(
        saved(export, tmp_path),
        Recipe.from_dict({"step": [SCENE]}),
        images=flags.get("--images"),
        image_base_url=flags.get("--image-base-url"),
    )

    tasks = planned(wanted, tmp_path)

    assert tuple(key for key, _ in tasks) == export.keys
    for _, params in tasks:
        assert params["image"].startswith("https://")
        assert len(params["prompt"]) > len("!")


def planned(wanted: Wanted, folder: Path) -> list[tuple[str, dict[str, str]]]:
    from pipeline.ledger import schema

    db = schema.connect(folder / "scratch.db")
    schema.prepare(db, folder / "scratch.db")
    db.execute("BEGIN")
    take_in(wanted, db)
    found = [(key, json.loads(params)) for key, params in db.execute("SELECT key, params FROM tasks ORDER BY id")]
    db.close()
    return found


def test_every_platform_is_in_the_table() -> None:
    shown = {export.shop for export in ALL.values()}

    assert {platform.label for platform in platforms()} == shown


def test_the_platform_can_be_named_or_refused(tmp_path: Path) -> None:
    path = saved(SHOPIFY, tmp_path)

    unknown = plan(path, "--platform", "shopyfi")
    none = plan(path, "--platform", "none", "--key", "{Handle}-{Image Position}", "--set", "image={Image Src}")

    assert unknown.code == 2
    assert "did you mean shopify?" in unknown.err
    assert none.summary["rows"] == 5


def test_identifiers_damaged_by_a_spreadsheet_are_warned_about(tmp_path: Path) -> None:
    warnings = plan(saved(SHOPIFY, tmp_path)).summary["warnings"]

    assert any("3.65275E+11" in warning for warning in warnings)


def test_relative_images_without_a_base_are_told_before_money_is_spent(tmp_path: Path) -> None:
    said = plan(saved(MAGENTO, tmp_path))

    assert said.code == 2
    assert said.summary["invalid"] == 4
    assert any("--image-base-url" in warning for warning in said.summary["warnings"])


def test_relative_images_are_found_beside_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "m" / "b").mkdir(parents=True)
    for name in ("mb01", "mb01_alt", "mb01_b", "mb02"):
        (tmp_path / "m" / "b" / f"{name}.jpg").write_bytes(photo((len(name), 9, 9)))
    data = MAGENTO.data.replace(b"/m/b/", b"m/b/")
    (tmp_path / "x.csv").write_bytes(data)

    said = plan(tmp_path / "x.csv")

    assert (said.code, said.summary["tasks"], said.summary["invalid"]) == (0, 4, 0)


def test_localhost_images_are_told_before_money_is_spent(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_bytes(THIRTYBEES.data.replace(b"https://cdn.example.com", b"http://localhost/shop"))

    said = plan(tmp_path / "shop.csv")

    assert (said.code, said.summary["to_pay"], said.summary["invalid"]) == (2, 0, 3)
    assert "localhost" in said.summary["invalid_rows"][0]["reason"]


def test_wix_media_ids_become_urls(tmp_path: Path) -> None:
    notes = plan(saved(WIX, tmp_path)).summary["notes"]

    assert "relative images are taken from https://static.wixstatic.com/media/" in notes


@pytest.mark.parametrize(
    ("first", "key", "dedupe", "warned"),
    [("", None, False, True), ("A", None, False, False), ("", "{image_url}", False, False), ("", None, True, False)],
)
def test_paying_for_each_product_that_its_row_alone_names_is_warned_about(
    tmp_path: Path, first: str, key: str | None, *, dedupe: bool, warned: bool
) -> None:
    feed = csv_file(
        tmp_path / "feed.csv",
        "id,title,image_link",
        f"{first},Mug,https://x.example/a.jpg",
        "B,Mug,https://x.example/b.jpg",
    )

    found = pipeline.plan(feed, {"step": [{**SCENE, "dedupe": dedupe}]}, key=key)

    assert [warning.split(":")[0] for warning in found.warnings] == ["step 'scene'"] * warned
    assert all("named by their row" in warning for warning in found.warnings)


def test_an_export_may_come_as_a_data_frame_or_from_standard_input(tmp_path: Path) -> None:
    frame = pd.read_csv(saved(SHOPIFY, tmp_path), dtype=str)

    assert pipeline.plan(frame, {"step": [SCENE]}).tasks == SHOPIFY.images
    assert plan("-", stdin=SHOPIFY.data).summary["tasks"] == SHOPIFY.images


def test_an_export_runs_to_the_end_and_comes_back_as_the_shops_own_file(tmp_path: Path) -> None:
    header = ["ID", "Type", "SKU", "Name", "Published", "Images", "Note"]
    (tmp_path / "mug.jpg").write_bytes(photo((9, 9, 200)))
    (tmp_path / "jug.jpg").write_bytes(photo((200, 9, 9)))
    original = table(
        header,
        ["1", "simple", "M", "Mug, blue", "1", "mug.jpg, jug.jpg", 'a "quoted" note'],
        ["2", "simple", "J", "Jug", "1", "jug.jpg", ""],
        ["3", "simple", "N", "Nothing", "1", "", "kept"],
    )
    (tmp_path / "shop.csv").write_bytes(original)
    (tmp_path / "r.toml").write_text(RECIPE)

    done = photobatch("run", "shop.csv", "--recipe", "r.toml", "--sandbox", "--out", "out", "--json")
    back = photobatch("export", "out", "--to=woocommerce", "--image-base=https://new.example.com/x/", "-o", "new.csv")
    feed = photobatch("export", "out", "--to=merchant", "--image-base=https://new.example.com/x", "-o", "feed.tsv")

    assert (done.code, done.summary["tasks"]["done"], done.summary["tasks"]["reused"]) == (0, 3, 1)
    assert (back.code, feed.code) == (0, 0)
    new = "https://new.example.com/x/images"
    expected = original.replace(b'"mug.jpg, jug.jpg"', f'"{new}/M/light.png, {new}/M-2/light.png"'.encode())
    assert (tmp_path / "new.csv").read_bytes() == expected.replace(b",jug.jpg,", f",{new}/J/light.png,".encode())
    assert (tmp_path / "feed.tsv").read_text().splitlines()[
        1
    ] == f"M\tMug, blue\t{new}/M/light.png\t{new}/M-2/light.png"


def test_what_cannot_be_exported_is_said_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "mug.jpg").write_bytes(photo())
    manifest = csv_file(tmp_path / "c.csv", "sku,image_url", "M,mug.jpg")
    (tmp_path / "r.toml").write_text(RECIPE)
    photobatch("run", manifest, "--recipe", "r.toml", "--sandbox", "--out", "out", "--quiet")
    base = ("export", "out", "--to=csv", "--image-base=https://new.example.com")

    step = photobatch(*base, "--step=lihgt", "-o", "x.csv")
    itself = photobatch(*base, "-o", manifest)
    manifest.rename(tmp_path / "moved.csv")
    gone = photobatch(*base, "-o", "x.csv")
    named = photobatch(*base, "-o", "x.csv", "--manifest", "moved.csv")

    assert [said.code for said in (step, itself, gone, named)] == [2, 2, 2, 0]
    assert "light" in step.err
    assert "is the manifest itself" in itself.err
    assert "--manifest FILE" in gone.err
    assert "photobatch_image" in (tmp_path / "x.csv").read_text()


def test_the_ledger_remembers_where_the_manifest_was(tmp_path: Path) -> None:
    (tmp_path / "mug.jpg").write_bytes(photo())
    csv_file(tmp_path / "c.csv", "sku,image", "M,mug.jpg")
    (tmp_path / "r.toml").write_text(RECIPE.replace("image_url", "image"))

    photobatch("run", "c.csv", "--recipe", "r.toml", "--sandbox", "--out", "out", "--quiet")

    with sqlite3.connect(tmp_path / "out" / "ledger.db") as db:
        assert db.execute("SELECT manifest FROM runs").fetchall() == [(str(tmp_path / "c.csv"),)]
    db.close()
