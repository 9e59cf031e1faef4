"""A page steers a run through two files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.control import CONTROL, PULSE, SILENT_S, Command, Control, Pulse

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_asked_means_go_on(tmp_path: Path) -> None:
    assert Control(tmp_path).read("run-1") is Command.RUN


def test_what_is_asked_of_one_run_never_reaches_the_next(tmp_path: Path) -> None:
    Control(tmp_path).ask("run-1", Command.STOP)

    run = Control(tmp_path)

    assert run.read("run-1") is Command.STOP
    assert run.read("run-2") is Command.RUN


def test_a_change_of_mind_is_seen(tmp_path: Path) -> None:
    page, run = Control(tmp_path), Control(tmp_path)
    for command in (Command.PAUSE, Command.RUN, Command.STOP):
        page.ask("run-1", command)
        assert run.read("run-1") is command


def test_a_file_that_nobody_can_read_asks_nothing(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"run_id": "run-1", "ask": "explode"}', '{"run_id": "run-1", "ask": []}'):
        (tmp_path / CONTROL).write_text(text, encoding="utf-8")
        assert Control(tmp_path).read("run-1") is Command.RUN


def test_a_sign_of_life_grows_old(tmp_path: Path) -> None:
    now = 100.0
    control = Control(tmp_path, clock=lambda: now)
    assert control.pulse() is None
    control.beat(Pulse("run-1", now, "running", 3, None))
    assert control.pulse() == Pulse("run-1", 100.0, "running", 3, None)

    now += SILENT_S

    assert control.pulse() is None


def test_a_pulse_that_nobody_can_read_is_none(tmp_path: Path) -> None:
    for text in ("{", "{}", '{"surprise": 1}'):
        (tmp_path / PULSE).write_text(text, encoding="utf-8")
        assert Control(tmp_path).pulse() is None


def test_a_sign_of_life_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    Control(tmp_path / "nowhere").beat(Pulse("run-1", 1.0, "running"))

    assert not (tmp_path / "nowhere").exists()


def test_the_end_of_a_run_clears_both(tmp_path: Path) -> None:
    control = Control(tmp_path)
    control.ask("run-1", Command.PAUSE)
    control.beat(Pulse("run-1", 1.0, "paused"))

    control.clear()

    assert list(tmp_path.iterdir()) == []
