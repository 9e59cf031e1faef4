"""Files as people have them: what can be read for certain runs, the rest is refused with file, row and remedy."""

from __future__ import annotations

import gzip
import os
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import pipeline
from pipeline.errors import ManifestError
from tests.catalogue.commands import RELIGHT, csv_file, photo, photobatch, plan

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://cdn.example.com"
HEAD = "sku,title,image_url\n"
REFUSED = {
    "encoding": (HEAD.encode() + b"A,caf\xe9,https://x.io/a.jpg\n", ("byte 25", "row 1", "--encoding cp1252")),
    "quote": (HEAD.encode() + b'A,"open,https://x.io/a.jpg\nB,b,c\n', ("row 1", "never closed")),
    "ragged": (HEAD.encode() + b"A,t,u\nB,t,u,more,cells\n", ("row 2", "5 cells", "3")),
    "short": (HEAD.encode() + b"A,t,u\nB,t\n", ("row 2", "2 cells")),
    "empty": (b"", ("is empty",)),
    "header": (HEAD.encode(), ("has no rows",)),
    "page": (b"<!DOCTYPE html><html><body>Log in</body></html>", ("web page", "download the export again")),
    "excel": (b"PK\x03\x04 and more", ("Excel", "CSV")),
    "no image": (b"sku,title,address\nA,t,u\n", ("needs image", "address")),
    "no key": (b"title,image_url\nt,https://x.io/a.jpg\n", ("no column can name the rows", "title")),
    "same keys": (HEAD.encode() + b"A,t,u\nA,t,v\n", ("A in rows 1 and 2", "--key")),
    "no keys": (HEAD.encode() + b"A,t,u\n,t,v\n", ("empty in 1 of 2 rows", "row 2", "--key")),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_read_is_refused_and_leaves_nothing_behind(fault: str, tmp_path: Path) -> None:
    data, words = REFUSED[fault]
    (tmp_path / "shop.csv").write_bytes(data)

    planned = photobatch("plan", "shop.csv", *RELIGHT)
    run = photobatch("run", "shop.csv", *RELIGHT, "--sandbox", "--out", "out")

    for said in (planned, run):
        assert said.code == 2
        assert [word for word in words if word not in said.err] == []
    assert not (tmp_path / "out").exists()


def test_cells_that_name_no_file_are_invalid_in_a_line_that_can_be_read(tmp_path: Path) -> None:
    csv_file(tmp_path / "shop.csv", "sku,title,image_url", f"A,t,{'x' * 1_000_000}", "B,t,~nobody.jpg")

    planned = photobatch("plan", "shop.csv", *RELIGHT)
    based = photobatch("plan", "shop.csv", *RELIGHT, "--image-base-url", URL)

    assert (planned.code, based.code) == (2, 0)
    assert "row 2, column image_url: image" in planned.out + planned.err
    assert len(planned.out + planned.err) < 5000


def test_a_corrected_file_runs_into_the_folder_that_was_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo())
    csv_file(tmp_path / "shop.csv", "sku,title,image_url", "A,t,a.jpg,extra")
    first = photobatch("run", "shop.csv", *RELIGHT, "--sandbox", "--out", "out")
    csv_file(tmp_path / "shop.csv", "sku,title,image_url", "A,t,a.jpg")

    second = photobatch("run", "shop.csv", *RELIGHT, "--sandbox", "--out", "out", "--json")

    assert (first.code, second.code, second.summary["tasks"]["done"]) == (2, 0, 1)


def test_a_file_that_turns_bad_takes_nothing_from_what_was_made(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo())
    csv_file(tmp_path / "shop.csv", "sku,title,image_url", "A,t,a.jpg")
    photobatch("run", "shop.csv", *RELIGHT, "--sandbox", "--out", "out", "--quiet")
    csv_file(tmp_path / "shop.csv", "sku,title,image_url")

    emptied = photobatch("run", "shop.csv", *RELIGHT, "--sandbox", "--out", "out")

    assert emptied.code == 2
    assert photobatch("status", "out", "--json").summary["tasks"]["done"] == 1


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        ("SKU , Image_URL", ()),
        (" Sku,IMAGE", ()),
        ("sku,Image URL", ()),
        ("sku,img_url", ()),
        ("sku;URL_IMG", ()),
        ("sku\tphoto", ()),
        ("nr,picture", ("--key", "NR")),
        ("sku,foto", ("--set", "image={foto}")),
    ],
)
def test_headers_may_be_padded_shouted_or_called_otherwise(header: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    cut = next(c for c in ",;\t" if c in header)
    path = csv_file(tmp_path / "shop.csv", header, f"A{cut}{URL}/a.jpg", f"B{cut}{URL}/b.jpg")

    said = plan(path, *flags)

    assert (said.code, said.summary["to_pay"]) == (0, 2)


def test_of_two_columns_that_may_hold_images_none_is_guessed(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "shop.csv", "sku,photo,picture", f"A,{URL}/a.jpg,{URL}/b.jpg")

    said = plan(path)

    assert said.code == 2
    assert "--set image=" in said.err


@pytest.mark.parametrize(
    "cell", [f"{URL}/a.jpg, {URL}/b.jpg", f"{URL}/a.jpg\n{URL}/b.jpg", f"{URL}/a.jpg|{URL}/b.jpg", "a.jpg;b.jpg"]
)
def test_several_images_in_one_cell_are_never_guessed_at(cell: str, tmp_path: Path) -> None:
    path = csv_file(tmp_path / "shop.csv", "sku,image_url", f'A,"{cell}"', f"B,{URL}/c.jpg")

    said = plan(path)

    assert (said.code, said.summary["to_pay"]) == (3, 1)
    assert "holds 2 images" in said.summary["invalid_rows"][0]["reason"]


def test_a_url_inside_a_url_is_one_image(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "shop.csv", "sku,image_url", f"A,{URL}/fetch/w_200/https://other.example.com/a.jpg")

    assert plan(path).summary["to_pay"] == 1


def test_rows_without_an_image_are_reported_and_make_no_task(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "shop.csv", "sku,image_url", f"A,{URL}/a.jpg", "B,", "C,  ")

    said = plan(path)

    assert (said.code, said.summary["tasks"], said.summary["rows_without_image"]) == (0, 1, 2)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    path = csv_file(tmp_path / "shop.csv", "sku,title,image_url", f"A,Größe,{URL}/a.jpg", encoding=encoding)
    flags = ("--encoding", "cp1252") if encoding == "cp1252" else ()

    assert plan(path, *flags).summary["to_pay"] == 1


def test_packed_files_standard_input_json_and_parquet(tmp_path: Path) -> None:
    rows = [{"sku": "007", "images": [f"{URL}/a.jpg"], "note": None}, {"sku": "NA", "images": [], "note": None}]
    pd.DataFrame(rows).to_parquet(tmp_path / "shop.parquet")
    pd.DataFrame(rows).to_json(tmp_path / "shop.jsonl", orient="records", lines=True)
    text = f"sku,images\n007,{URL}/a.jpg\nNA,\n".encode()
    (tmp_path / "shop.csv.gz").write_bytes(gzip.compress(text))
    image = ("--set", "image={images}")

    for source in ("shop.parquet", "shop.jsonl", "shop.csv.gz"):
        numbers = plan(source, *image).summary
        assert (numbers["rows"], numbers["to_pay"], numbers["rows_without_image"]) == (2, 1, 1), source
    assert plan("-", *image, stdin=text).summary["to_pay"] == 1


def test_the_python_interface_refuses_in_the_same_words() -> None:
    frame = pd.DataFrame({"sku": ["A", "A"], "image_url": [f"{URL}/a.jpg", f"{URL}/b.jpg"]})
    recipe = pipeline.Recipe.one_step("segmind-relighting-v2", [each.removeprefix("--set=") for each in RELIGHT[1:]])

    with pytest.raises(ManifestError, match="A in rows 1 and 2"):
        pipeline.plan(frame, recipe)


def test_a_large_catalogue_whose_first_rows_mislead_finds_its_key(tmp_path: Path) -> None:
    lines = [f"S{n},{n},{URL}/{n}.jpg" for n in range(20_500)]
    lines[-1] = f"S0,20499,{URL}/20499.jpg"  # the sku is unique in the rows that are looked at first
    path = csv_file(tmp_path / "shop.csv", "sku,id,image_url", *lines)

    said = plan(path)

    assert (said.code, said.summary["key"], said.summary["to_pay"]) == (0, "{id}", 20_500)


def test_step_names_that_would_meet_in_one_file_are_refused(tmp_path: Path) -> None:
    step = '[[step]]\nname = "{}"\nendpoint = "{}"\nparams.image = "x"\nparams.prompt = "y"\n'
    many = "bg-replace"
    (tmp_path / "r.toml").write_text(step.format("scene", many) + step.format("scene-2", many))
    path = csv_file(tmp_path / "shop.csv", "sku,image_url", f"A,{URL}/a.jpg")

    said = photobatch("plan", path, "--recipe", "r.toml")

    assert said.code == 2
    assert "further image" in said.err


def test_two_columns_of_one_name_are_told_apart_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text(f"sku,title,title,image_url\nA,t,u,{URL}/a.jpg\n", encoding="utf-8")
    planned = photobatch("plan", "shop.csv", *RELIGHT)

    assert planned.code == 0
    assert 'two columns are called "title": the first is {title}, another is {title.1}' in planned.out


@pytest.mark.parametrize(
    "command",
    [
        ("plan", "", *RELIGHT),
        ("plan", " ", *RELIGHT),
        ("run", "", *RELIGHT, "--sandbox", "--out", "out"),
        ("run", "shop.csv", "--recipe", "", "--sandbox", "--out", "out"),
        ("run", "shop.csv", "--endpoint", "", "--sandbox", "--out", "out"),
        ("run", "shop.csv", *RELIGHT, "--images", "", "--sandbox", "--out", "out"),
        ("run", "shop.csv", *RELIGHT, "--cap-file", "", "--cap", "1", "--sandbox", "--out", "out"),
        ("plan", "shop.csv", *RELIGHT, "--invalid-csv", ""),
        ("init", ""),
        ("init", "shop.csv", "--to", ""),
        ("nightly", ""),
        ("nightly", "job.toml", "--sandbox"),
    ],
    ids=" ".join,
)
def test_a_variable_that_is_not_set_is_a_usage_error_and_no_folder(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "a.jpg").write_bytes(photo())
    csv_file(tmp_path / "shop.csv", "sku,title,image_url", "A,t,a.jpg")
    csv_file(tmp_path / "job.toml", 'manifest = ""', 'recipe = "recipe.toml"', 'out = "out"')

    said = photobatch(*command)

    assert said.code == 2
    assert {path.name for path in tmp_path.iterdir()} <= {"a.jpg", "shop.csv", "job.toml"}


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_photo_whose_name_is_not_utf_8_is_named_as_the_reason(tmp_path: Path, command: str) -> None:
    (tmp_path / "photos").mkdir()
    for name in (b"a.jpg", b"b\xfc.jpg"):
        (tmp_path / "photos" / os.fsdecode(name)).write_bytes(photo())

    said = photobatch(command, "photos", *RELIGHT, "--sandbox", *(["--out", "out"] if command == "run" else []))

    assert said.code == 2
    assert "row 2 holds half a character" in said.err
    assert "must be valid UTF-8" in said.err


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
@pytest.mark.parametrize("command", [("plan", *RELIGHT), ("run", *RELIGHT, "--sandbox", "--out=out"), ("init",)])
def test_a_manifest_whose_name_is_not_utf_8_is_refused_before_anything_is_written(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    name = os.fsdecode(b"cat\xfc.csv")
    csv_file(tmp_path / name, "sku,title,image_url", f"A,t,{URL}/a.jpg")

    said = photobatch(command[0], name, *command[1:])

    assert said.code == 2
    assert "cat\\udcfc.csv: the name is not valid UTF-8" in said.err.replace("'", "")
    assert [path.name for path in tmp_path.iterdir()] == [name]
