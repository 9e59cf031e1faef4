"""Killed, interrupted and doubled runs, with a provider that outlives them: nothing is paid twice, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.run.commands import Provider, photobatch
from tests.run.conftest import products, write_csv
from tests.run.test_command_line import RELIGHTING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

COUNT = 40


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider.start("--latency", 0.6)
    yield running
    running.stop()


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "catalog.csv", products(COUNT))


def wait_until(fact: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 30
    while not fact():
        assert running.poll() is None, f"it ended before it could be disturbed: {running.communicate()}"
        assert time.monotonic() < until
        time.sleep(0.02)


def paid_once(provider: Provider, out: Path) -> None:
    lines = photobatch("ledger", out, "--format", "jsonl").out.splitlines()
    ids = Counter(json.loads(line)["request_id"] for line in lines)
    assert len(provider.bills()) == COUNT
    assert ids == Counter(bill["request_id"] for bill in provider.bills())
    assert all((out / json.loads(line)["output"]).is_file() for line in lines)


@pytest.mark.parametrize("killed_after", [1, 12])
def test_a_killed_run_is_resumed_without_paying_anything_twice(
    provider: Provider, catalog: Path, tmp_path: Path, killed_after: int
) -> None:
    out = tmp_path / "out"
    running = provider.begin("run", catalog, *RELIGHTING, "-o", out, "--concurrency", 10)
    wait_until(lambda: len(provider.bills()) >= killed_after, running)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()

    resumed = provider.run("resume", out, "--json", "--settle-after", "1s")

    assert resumed.code == 0, resumed.err
    assert resumed.json["tasks"]["done"] == COUNT
    paid_once(provider, out)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_finishes_what_is_in_flight_and_exports(
    provider: Provider, catalog: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    running = provider.begin("run", catalog, *RELIGHTING, "-o", out, "--concurrency", 8, "--json")
    wait_until(lambda: len(provider.bills()) >= 1, running)
    running.send_signal(getattr(signal, name))
    text, said = running.communicate(timeout=30)

    summary = json.loads(text)
    assert (running.returncode, summary["stopped_by"]) == (130, "interrupted")
    assert summary["message"] == "interrupted: what was in flight was finished first"
    assert "what was paid for was finished first" in said
    assert summary["tasks"]["in_doubt"] == summary["tasks"]["failed"] == 0
    assert summary["tasks"]["done"] == len(provider.bills()) < COUNT
    assert (out / "results.parquet").is_file()

    assert provider.run("resume", out).code == 0
    paid_once(provider, out)


def test_a_second_interrupt_stops_at_once_and_loses_nothing(provider: Provider, catalog: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    running = provider.begin("run", catalog, *RELIGHTING, "-o", out, "--concurrency", 8, "--json")
    wait_until(lambda: len([each for each in provider.requests() if each["kind"] == "submit"]) >= 8, running)
    running.send_signal(signal.SIGINT)
    assert running.stderr is not None
    assert any(line.startswith("stopping: ") for line in running.stderr)
    running.send_signal(signal.SIGINT)
    text, said = running.communicate(timeout=30)

    assert running.returncode == 130
    assert "finished first" not in said.splitlines()[-1]
    assert "fetched by the next run" in said.splitlines()[-1]
    assert json.loads(text)["stopped_by"] == "interrupted"
    assert (out / "results.csv").is_file()
    assert provider.run("resume", out, "--settle-after", "1s").code == 0
    paid_once(provider, out)


def test_a_second_run_on_the_same_folder_is_turned_away_in_words(
    provider: Provider, catalog: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    running = provider.begin("run", catalog, *RELIGHTING, "-o", out, "--concurrency", 4)
    wait_until(lambda: len(provider.bills()) >= 1, running)

    second = provider.run("run", catalog, *RELIGHTING, "-o", out)
    watching = photobatch("status", out, "--json")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)

    assert second.code == 75
    assert "in use" in second.err
    assert f"process {running.pid}" in second.err
    assert watching.json["tasks"]["total"] == COUNT
