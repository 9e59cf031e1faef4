"""stdin, stdout and stderr as a shell may hand them over: closed, in another encoding, or with a reader that leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.run.commands import LONGEST_S, PHOTOBATCH, environment, photobatch
from tests.run.conftest import RELIGHT, products, write_csv

if TYPE_CHECKING:
    from pathlib import Path

SETS = [part for name, value in RELIGHT.items() for part in ("--set", f"{name}={value}")]
RELIGHTING = ("--endpoint", "segmind-relighting-v2", *SETS)
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "catalog.csv", products(3))


def redirected(redirection: str, *args: object) -> subprocess.CompletedProcess[str]:
    """One command under a shell that does *redirection*."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *PHOTOBATCH, *map(str, args)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST_S,
        check=False,
    )


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_run_needs_no_open_streams(catalog: Path, tmp_path: Path, redirection: str) -> None:
    out = tmp_path / "out"

    done = redirected(redirection, "run", catalog, *RELIGHTING, "--out", out, "--sandbox", "--rpm", "0")

    assert done.returncode == 0
    assert json.loads((out / "summary.json").read_text(encoding="utf-8"))["tasks"]["done"] == 3
    assert redirected(">&-", "status", out).returncode == 0


@pytest.mark.parametrize(("manifest", "code"), [("catalog.csv", 0), ("missing.csv", 2)])
def test_a_reader_that_leaves_changes_no_exit_code_and_is_no_error(
    catalog: Path, tmp_path: Path, manifest: str, code: int
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*PHOTOBATCH, "plan", catalog.parent / manifest, *RELIGHTING],
            env=environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=tmp_path,
            timeout=LONGEST_S,
            check=False,
        )
    finally:
        os.close(writer)

    assert done.returncode == code
    assert ("error" in done.stderr) == (code != 0)
    assert "Broken" not in done.stderr


def test_any_text_is_shown_in_any_encoding(catalog: Path, tmp_path: Path) -> None:
    out = tmp_path / "Größe"

    done = photobatch("run", catalog, *RELIGHTING, "--out", out, "--sandbox", "--rpm", "0", env=PLAIN)

    assert (done.code, str(out / "results.csv") in done.err) == (0, True)
    seen = photobatch("status", out, env={"PYTHONIOENCODING": "cp1252"})
    assert (seen.code, "#" * 60 in seen.out) == (0, True)
    trend = photobatch("status", out, "--nights", "1", env={"PYTHONIOENCODING": "ascii"})
    assert (trend.code, trend.out.rstrip()[-12:]) == (0, "#" * 12)


def test_json_stays_json_in_any_encoding(tmp_path: Path) -> None:
    manifest = write_csv(tmp_path / "catalog.csv", [{**products(1)[0], "sku": "Größe 👟", "image_url": "no image"}])

    done = photobatch("plan", manifest, *RELIGHTING, "--json", env={"PYTHONIOENCODING": "ascii"})

    assert (done.code, done.json["invalid_rows"][0]["key"], done.out.isascii()) == (2, "Größe 👟", True)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")  # noqa: PTH110  # a device
@pytest.mark.parametrize("flags", [("--json",), ()])
def test_a_full_disk_behind_stdout_is_named_and_no_fault_of_ours(
    catalog: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    photobatch("run", catalog, *RELIGHTING, "--out", out, "--sandbox", "--rpm", "0", "--limit", "1")

    full = redirected("> /dev/full", "status", out, *flags)

    assert full.returncode == 1
    assert "error: standard output cannot be written: No space left on device" in full.stderr
    assert "fault of photobatch" not in full.stderr
