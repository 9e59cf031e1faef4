"""What a run tells people: what may happen, what stopped it, and where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.sandbox import SANDBOX_KEY
from tests.run.commands import Provider, photobatch
from tests.run.conftest import products, write_csv
from tests.run.test_command_line import RELIGHTING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    running = Provider.start()
    yield running
    running.stop()


@pytest.fixture
def provider(server: Provider) -> Iterator[Provider]:
    yield server
    server.faults()


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "catalog.csv", products(3))


def test_a_cap_below_the_worst_case_is_said_before_anything_is_spent(
    provider: Provider, catalog: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    what = (catalog, *RELIGHTING, "--out", out)
    says = "warning: the cap leaves $0.8000 and the calls cost $0.9990 at worst: the run may stop before all are sent"

    assert says in photobatch("plan", *what, "--cap", "0.8").err
    assert says in provider.run("run", *what, "--cap", "0.8", "--concurrency", 1).err
    assert "the cap leaves $0.2836" in photobatch("plan", catalog, "--out", out, *RELIGHTING, "--cap", "0.8").err
    assert "the cap leaves" not in photobatch("plan", *what, "--cap", "5").err


def test_a_gallery_that_is_older_than_the_run_is_said_to_be(provider: Provider, catalog: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    provider.run("run", catalog, *RELIGHTING, "-o", out, "--limit", 1)
    provider.run("report", out)

    later = provider.run("run", catalog, *RELIGHTING, "-o", out)
    provider.run("report", out)
    idle = provider.run("run", catalog, *RELIGHTING, "-o", out)

    page = out / "report" / "index.html"
    assert f"gallery in {page}, older than this run: photobatch report {out} makes it anew" in later.err
    assert f"gallery in {page}\n" in idle.err


@pytest.mark.parametrize(
    ("fault", "flags", "says"),
    [
        ("406-parameter", (), "exit code 3: finished, some tasks failed"),
        ("401", (), "exit code 5: the account stopped the run"),
        (None, ("--cap", "0.5"), "exit code 4: the cap stopped the run"),
        (None, ("--deadline", "1s"), "exit code 10: the deadline stopped the run"),
    ],
)
def test_quiet_says_in_one_line_what_stopped_the_run(
    provider: Provider, catalog: Path, tmp_path: Path, *, fault: str | None, flags: tuple[str, ...], says: str
) -> None:
    if fault is not None:
        provider.faults({"match": {"kind": "submit"}, "fault": fault})

    done = provider.run("run", catalog, *RELIGHTING, "-o", tmp_path / "out", "--quiet", *flags)

    assert (done.out, len(done.err.splitlines())) == ("", 1)
    assert says in done.err
    assert f"photobatch status {tmp_path / 'out'}" in done.err


def test_a_doctor_without_a_connection_ends_as_a_run_does() -> None:
    ended = photobatch("doctor", "--base-url", "http://127.0.0.1:9", env={"SEGMIND_API_KEY": SANDBOX_KEY})

    assert ended.code == 10
    assert "balance    unknown: no connection" in ended.out
    assert "Error" not in ended.out, "no name of a class"
