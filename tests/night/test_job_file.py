"""Job files: strict, relative to themselves, and every value with where it came from."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from jobs.entries import ENTRIES
from jobs.jobfile import Job, load
from jobs.nightly import caps_of, settings_of, wanted_of
from pipeline.caps import night_began
from pipeline.errors import ManifestError, RecipeError
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from pipeline.target import REAL, SANDBOX, Target

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL = 'manifest = "catalog.csv"\nout = "out"\n'
STEP = '[[step]]\nendpoint = "bg-replace"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return path


def with_values(job: Job, **values: Any) -> Job:
    return replace(job, values={**job.values, **values})


def at(day: int, hour: int) -> datetime:
    """An hour of March, where this test runs."""
    return datetime(2026, 3, day, hour, 0).astimezone()


def test_paths_are_relative_to_the_job_file_wherever_one_stands(tmp_path: Path) -> None:
    home = tmp_path / "shop"
    home.mkdir()
    (home / "recipe.toml").write_text(STEP, encoding="utf-8")
    job = load(write(home, f'{MINIMAL}recipe = "recipe.toml"\n[output]\nmetrics_file = "m.prom"\n'), environment={})

    assert job.out == home / "out"
    assert job["manifest"] == str(home / "catalog.csv")
    assert job["output.metrics_file"] == home / "m.prom"
    assert job.recipe == Recipe.load(home / "recipe.toml")


def test_a_recipe_may_stand_in_the_job_file(tmp_path: Path) -> None:
    job = load(write(tmp_path, f'{MINIMAL}[recipe]\nname = "inline"\n{STEP}'), environment={})
    assert (job.recipe.name, job.recipe.steps[0].endpoint) == ("inline", "bg-replace")


def test_without_a_recipe_the_rows_name_their_endpoints(tmp_path: Path) -> None:
    assert load(write(tmp_path, MINIMAL), environment={}).recipe.from_rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("manifst = 'x'\n" + MINIMAL, r"manifst.*did you mean manifest\?"),
        (MINIMAL + "[money]\ncap_nigth = 3\n", r"money.cap_nigth.*did you mean money.cap_night\?"),
        (MINIMAL + "[pace]\ncap_night = 3\n", "pace.cap_night.*belongs into .money."),
        (MINIMAL + "cap_night = 3\n", "cap_night.*belongs into .money."),
        (MINIMAL + "[monney]\ncap_night = 3\n", r"monney.*did you mean money\?"),
        (MINIMAL + "[money]\ncap_night = '3 dollars'\n", "cap_night.*must be a number"),
        (MINIMAL + "[money]\ncap_night = -1\n", "cap_night.*must be 0 or more"),
        (MINIMAL + "[money]\ncap_night = true\n", "cap_night.*must be a number"),
        (MINIMAL + "[pace]\ndeadline = 'soon'\n", "deadline.*neither a duration nor a time of day"),
        (MINIMAL + "[pace]\napi = 'v3'\n", "api.*must be one of queue, sync"),
        (MINIMAL + "[notify]\non = ['failures']\n", r"notify.on.*did you mean failure\?"),
        (MINIMAL + "[provider]\nsandbox = 1\n", "sandbox.*must be true or false"),
        (MINIMAL + "[money]\ncap_file = 'c.db'\n", "there is no cap_month"),
        (MINIMAL + "recipe = 'r.toml'\n" + STEP, "keep one of them|steps of its own"),
        ("out = 'out'\n", "there is no manifest"),
        ("manifest = [\n", "not valid TOML"),
        (MINIMAL + "[[step]]\nendpoint = 'bg-replac'\n", "bg-replac"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_the_nearest_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError) as refused:
        load(write(tmp_path, text), environment={})
    assert re.search(f"shop.toml.*(?:{said})", f"{refused.value} {refused.value.hint}")


@pytest.mark.parametrize("codec", ["latin-1", "utf-16"])
def test_a_file_in_another_encoding_is_to_be_saved_as_utf8(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "shop.toml"
    path.write_bytes(f"# caf\u00e9\n{MINIMAL}".encode(codec))

    for read in (load, Recipe.load):
        with pytest.raises(RecipeError, match="is not UTF-8") as refused:
            read(path)
        assert refused.value.hint == "save it as UTF-8"


def test_a_flag_counts_more_than_the_environment_and_that_more_than_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, f"{MINIMAL}[money]\ncap_night = 1\n[pace]\nrpm = 10\nconcurrency = 3\n")
    job = load(path, {"money.cap_night": 3.0}, {"PHOTOBATCH_CAP_NIGHT": "2", "PHOTOBATCH_RPM": "20"})

    assert (job["money.cap_night"], job["pace.rpm"], job["pace.concurrency"]) == (3, 20, 3)
    origins = [job.origins[place] for place in ("money.cap_night", "pace.rpm", "pace.concurrency")]
    assert origins == ["flag", "PHOTOBATCH_RPM", "job file"]
    assert "pace.api" not in job.origins


def test_the_environment_does_not_move_a_jobs_folder(tmp_path: Path) -> None:
    job = load(write(tmp_path, MINIMAL), environment={"PHOTOBATCH_OUT": "elsewhere", "PHOTOBATCH_KEY": "{x}"})
    assert (job.out, job["key"]) == (tmp_path / "out", None)


def test_of_a_pattern_the_newest_file_wins(tmp_path: Path) -> None:
    job = load(write(tmp_path, 'manifest = "exports/**/catalog-*.csv"\nout = "out"\n'), environment={})
    with pytest.raises(ManifestError, match="there is no such file"):
        job.manifest()
    (tmp_path / "exports" / "old").mkdir(parents=True)
    for age, name in ((200, "catalog-b.csv"), (100, "old/catalog-a.csv"), (0, "catalog-c.txt")):
        path = tmp_path / "exports" / name
        path.write_text("sku\n", encoding="utf-8")
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))

    assert job.manifest() == str(tmp_path / "exports" / "old" / "catalog-a.csv")


def test_the_folder_of_a_job_may_have_a_name_like_a_pattern(tmp_path: Path) -> None:
    home = tmp_path / "shop [1]"
    home.mkdir()
    (home / "catalog-1.csv").write_text("sku\n", encoding="utf-8")
    job = load(write(home, 'manifest = "catalog-*.csv"\nout = "out"\n'), environment={})
    assert job.manifest() == str(home / "catalog-1.csv")


def test_a_name_with_brackets_is_a_name_before_it_is_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "catalog[1].csv").write_text("sku\n", encoding="utf-8")
    job = load(write(tmp_path, 'manifest = "catalog[1].csv"\nout = "out"\n'), environment={})
    assert job.manifest() == str(tmp_path / "catalog[1].csv")


@pytest.mark.parametrize(("hour", "day"), [(22, 3), (11, 2), (12, 3), (3, 2)])
def test_a_night_begins_at_the_last_noon(hour: int, day: int) -> None:
    began = night_began(at(3, hour))
    assert began == at(day, 12).timestamp()


def test_every_month_counts_in_a_file_of_its_own_and_rehearsals_apart(tmp_path: Path) -> None:
    job = load(write(tmp_path, f"{MINIMAL}[money]\ncap_month = 9\ncap_file = 'caps/all.db'\n"), environment={})
    august = datetime(2026, 8, 31, 23, 0).astimezone()

    def pool(job: Job, provider: str) -> Path | None:
        target = Target(provider, None, "")
        found = Settings(caps=caps_of(job)).orders(tmp_path, target, "nightly", caps=caps_of(job), now=august).pool
        return found and found.file

    assert pool(job, REAL) == tmp_path / "caps" / "all-2026-08.db"
    assert pool(job, SANDBOX) == tmp_path / "caps" / "all-2026-08-sandbox.db"
    assert pool(with_values(job, **{"money.cap_month": None}), REAL) is None


def test_every_entry_reaches_the_run(tmp_path: Path) -> None:
    text = """
manifest = "catalog.csv"
out = "out"
[reading]
trust_urls = true
encoding = "cp1252"
[money]
cap_night = 5
cap_month = 50
assume_price = { bg-replace = 0.5 }
[pace]
deadline = "4h"
rpm = 90
max_failures = 7
settle_after = "2m"
[output]
prune = true
ai_label = false
name = "{sku}"
images_to = "s3://bucket/shop"
"""
    (tmp_path / "catalog.csv").write_text("sku,endpoint\n", encoding="utf-8")
    job = load(write(tmp_path, text), environment={})
    now = at(3, 22).timestamp()
    settings, wanted = settings_of(job, now), wanted_of(job)

    orders = settings.orders(job.out, Target(REAL, None, ""), "nightly", caps=settings.caps, now=at(3, 22))

    assert orders.caps_usd == {"cap_usd": 5, "cap_month_usd": 50}
    assert (orders.period and orders.period.since, orders.cap_nano) == (now - 10 * 3600, None)
    assert (settings.deadline, settings.rpm, settings.settle_after_s) == (now + 4 * 3600, 90, 120)
    assert (settings.name, settings.images_to) == ("{sku}", "s3://bucket/shop")
    assert (settings.max_failures, settings.prune, settings.ai_label) == ("7", True, False)
    assert (wanted.check_images, wanted.encoding) == (False, "cp1252")
    assert wanted.assumed_nano == {"bg-replace": 500_000_000}


def test_every_entry_has_a_valid_example_and_a_meaning() -> None:
    import tomllib

    for entry in ENTRIES:
        value = tomllib.loads(f"{entry.name} = {entry.example}")[entry.name]
        entry.check(value)
        assert entry.meaning.endswith("."), entry.place
