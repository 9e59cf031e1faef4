"""Metrics: documented names, Prometheus' format, replaced whole, served while running."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from jobs.metrics import Metrics
from pipeline.errors import RecipeError
from pipeline.metrics import METRICS

if TYPE_CHECKING:
    from conftest import Night  # type: ignore[import-not-found]  # a fixture's type

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operator.md"
LINE = re.compile(r'[a-z_0-9]+(?:\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)+\})? (?:-?\d|[+-]Inf)\S*')


async def test_the_file_says_what_the_folder_and_the_run_came_to(night: Night, tmp_path: Path) -> None:
    night.catalogue([("P0", "thing", night.photo("a.png", "red"))])
    summary = await night.work()
    file = tmp_path / "deep" / "photobatch.prom"
    Metrics(night.out, file, None).finished(summary)
    text = file.read_text(encoding="utf-8")
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    assert all(LINE.fullmatch(line) for line in text.splitlines() if not line.startswith("#"))
    assert values['photobatch_tasks{endpoint="ic-light",state="done"}'] == "1"
    assert values['photobatch_tasks{endpoint="ic-light",state="failed"}'] == "0"
    assert float(values['photobatch_billed_usd{endpoint="ic-light"}']) == pytest.approx(0.037)
    assert values['photobatch_call_seconds_count{endpoint="ic-light"}'] == "1"
    assert values['photobatch_call_seconds_bucket{endpoint="ic-light",le="+Inf"}'] == "1"
    assert values["photobatch_run_calls"] == "2"
    assert values["photobatch_last_exit_code"] == "0"
    assert float(values["photobatch_balance_usd"]) > 9999
    assert values["photobatch_last_success_timestamp_seconds"] == values["photobatch_last_run_timestamp_seconds"]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


async def test_every_metric_is_documented_and_no_other_is_written(night: Night, tmp_path: Path) -> None:
    night.catalogue([("P0", "thing", night.photo("a.png", "red"))])
    summary = await night.work()
    file = tmp_path / "photobatch.prom"
    Metrics(night.out, file, None).finished(summary)
    written = re.findall(r"^# TYPE (\S+) ", file.read_text(encoding="utf-8"), re.MULTILINE)
    page = PAGE.read_text(encoding="utf-8")

    assert written == [metric.name for metric in METRICS]
    assert all(f"| `{metric.name}` | {metric.kind} | {metric.help} |" in page for metric in METRICS)


async def test_the_port_serves_the_same(night: Night) -> None:
    night.catalogue([("P0", "thing", night.photo("a.png", "red"))])
    await night.work()
    metrics = Metrics(night.out, None, "0")
    assert metrics._server is not None
    port = metrics._server.server_address[1]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        text = await answer.text()
    metrics.close()

    assert text == metrics.text()
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_a_port_that_is_none_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--metrics-port nonsense"):
        Metrics(tmp_path, None, "nonsense")


async def test_a_file_that_cannot_be_written_is_said_and_forgiven(
    night: Night, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night.catalogue([("P0", "thing", night.photo("a.png", "red"))])
    summary = await night.work()
    (tmp_path / "taken").mkdir()
    Metrics(night.out, tmp_path / "taken", None).finished(summary)
    assert "metrics could not be written" in capsys.readouterr().err
