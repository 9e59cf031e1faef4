"""A file that a user named: whole or not at all, through links, into pipes, and a usage error where it cannot be."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from pipeline.destination import complete, named_by_user
from pipeline.errors import InputError
from pipeline.ledger import Ledger
from tests.run.commands import photobatch

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> None:
    with complete(path) as aside:
        aside.write_text(text, encoding="utf-8")


def test_an_older_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    write(path, "old")

    with pytest.raises(TypeError), complete(path) as aside, aside.open("w") as file:
        file.writelines(["half", 7])  # type: ignore[list-item]  # the fault that ends it

    assert [(each.name, each.read_text(encoding="utf-8")) for each in tmp_path.iterdir()] == [("x.csv", "old")]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_is_written_through(tmp_path: Path, *, is_there: bool) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    if is_there:
        target.write_text("old", encoding="utf-8")
    link.symlink_to(target.name)

    write(link, "new")

    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text(encoding="utf-8")), daemon=True)
    reader.start()

    write(pipe, "new")

    reader.join()
    assert got == ["new"]
    assert pipe.is_fifo()


def test_what_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "x.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be written"), named_by_user(path):
            write(path, "new")


def test_the_ledger_command_says_so_with_exit_2(tmp_path: Path) -> None:
    Ledger(tmp_path / "out").close()

    done = photobatch("ledger", tmp_path / "out", "-o", tmp_path / "nowhere" / "x.csv")

    assert (done.code, done.out) == (2, "")
    assert "nowhere/x.csv cannot be written" in done.err.replace(os.sep, "/")
