"""Cells as exports and spreadsheets leave them: what is no image is never paid for, and the same text only once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import ManifestError
from pipeline.manifest import open_manifest
from pipeline.planning import scratch, take_in
from pipeline.recipe import Recipe, parse_settings
from pipeline.wanted import Wanted
from tests.catalogue.commands import RELIGHT, csv_file, photobatch, plan

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe.one_step("bg-replace", ["ref_image=https://example.com/oak.jpg", "prompt={title} on oak"])
URL = "https://cdn.example.com"
BASE = f"--image-base-url={URL}/media/"


@pytest.mark.parametrize("word", ["no_selection", "No_Selection", "n/a", "#N/A", "none", "NULL", "NaN", "-", "—"])
@pytest.mark.parametrize("flags", [(), (BASE,)])
def test_a_word_for_no_image_is_never_paid_for(tmp_path: Path, word: str, flags: tuple[str, ...]) -> None:
    shop = csv_file(tmp_path / "shop.csv", "sku,title,image_url", f"A,t,{word}", f"B,t,{URL}/b.jpg")

    planned = plan(shop, *flags).summary

    assert (planned["tasks"], planned["invalid"]) == (1, 0)


def test_magentos_word_for_no_image_makes_a_row_without_an_image(tmp_path: Path) -> None:
    shop = csv_file(
        tmp_path / "shop.csv",
        "sku,name,attribute_set_code,base_image,additional_images",
        "A,t,Default,no_selection,",
        'B,t,Default,/b.jpg,"no_selection,/b2.jpg"',
        "A,t,Default,no_selection,",
    )

    rows = list(open_manifest(shop).rows())

    assert [row.cells[2] for row in rows] == ["", "/b.jpg", "/b2.jpg"]
    assert plan(shop, BASE).summary["tasks"] == 2


TWO = (
    f"{URL}/1.jpg, /2.jpg",
    f"{URL}/1.jpg,/2.jpg",
    f"{URL}/1.jpg /2.jpg",
    f"{URL}/1.jpg, //cdn.example.com/2.jpg",
    f"{URL}/1,//cdn.example.com/2",
    f"{URL}/1.jpg; 2.jpg",
    f"{URL}/1.jpg,{URL}/2.jpg,",
    f"{URL}/1 | /2",
    "HTTPS://cdn.example.com/1.jpg, /2.jpg",
)
TWO_BELOW = ("m/a.jpg,m/b.jpg", "/m/a.jpg;/m/b.jpg", "a.JPG | b.jpg", "a.jpg /b.jpg", f"a.jpg,{URL}/b.jpg")
ONE = (
    f"{URL}/w_300,h_300/a.jpg",
    f"{URL}/w_300,h_300,c_fill/v1/a,b.jpg?x=1,2;y=3|4",
    f"{URL}/I/51abc._SX38_SY50_CR,0,0,38,50_.jpg",
    f"{URL}/width=80,/uploads/a.jpg",
    f"{URL}/fetch/w_300,h_300/https://up.example.org/a.jpg",
    f"{URL}/layers?a.png,b.png",
    f"{URL}/red, blue.jpg",
)


@pytest.mark.parametrize("cell", [*TWO, *TWO_BELOW])
def test_a_cell_of_two_images_is_invalid(tmp_path: Path, cell: str) -> None:
    shop = csv_file(tmp_path / "shop.csv", "sku,title,image_url", f'A,t,"{cell}"', f"B,t,{URL}/b.jpg")

    planned = plan(shop, BASE).summary

    (bad,) = planned["invalid_rows"]
    assert bad["reason"].startswith("row 1, column image_url: ")
    assert "holds 2 images" in bad["reason"]


@pytest.mark.parametrize(
    ("cell", "sent"),
    [
        *zip(ONE, ONE, strict=True),
        (f"{URL}/1.jpg,", f"{URL}/1.jpg"),
        (f"{URL}/1.jpg; |", f"{URL}/1.jpg"),
        ("m/1.jpg,", f"{URL}/media/m/1.jpg"),
        ("my chair, red.jpg", f"{URL}/media/my chair, red.jpg"),
        ("w_300,h_300/a", f"{URL}/media/w_300,h_300/a"),
    ],
)
def test_commas_of_an_address_are_its_own_and_those_behind_it_are_not(tmp_path: Path, cell: str, sent: str) -> None:
    shop = csv_file(tmp_path / "shop.csv", "sku,title,image_url", f'A,t,"{cell}"', f"B,t,{URL}/b.jpg")
    same = csv_file(tmp_path / "same.csv", "sku,title,image_url", f'A,t,"{sent}"')

    asked = asked_of(shop)

    assert asked["A"][0]["image"] == sent
    assert asked["A"] == asked_of(same)["A"]


@pytest.mark.parametrize("host", ["cdn\u200b.example.com", "c\u00addn.example.com", "xn--a.com"])
def test_an_address_whose_host_cannot_be_is_an_invalid_row(tmp_path: Path, host: str) -> None:
    shop = csv_file(tmp_path / "shop.csv", "sku,title,image_url", f"A,t,https://{host}/a.jpg", f"B,t,{URL}/b.jpg")

    (bad,) = plan(shop).summary["invalid_rows"]

    assert (bad["row"], bad["key"]) == (1, "A")
    assert "its host" in bad["reason"]


PADDED = (
    "Mug\r\nred café",
    "Mug\rred café",
    "  Mug\nred café\t",
    "Mug\nred cafe\u0301",
    "\u00a0Mug\r\nred cafe\u0301 ",
)


@pytest.mark.parametrize("padded", PADDED)
@pytest.mark.parametrize("template", ["{title} on oak", "{title}", " {title} on\r\noak "])
@pytest.mark.parametrize("others", [0, 1], ids=["together", "row by row"])
def test_line_ends_padding_and_the_way_accents_are_written_pay_for_nothing(
    tmp_path: Path, padded: str, template: str, others: int
) -> None:
    without = ["B,t,"] * others  # a row that is not plain makes all take the long way
    before = csv_file(tmp_path / "a.csv", "sku,title,image_url", f'A,"Mug\nred café",{URL}/a.jpg', *without)
    after = csv_file(tmp_path / "b.csv", "sku,title,image_url", f'A,"{padded}",{URL}/a.jpg', *without)

    asked = asked_of(after, f"prompt={template}")

    assert asked == asked_of(before, f"prompt={template}")
    assert asked["A"][0]["prompt"] == template.strip().replace("\r\n", "\n").replace("{title}", "Mug\nred café")


def test_a_task_manifest_and_the_recipes_own_text_are_read_the_same_way(tmp_path: Path) -> None:
    head = "sku,endpoint,image,ref_image,prompt"
    tasks = [
        csv_file(tmp_path / f"{n}.csv", head, f'A,bg-replace,{URL}/a.jpg,{URL}/r.jpg,"{text}"')
        for n, text in enumerate(("Mug\nred café", *PADDED))
    ]
    shop = csv_file(tmp_path / "shop.csv", "sku,title,image_url", f"A,t,{URL}/a.jpg")

    of_rows = [asked_of(each, recipe=Recipe(steps=())) for each in tasks]
    of_recipe = [asked_of(shop, f"prompt={text}", f"ref_image= {URL}/r.jpg ") for text in ("Mug\nred café", *PADDED)]

    assert of_rows == of_recipe == [of_rows[0]] * len(tasks)


def asked_of(shop: Path, *settings: str, recipe: Recipe = RECIPE) -> dict[str, tuple[dict[str, str], bytes]]:
    """By key, what planning *shop* would send, and what that is known by."""
    wanted = Wanted(shop, recipe.with_settings(parse_settings(settings)), image_base_url=f"{URL}/media")
    with scratch(None) as db:
        take_in(wanted, db)
        tasks = db.execute("SELECT key, params, fingerprint FROM tasks WHERE state='planned'")
        return {key: (json.loads(params), known_by) for key, params, known_by in tasks}


@pytest.mark.parametrize("name", ["~nobody-has-this-name.jpg", "~nobody-has-this-name/a.jpg", "x" * 300, "m/" * 2500])
def test_a_name_that_no_file_has_is_an_invalid_row_or_an_address_below_the_base(tmp_path: Path, name: str) -> None:
    shop = csv_file(tmp_path / "shop.csv", "sku,title,image_url", f"A,t,{name}", f"B,t,{URL}/b.jpg")

    assert [bad["key"] for bad in plan(shop).summary["invalid_rows"]] == ["A"]
    assert asked_of(shop)["A"][0]["image"] == f"{URL}/media/{name}"


@pytest.mark.parametrize("name", ["~nobody-has-this-name/shop.csv", "~nobody-has-this-name", "x" * 300 + ".csv"])
def test_a_manifest_whose_name_no_file_has_is_not_there(tmp_path: Path, name: str) -> None:
    csv_file(tmp_path / "job.toml", f'manifest = "{name}"', 'out = "out"')

    for said in (plan(name), photobatch("init", name), photobatch("nightly", "job.toml", "--sandbox")):
        assert said.code == 2
        assert "there is no such file" in said.err
    with pytest.raises(ManifestError, match="no such file"):
        open_manifest(name)


def test_addresses_with_a_signature_are_warned_of_once_with_their_number(tmp_path: Path) -> None:
    sign = "X-Amz-Expires=3600&X-Amz-Signature="
    rows = [f"A{n},t,{URL}/{n}.jpg" + f"?{sign}{n}" * (n % 2 == 0) for n in range(30)]
    shop = csv_file(tmp_path / "shop.csv", "sku,title,image_url", *rows)

    planned = plan(shop).summary
    ran = photobatch("run", shop, *RELIGHT, "--sandbox", "--cap", "0", "--out", "out")

    (warning,) = planned["warnings"]
    assert "each change is paid for" in warning
    assert warning.endswith("(15 times)")
    assert ran.err.count("each change is paid for") == 1
