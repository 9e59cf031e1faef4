"""An export never takes the output of another photo, whatever happened to the catalogue since the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.firstimage import FirstImages
from pipeline.recipe import Recipe, Step
from pipeline.task import Row
from tests.catalogue.commands import RELIGHT, Said, csv_file, photo, photobatch

if TYPE_CHECKING:
    from pathlib import Path

BASE = "https://new.example.com"
SHOPIFY = "Handle,Title,Image Src,Image Position"


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three photos beside the manifest, which is named without a folder."""
    monkeypatch.chdir(tmp_path)
    for n, name in enumerate(("a.jpg", "b.jpg", "new.jpg")):
        (tmp_path / name).write_bytes(photo((60 * n, 90, 200)))


def ran(folder: Path, *lines: str, flags: tuple[str, ...] = RELIGHT) -> None:
    csv_file(folder / "shop.csv", *lines)
    assert photobatch("run", "shop.csv", *flags, "--sandbox", "--out", "out", "--quiet").code == 0


def exported(folder: Path, to: str, *lines: str) -> tuple[Said, list[str]]:
    csv_file(folder / "shop.csv", *lines)
    said = photobatch("export", "out", f"--to={to}", f"--image-base={BASE}", "-o", "new.csv")
    return said, (folder / "new.csv").read_text().splitlines()[1:]


def test_a_photo_put_before_the_others_takes_none_of_their_outputs(tmp_path: Path) -> None:
    ran(tmp_path, SHOPIFY, "mug,Mug,a.jpg,1", "mug,,b.jpg,2")
    shifted = (SHOPIFY, "mug,Mug,new.jpg,1", "mug,,a.jpg,2", "mug,,b.jpg,3")

    before, kept = exported(tmp_path, "shopify", *shifted)
    ran(tmp_path, *shifted)
    after, replaced = exported(tmp_path, "shopify", *shifted)

    assert kept == ["mug,Mug,new.jpg,1", "mug,,a.jpg,2", "mug,,b.jpg,3"]
    assert "0 rows with new images, 3 without" in before.err
    assert "2 rows name another image" in before.err
    assert "run again" in before.err
    assert [line.count(BASE) for line in replaced] == [1, 1, 1]
    assert "another image" not in after.err


def test_products_named_by_their_row_may_be_sorted_anew(tmp_path: Path) -> None:
    header = "id,title,image_link,additional_image_link"
    ran(tmp_path, header, ",,a.jpg,", ",,b.jpg,")

    said, lines = exported(tmp_path, "merchant", header, ",,b.jpg,", ",,a.jpg,")

    assert lines == [",,b.jpg,", ",,a.jpg,"]
    assert "2 rows name another image" in said.err


def test_a_table_whose_image_changed_is_exported_without_it(tmp_path: Path) -> None:
    ran(tmp_path, "sku,title,image_url", "M,Mug,a.jpg", "J,Jug,b.jpg")

    said, lines = exported(tmp_path, "csv", "sku,title,image_url", "M,A mug,new.jpg", "J,A jug,b.jpg")

    assert lines == ["M,A mug,new.jpg,", f"J,A jug,b.jpg,{BASE}/images/J/segmind-relighting-v2.png"]
    assert "1 row with new images, 1 without" in said.err
    assert "1 row names another image" in said.err


def test_a_handle_with_a_suffix_is_told(tmp_path: Path) -> None:
    rows = ("sku,title,image_url", "A/1,Mug,a.jpg", "***,Jug,b.jpg", "a-1,Cup,new.jpg")
    ran(tmp_path, *rows)

    said, _ = exported(tmp_path, "shopify", *rows)

    assert "2 products got a handle with a suffix" in said.err


def test_rows_of_a_task_manifest_that_share_a_key_get_their_own_outputs(tmp_path: Path) -> None:
    header = "key,endpoint,image_url,light_direction,light_type,light_temperature,light_intensity,prompt"
    light, scene = "left,softbox,neutral,bright,", ",,,,on oak"
    rows = (f"M,segmind-relighting-v2,a.jpg,{light}", f"M,ic-light,b.jpg,{scene}")
    ran(tmp_path, header, *rows, flags=())

    said, lines = exported(tmp_path, "csv", header, *rows)

    images = [line.rpartition(f"{BASE}/images/M/")[2].partition(".")[0] for line in lines]
    assert images == ["segmind-relighting-v2", "ic-light"]
    assert "another image" not in said.err


def test_the_image_of_a_row_is_found_by_the_steps_own_template() -> None:
    step = Step("light", "segmind-relighting-v2", {"image": "https://cdn/{sku}.jpg", "prompt": "{nowhere}"})
    images = FirstImages(Recipe((step,)), ("sku", "photo"))
    row = Row(1, ("M", "https://cdn/x.jpg"))

    assert images.names(row, "light", "https://cdn/M.jpg")
    assert not images.names(row, "light", "https://cdn/x.jpg")
    assert images.names(row, "earlier", "https://cdn/x.jpg"), "a step of an earlier recipe: any cell may have named it"
    assert not images.names(row, "earlier", "https://cdn/y.jpg")
