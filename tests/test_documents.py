"""The generated parts of the documents are those that the code gives, and every module has its room."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import tomllib
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.ledger import FILE, Ledger

ROOT = Path(__file__).parent.parent


def test_the_generated_documents_are_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr


def test_every_module_with_a_floor_has_one_room() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floors = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    _, rooms = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("\n| room |")

    firsts = [line.split("|")[1] for line in rooms.split("\n\n")[0].splitlines()[2:]]

    named = Counter(name.rstrip("/") for first in firsts for name in re.findall(r"`(\S+)`", first))
    assert named == Counter(["jobs", *(name for floor in floors for name in floor.split(" | "))])


def queries() -> list[str]:
    """Every SQL statement of the documents."""
    texts = [path.read_text(encoding="utf-8") for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))]
    return [found for text in texts for found in re.findall(r"^ *(SELECT\b[^;]+;)", text, re.MULTILINE)]


@pytest.mark.parametrize("query", queries())
def test_the_sql_of_the_documents_is_answered_by_a_ledger(tmp_path: Path, query: str) -> None:
    Ledger(tmp_path).close()

    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute(query).fetchall()
