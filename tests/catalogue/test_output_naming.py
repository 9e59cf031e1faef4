"""`--name`: outputs called after columns, inside the folder whatever the cells hold, and never two alike."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from tests.catalogue.commands import RELIGHT, Said, csv_file, photo, photobatch

if TYPE_CHECKING:
    from pathlib import Path

TITLES = ["Mug", "mug", "Mug", "../../etc", "CON", "a/b", ".", "Größe", "x" * 300, ""]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    lines = []
    for n, title in enumerate(TITLES):
        (tmp_path / f"{n}.png").write_bytes(photo((n, 2 * n, 90), kind="PNG"))
        lines.append(f"{n},{title},{n}.png")
    return csv_file(tmp_path / "c.csv", "sku,title,image", *lines)


def run(catalogue: Path, *flags: str) -> Said:
    return photobatch("run", catalogue, *RELIGHT, "--sandbox", "--out", "out", "--json", *flags)


def outputs(folder: Path) -> dict[str, str]:
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return {line["key"]: line["output"] for line in csv.DictReader(file)}


def test_every_output_has_a_safe_name_of_its_own(catalogue: Path, tmp_path: Path) -> None:
    done = run(catalogue, "--name", "{title}")

    named = outputs(tmp_path / "out")
    assert done.code == 0
    assert len({path.casefold() for path in named.values()}) == len(TITLES)
    for path in named.values():
        file = (tmp_path / "out" / path).resolve()
        assert file.is_file()
        assert file.parent == (tmp_path / "out" / "images").resolve()
        assert len(file.name.encode()) <= 120
    assert sum(named[key].casefold() == "images/mug.png" for key in ("0", "1", "2")) == 1


def test_slashes_of_the_template_make_folders_and_those_of_cells_do_not(catalogue: Path, tmp_path: Path) -> None:
    run(catalogue, "--name", "{step}/{title}-{sku}")

    for path in outputs(tmp_path / "out").values():
        assert len(path.split("/")) == 3
        assert path.startswith("images/segmind-relighting-v2/")


def test_names_follow_a_task_through_repetition_and_replacement(catalogue: Path, tmp_path: Path) -> None:
    run(catalogue, "--name", "{title}")
    before = outputs(tmp_path / "out")

    again = run(catalogue)
    changed = run(catalogue, "--set", "quality=high")

    assert again.summary["requests"]["submit"] == 0
    assert changed.summary["requests"]["submit"] == len(TITLES)
    assert outputs(tmp_path / "out") == before
    assert len(list((tmp_path / "out" / "superseded").rglob("*.png"))) == len(TITLES)


def test_the_way_of_naming_is_settled_with_the_first_output(catalogue: Path) -> None:
    run(catalogue)

    said = run(catalogue, "--name", "{title}")

    assert said.code == 2
    assert "give another --out folder" in said.err


@pytest.mark.parametrize(
    ("template", "words"),
    [("{titel}", "did you mean title?"), ("same", "names every output alike"), ("{", "names no column")],
)
def test_a_template_that_cannot_name_is_refused_before_anything(
    template: str, words: str, catalogue: Path, tmp_path: Path
) -> None:
    said = run(catalogue, "--name", template)

    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "out").exists()
