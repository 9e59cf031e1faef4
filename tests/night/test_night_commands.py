"""The commands of the night, as their users type them: init, config, nightly, status --nights, explain, resume."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs.cli import app, exit_code
from jobs.jobfile import load
from jobs.survey import survey
from pipeline.errors import PipelineError
from pipeline.lock import hold
from pipeline.sandbox import SANDBOX_KEY

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


def photobatch(*words: str | Path) -> Said:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, PipelineError):
        error = result.exception
        return Said(exit_code(error), result.stdout, f"{result.stderr}error: {error}\nhint: {error.hint}\n")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def test_what_init_writes_is_valid_and_runs(shop: Path) -> None:
    assert photobatch("init", "catalog.csv").code == 0
    job = load(shop / "nightly.toml", environment={})
    assert (job.recipe.key, job["money.cap_night"]) == ("{sku}", 5.0)

    first = photobatch("nightly", "nightly.toml", "--sandbox")
    assert (first.code, first.out.splitlines()[0]) == (0, "nightly: 3 done, $0.77")
    assert sorted(path.name for path in (shop / "out" / "catalog" / "images").iterdir()) == [
        "007",
        "MUG-001",
        "OIL-500",
    ]
    again = photobatch("nightly", "nightly.toml", "--sandbox", "--empty-exit", "99", "--json")
    assert (again.code, json.loads(again.out)["this_run"]["done"]) == (99, 0)


@pytest.mark.parametrize(
    "header",
    ["sku {id},title\x01x,image {url}", "id,{{title}},{image}", '"sku\n{1}",title,"image\x7f\x1b"', "a}b,t,x{image"],
)
def test_what_init_writes_for_braces_and_control_characters_in_names_runs(shop: Path, header: str) -> None:
    rows = [f"A{n},t,images/{name}.jpg" for n, name in enumerate(("mug", "bottle", "sneaker"))]
    (shop / "odd.csv").write_text("\n".join([header, *rows]), encoding="utf-8")

    said = photobatch("init", "odd.csv")
    night = photobatch("nightly", "nightly.toml", "--sandbox")

    assert (said.code, night.code, "please check" in said.err) == (0, 0, False)
    assert night.out.startswith("nightly: 3 done")


def test_init_says_when_only_braces_tell_two_columns_apart(shop: Path) -> None:
    (shop / "odd.csv").write_text("sku,image {1},image 1\nA,https://x.example/a.jpg,b\n", encoding="utf-8")

    assert "no column looks like images" in photobatch("init", "odd.csv").err


def test_init_overwrites_nothing_and_writes_nothing_when_one_file_is_there(shop: Path) -> None:
    (shop / "recipe.toml").write_text("mine", encoding="utf-8")
    said = photobatch("init", "catalog.csv")

    assert (said.code, (shop / "recipe.toml").read_text(encoding="utf-8")) == (2, "mine")
    assert not (shop / "nightly.toml").exists()
    assert "--to DIR" in said.err


def test_init_elsewhere_names_the_manifest_from_there(shop: Path) -> None:
    assert photobatch("init", "catalog.csv", "--to", "jobs/night").code == 0
    job = load(shop / "jobs" / "night" / "nightly.toml", environment={})
    assert Path(job.manifest()).resolve() == shop / "catalog.csv"


@pytest.mark.parametrize(
    ("text", "key", "image", "title"),
    [
        ("Artikel;Foto\nA 1;https://x.example/1.jpg\nA 2;https://x.example/2.jpg\n", "Artikel", "Foto", None),
        ("sku,name,thumb,link\n1,a,,p/1.png\n2,b,,p/2.png\n", "sku", "link", "name"),
        ("sku,image\n1,\n2,\n", "sku", "image", None),
        ("x,y\n1,2\n1,2\n", None, None, None),
    ],
)
def test_a_manifest_is_looked_at_before_anything_is_written(
    tmp_path: Path, text: str, key: str | None, image: str | None, title: str | None
) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    seen = survey(str(path))
    assert (seen.rows, seen.key, seen.image, seen.title) == (2, key, image, title)


def test_what_init_could_not_guess_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("x,y\n1,2\n1,2\n", encoding="utf-8")
    said = photobatch("init", "m.csv")
    assert said.code == 0
    assert "nothing names the rows" in said.err
    assert "no column looks like images" in said.err


def test_init_names_what_an_export_without_images_needs(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("sku,attribute_set,name\nB-1,Bag,Joust\nB-2,Bag,Strive\n", encoding="utf-8")
    (tmp_path / "images.csv").write_text("sku,image\nB-1,https://x.example/1.jpg\n", encoding="utf-8")
    said = photobatch("init", "m.csv", "--to", "without")
    assert "no row names an image: {image_url} is empty everywhere" in said.err
    assert "add --images FILE" in said.err
    assert "its photo is in" not in said.err
    refused = photobatch("nightly", "without/nightly.toml", "--sandbox")
    assert (refused.code, "add --images FILE, or images to the job file" in refused.err) == (2, True)

    said = photobatch("init", "m.csv", "--to", "with", "--images", "images.csv")
    assert "please check" not in said.err
    assert "2 rows; a product is named by {key}, its photo is in {image_url}" in said.err


@pytest.mark.parametrize("first", ["MUG-1,12.50", "MUG-1,photos/1.png"])
def test_init_asks_about_a_first_row_that_looks_like_data(tmp_path: Path, first: str) -> None:
    (tmp_path / "m.csv").write_text(f"{first}\nMUG-2,x\n", encoding="utf-8")
    assert "has the manifest a first row with names?" in photobatch("init", "m.csv").err


def test_config_says_where_every_value_comes_from_and_never_the_key(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "shop.toml").write_text(
        'manifest = "catalog.csv"\nout = "out"\n[money]\ncap_night = 3\n[notify]\nurls = ["slack://token@channel"]\n',
        encoding="utf-8",
    )
    (shop / ".env").write_text("PHOTOBATCH_RPM=30\nSEGMIND_API_KEY=SG_0123456789abcdef\n", encoding="utf-8")
    for name in ("PHOTOBATCH_RPM", "SEGMIND_API_KEY"):
        monkeypatch.setenv(name, "")  # so that what the command puts there is taken back
        monkeypatch.delenv(name)
    said = photobatch("config", "shop.toml", "--json")
    found: dict[str, Any] = {line["setting"]: (line["value"], line["from"]) for line in json.loads(said.out)}

    assert found["money.cap_night"] == (3.0, "shop.toml")
    assert found["pace.rpm"] == (30.0, "PHOTOBATCH_RPM (.env)")
    assert found["pace.api"] == ("queue", "default")
    assert found["SEGMIND_API_KEY"] == ("SG_…", ".env")
    assert "0123456789" not in said.out
    assert "token" not in said.out


def test_a_night_that_cannot_begin_is_told_to_the_people_and_ends_with_its_code(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "shop.toml").write_text(
        'manifest = "no-*.csv"\nout = "out"\n[notify]\nurls = ["$NOWHERE"]\n', encoding="utf-8"
    )
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shop / "page.md"))
    said = photobatch("nightly", "shop.toml", "--sandbox")

    assert said.code == 2
    assert "notice 1 ($NOWHERE) was not sent: the variable NOWHERE is not set" in said.err
    assert "it did not run" in (shop / "page.md").read_text(encoding="utf-8")
    assert not (shop / "out").exists()


def test_the_second_of_two_overlapping_nights_says_who_holds_the_folder_and_since_when(shop: Path) -> None:
    photobatch("init", "catalog.csv")
    with hold(shop / "out" / "catalog", "nightly", clock=lambda: 1_800_000_000.0):
        said = photobatch("nightly", "nightly.toml", "--sandbox")

    assert said.code == 75
    assert re.search(r"in use: `photobatch nightly` \(process \d+ on .+\) since 2027-01-15 08:00:00 UTC", said.err)


@pytest.mark.usefixtures("shop")
def test_the_trend_tells_a_run_that_was_killed_from_one_that_goes_on() -> None:
    photobatch("init", "catalog.csv")
    photobatch("nightly", "nightly.toml", "--sandbox", "--quiet")
    with closing(sqlite3.connect("out/catalog/ledger.db")) as db, db:
        db.execute("UPDATE runs SET finished_at=NULL, exit_code=NULL, summary=NULL")

    killed = json.loads(photobatch("status", "out/catalog", "--nights", "1", "--json").out)[0]
    assert (killed["cut_off"], killed["done"], killed["billed_usd"] > 0) == (True, None, True)
    assert "cut off" in photobatch("status", "out/catalog", "--nights", "1").out
    with hold(Path("out/catalog"), "nightly"):
        assert "not ended" in photobatch("status", "out/catalog", "--nights", "1").out


@pytest.mark.usefixtures("shop")
def test_the_trend_of_nights_has_a_line_per_run() -> None:
    photobatch("init", "catalog.csv")
    for _ in range(2):
        photobatch("nightly", "nightly.toml", "--sandbox", "--quiet")
    shown = photobatch("status", "out/catalog", "--nights", "14")
    past = json.loads(photobatch("status", "out/catalog", "--nights", "1", "--json").out)

    assert [line.split()[2] for line in shown.out.splitlines()[1:]] == ["nightly", "nightly"]
    assert "$0.77" in shown.out
    assert [(run["command"], run["done"], run["exit_code"]) for run in past] == [("nightly", 0, 0)]


@pytest.mark.usefixtures("shop")
def test_explain_reads_the_recipe_of_the_last_run() -> None:
    photobatch("init", "catalog.csv")
    photobatch("nightly", "nightly.toml", "--sandbox", "--quiet")
    everything = photobatch("explain", "out/catalog", "catalog.csv")
    one = json.loads(photobatch("explain", "out/catalog", "catalog.csv", "--key", "007", "--json").out)
    changed = photobatch("explain", "out/catalog", "catalog.csv", "--set", "light_type=ambient")

    assert everything.out.count("up to date") == 3
    assert [(task["key"], task["reason"]) for task in one["tasks"]] == [("007", "up to date")]
    assert "params changed: light_type softbox→ambient" in changed.out
    assert "3 calls to pay" in changed.err


@pytest.mark.usefixtures("shop")
def test_a_resume_can_say_what_it_would_cost_and_do_nothing() -> None:
    photobatch("init", "catalog.csv")
    photobatch("nightly", "nightly.toml", "--sandbox", "--quiet")
    assert photobatch("resume", "out/catalog", "--dry-run").out == "nothing is open\n"
    refused = photobatch("resume", "out/catalog", "--set", "quality=high", "--dry-run")
    assert (refused.code, "--only" in refused.err) == (2, True)


@pytest.mark.usefixtures("shop")
def test_a_rehearsals_cap_stops_it_with_4_and_the_report_says_so() -> None:
    photobatch("init", "catalog.csv")
    said = photobatch("nightly", "nightly.toml", "--sandbox", "--cap-night", "0.4")
    assert said.code == 4
    assert "the night's cap was reached, 2 tasks stay open" in said.out


def test_a_real_night_does_not_take_a_rehearsals_pictures_for_done(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", SANDBOX_KEY)
    assert "named by {sku}, its photo is in {image_url}" in photobatch("init", "catalog.csv").err
    rehearsed = photobatch("nightly", "nightly.toml", "--sandbox")
    assert "a rehearsal on the sandbox: no money was spent" in rehearsed.err

    for flags in ((), ("--real",)):
        refused = photobatch("nightly", "nightly.toml", *flags)
        assert refused.code == 2
        assert f"{shop / 'out' / 'catalog'} holds a rehearsal" in refused.err
        assert "out = … in nightly.toml" in refused.err
    assert photobatch("nightly", "nightly.toml", "--sandbox").code == 0


@pytest.mark.usefixtures("shop")
def test_a_key_that_no_row_has_is_a_typing_error() -> None:
    photobatch("init", "catalog.csv")
    photobatch("nightly", "nightly.toml", "--sandbox", "--quiet")
    refused = photobatch("resume", "out/catalog", "--key", "MUG-002", "--dry-run")
    assert (refused.code, "--key MUG-002: out/catalog has no row of this name" in refused.err) == (2, True)
    assert photobatch("resume", "out/catalog", "--key", "MUG-001", "--dry-run").code == 0


def test_what_was_said_of_reading_stands_in_the_job(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes(
        "sku;image_url;titre\nA;https://cdn.example.com/a.jpg;caf\u00e9\n".encode("cp1252")
    )

    refused = photobatch("init", tmp_path / "old.csv", "--to", tmp_path)
    made = photobatch("init", tmp_path / "old.csv", "--to", tmp_path, "--encoding", "cp1252")

    assert (refused.code, made.code) == (2, 0)
    assert "--encoding cp1252" in refused.err
    assert '\nencoding = "cp1252"' in (tmp_path / "nightly.toml").read_text(encoding="utf-8")
