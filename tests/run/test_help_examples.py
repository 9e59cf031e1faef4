"""The examples of the help, as somebody types them who copies them."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import typer

from jobs.cli import app
from tests.run.commands import ROOT, one_after_the_other

if TYPE_CHECKING:
    from pathlib import Path

FIRST = ("init", "run", "nightly")
"""Commands whose results the others look at."""


def examples() -> list[list[str]]:
    """Every example, without the word ``photobatch``."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group has commands
    texts = [commands[name].help for name in (*FIRST, *sorted(commands.keys() - set(FIRST)))]
    found = re.findall(r"^\s*photobatch (.+)$", "\n".join(texts), re.MULTILINE)
    return [shlex.split(line) for line in dict.fromkeys(found)]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """How each example ended, rehearsed on two products."""
    shop: Path = tmp_path_factory.mktemp("shop")
    lines = (ROOT / "manifests" / "catalog.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (shop / "catalog.csv").write_text("".join(lines[:3]), encoding="utf-8")
    shutil.copytree(ROOT / "manifests" / "images", shop / "images")
    shutil.copy(ROOT / "manifests" / "relight.toml", shop / "relight.toml")
    job = 'manifest = "catalog.csv"\nout = "out/shop"\nrecipe = "relight.toml"\n[provider]\nsandbox = true\n'
    (shop / "shop.toml").write_text(job, encoding="utf-8")
    return one_after_the_other(examples(), cwd=shop, env={"PHOTOBATCH_SANDBOX": "1", "PHOTOBATCH_RPM": "0"})


@pytest.mark.parametrize("number", range(len(examples())), ids=[" ".join(words) for words in examples()])
def test_an_example_of_the_help_works_as_it_stands(ends: list[dict[str, Any]], number: int) -> None:
    asked_for_99 = "--empty-exit" in examples()[number]

    assert ends[number]["code"] in ({0, 99} if asked_for_99 else {0}), ends[number]["err"]
