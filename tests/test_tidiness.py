"""The tree holds no index address, build path, key or stray name; and the check that says so finds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def tidy(folder: Path) -> tuple[int, list[str]]:
    command = [sys.executable, str(ROOT / ".ci" / "tidy.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_this_tree_is_tidy() -> None:
    assert tidy(ROOT) == (0, ["tidy: nothing to complain about"])


# Put together here, so that this file passes its own check.
@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("--extra-index" + "-url https://mirror.example", "a host of a package index"),
        ("see https://py" + "pi.org/project/x", "a host of a package index"),
        ("url = 'https://files.pythonhosted" + ".org/x.whl'", "a host of a package index"),
        ("PATH = '/ro" + "ot/.venv/bin'", "a path of the machine"),
        ("cd /home/al" + "ice/photobatch", "a path of the machine"),
        ("key = 'SG_" + "fedcba9876543210'", "an API key"),
        ("# TO" + "DO: later", "a note without an owner"),
    ],
)
def test_what_must_not_be_committed_is_found_with_its_place(tmp_path: Path, line: str, finding: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(f"fine\n{line}\n", encoding="utf-8")
    code, (said,) = tidy(tmp_path)
    assert code == 1
    assert said.startswith(f"docs/page.md:2: {finding}")


@pytest.mark.parametrize(
    "line",
    ["SG_0123456789abcdef", "/home/user/photos", "https://api.segmind.com/v1/x", "~/root/photos", "{out}/root/x"],
)
def test_what_may_be_there_is_left_alone(tmp_path: Path, line: str) -> None:
    (tmp_path / "README.md").write_text(f"{line}\n", encoding="utf-8")
    assert tidy(tmp_path) == (0, ["tidy: nothing to complain about"])


def test_a_stray_name_at_the_top_is_found(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    code, (said,) = tidy(tmp_path)
    assert code == 1
    assert said.startswith("notes.txt: not a known name of the top level")


def test_every_verb_of_the_workshop_is_documented() -> None:
    makefile = ROOT / "Makefile"
    command = [sys.executable, str(ROOT / ".ci" / "verbs.py"), str(makefile)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    (phony,) = (line for line in makefile.read_text(encoding="utf-8").splitlines() if line.startswith(".PHONY:"))
    assert [line.split()[1] for line in listed] == phony.split()[1:]
