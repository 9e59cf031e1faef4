"""How often finished calls are asked after; unknown prices; and calls that begin before the manifest was read."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline import endpoints
from tests.endpoints.test_plug_ins import UPSCALE, install
from tests.run.commands import ROOT, Provider, photobatch
from tests.run.conftest import STUDIO, products, recipe, write_csv
from tests.run.test_command_line import RELIGHTING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.conftest import Open


def test_a_task_is_asked_after_four_times_at_most_and_noticed_in_time(tmp_path: Path) -> None:
    provider = Provider.start("--latency", 2)
    out = tmp_path / "out"
    try:
        done = provider.run("run", write_csv(tmp_path / "c.csv", products(30)), *RELIGHTING, "-o", out, "--json")
        requests = provider.requests()
    finally:
        provider.stop()

    kinds = Counter(each["kind"] for each in requests)
    assert done.json["tasks"]["done"] == 30
    assert kinds["status"] + kinds["result"] <= 4 * 30
    seen = {each["request_id"]: each["at"] for each in requests if each["kind"] == "result"}
    sent = {each["request_id"]: each["at"] for each in requests if each["kind"] == "submit"}
    late = sorted(seen[name] - sent[name] - 2.0 for name in sent)
    assert late[len(late) // 2] < 1.0, "about 0.2 s; a busy machine is given time"


def test_an_unknown_price_is_unknown_and_a_cap_asks_for_one(tmp_path: Path) -> None:
    install(tmp_path / "site", UPSCALE.format(slug="upscale", price="None", priced_by="()"))
    manifest = write_csv(tmp_path / "c.csv", products(3))
    env = {"PYTHONPATH": f"{tmp_path / 'site'}{':' if sys.platform != 'win32' else ';'}{ROOT}"}
    what = (manifest, "--endpoint", "upscale", "--set", "image={image_url}")

    plan = photobatch("plan", *what, "--json", env=env)
    capped = photobatch("run", *what, "--out", tmp_path / "out", "--cap", "1", "--sandbox", env=env)
    assumed = photobatch("plan", *what, "--json", "--assume-price", "upscale=0.5", env=env)

    assert (plan.code, plan.json["cost"]) == (0, {"typical_usd": None, "worst_usd": None})
    assert capped.code == 2
    assert "--assume-price upscale=" in capped.err
    assert assumed.json["cost"] == {"typical_usd": 1.5, "worst_usd": 1.5}


def test_a_plan_without_a_limit_of_the_rate_is_bound_by_the_calls_at_a_time(tmp_path: Path) -> None:
    manifest = write_csv(tmp_path / "c.csv", products(2000))

    plan = pipeline.plan(manifest, recipe(STUDIO), rpm=0)
    few = pipeline.plan(manifest, recipe(STUDIO), rpm=0, limit=10)

    latency_s = endpoints.get("segmind-relighting-v2").latency_s
    assert plan.seconds == pytest.approx(2000 / 256 * latency_s)
    assert few.seconds == latency_s


def test_a_plan_lists_what_is_invalid_for_programs_and_people(tmp_path: Path) -> None:
    rows = products(3)
    rows[1]["image_url"] = "ftp://shop.example/2.jpg"
    manifest = write_csv(tmp_path / "c.csv", rows)

    plan = photobatch("plan", manifest, *RELIGHTING, "--invalid-csv", tmp_path / "invalid.csv")
    listed = (tmp_path / "invalid.csv").read_text(encoding="utf-8").splitlines()

    assert plan.code == 3
    assert "row 2, column image_url" in plan.err
    assert listed[0] == "row,key,step,endpoint,reason"
    assert listed[1].startswith("2,P-002,segmind-relighting-v2,segmind-relighting-v2,")
    assert json.loads(photobatch("plan", manifest, *RELIGHTING, "--json").out)["invalid_rows"][0]["row"] == 2


def test_the_list_of_what_is_invalid_runs_nothing_in_a_spreadsheet_and_says_where_it_cannot_be(tmp_path: Path) -> None:
    rows = products(2)
    rows[0] |= {"sku": "=cmd|' /C calc'!A0", "image_url": "ftp://shop.example/1.jpg"}
    manifest = write_csv(tmp_path / "c.csv", rows)
    listed = tmp_path / "invalid.csv"

    plan = photobatch("plan", manifest, *RELIGHTING, "--invalid-csv", listed)
    refused = photobatch("plan", manifest, *RELIGHTING, "--invalid-csv", tmp_path / "nowhere" / "x.csv")

    assert plan.code == 3
    assert listed.read_text(encoding="utf-8").splitlines()[1].startswith("1,'=cmd|")
    assert (refused.code, "cannot be written" in refused.err) == (2, True)
    assert "hint: choose another: --invalid-csv" in refused.err


async def test_without_preflight_the_first_call_starts_before_the_manifest_is_read(open_shop: Open) -> None:
    shop = await open_shop({"match": {"kind": "submit", "nth": 1}, "fault": "401"})

    summary = await shop.run(products(30_000), STUDIO, preflight=False)

    assert summary["stopped_by"] == "account"
    assert 0 < summary["rows"] < 30_000, "the first call was answered while rows were still to come"
