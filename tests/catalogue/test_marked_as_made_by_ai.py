"""Outputs say that they were made by AI, in the file itself and in the ledger; one flag switches it off."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from pipeline import endpoints
from pipeline.images.label import labelled
from tests.catalogue.commands import csv_file, photo, photobatch

if TYPE_CHECKING:
    from pathlib import Path

STEPS = {
    "relight": (
        "segmind-relighting-v2",
        (
            'image = "{image}"\nlight_direction = "left"\nlight_type = "softbox"\nlight_temperature = "neutral"\n'
            'light_intensity = "bright"\noutput_format = "jpeg"'
        ),
    ),
    "mood": ("ic-light", 'subject_image = "{image}"\nprompt = "{title}"'),
    "room": (
        "seg-swap",
        'main_image = "{image}"\nmask_image = "{mask}"\nobject_image = "{image}"\nprompt = "{title}"',
    ),
    "scene": ("segmind-scenecraft-v01", 'image = "{image}"\nprompt = "{title}"'),
    "background": ("bg-replace", 'image = "{image}"\nref_image = "{image}"\nprompt = "{title}"'),
}
RECIPE = "\n".join(
    f'[[step]]\nname = "{name}"\nendpoint = "{slug}"\n[step.params]\n{params}' for name, (slug, params) in STEPS.items()
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    (tmp_path / "mug.png").write_bytes(photo(size=(256, 256), kind="PNG"))
    (tmp_path / "mask.png").write_bytes(photo((0, 0, 0), (256, 256), kind="PNG"))
    (tmp_path / "r.toml").write_text(RECIPE)
    return csv_file(tmp_path / "c.csv", "sku,title,image,mask", "M,Mug,mug.png,mask.png")


def marks(folder: Path) -> dict[str, tuple[str | None, int]]:
    with sqlite3.connect(folder / "ledger.db") as db:
        outputs = db.execute("SELECT endpoint, path, ai_label FROM outputs JOIN tasks ON task_id = id").fetchall()
    db.close()
    return {slug: (labelled((folder / path).read_bytes()), said) for slug, path, said in outputs}


def test_the_outputs_of_all_five_endpoints_carry_their_mark(catalogue: Path, tmp_path: Path) -> None:
    done = photobatch("run", catalogue, "--recipe", "r.toml", "--sandbox", "--out", "out", "--quiet")

    assert done.code == 0
    assert marks(tmp_path / "out") == {slug: (endpoints.get(slug).digital_source, 1) for slug, _ in STEPS.values()}


def test_one_flag_leaves_the_outputs_as_they_came(catalogue: Path, tmp_path: Path) -> None:
    photobatch("run", catalogue, "--recipe", "r.toml", "--sandbox", "--out", "out", "--quiet", "--no-ai-label")

    assert marks(tmp_path / "out") == {slug: (None, 0) for slug, _ in STEPS.values()}


def test_the_ledger_command_says_how_many_are_marked(catalogue: Path) -> None:
    photobatch("run", catalogue, "--recipe", "r.toml", "--sandbox", "--out", "out", "--quiet")

    said = photobatch("ledger", "out", "-o", "results.csv")

    assert "5 of 5 outputs are marked as made by AI" in " ".join(said.err.split())
