from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.runlog import WAITING_MOST, RunLog

FULL = Path("/dev/full")
MIDNIGHT = 1_790_000_000.0


def lines_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_routine_lines_are_there_once_the_log_is_flushed(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log.routine("task", {"key": "mug"})
    assert not (tmp_path / "run.log").exists()

    log.flush()

    (line,) = lines_in(tmp_path / "run.log")
    log.close()
    assert {**line, "at": ""} == {"at": "", "event": "task", "key": "mug"}


def test_other_lines_are_there_at_once_and_after_the_routine_ones_before_them(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log.routine("task", {"key": "mug"})
    log.note("said", {"text": "stopping"})

    assert [line["event"] for line in lines_in(tmp_path / "run.log")] == ["task", "said"]
    log.close()


def test_only_so_many_routine_lines_wait(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    for number in range(WAITING_MOST):
        log.routine("task", {"task_id": number})

    assert len(lines_in(tmp_path / "run.log")) == WAITING_MOST
    log.close()


def test_whatever_a_line_holds_it_is_one_line_of_json_without_a_key(tmp_path: Path) -> None:
    log = RunLog(tmp_path, wall=lambda: MIDNIGHT)
    log.note("said", {"text": "line\nbreak Tasse weiß", "path": tmp_path})
    log.note("said", {"text": "half \ud83d of a character", "big": 1 << 70})
    log.note("said", {"text": "the key SG_0123456789abcdef was refused"})
    log.close()

    first, second, third = lines_in(tmp_path / "run.log")
    assert (first["text"], first["path"]) == ("line\nbreak Tasse weiß", str(tmp_path))
    assert (second["text"], second["big"]) == ("half \ud83d of a character", 1 << 70)
    assert "0123456789abcdef" not in third["text"]


def test_a_full_file_makes_way_for_a_new_one_and_five_are_kept(tmp_path: Path) -> None:
    log = RunLog(tmp_path, file_bytes=200)
    for number in range(50):
        log.note("said", {"text": "x" * 50, "number": number})
    log.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.log", *(f"run.log.{n}" for n in range(1, 6))]
    assert all(path.stat().st_size <= 200 for path in tmp_path.iterdir())
    assert lines_in(tmp_path / "run.log")[-1]["number"] == 49


def test_a_log_goes_on_where_the_run_before_ended(tmp_path: Path) -> None:
    for text in ("monday", "tuesday"):
        log = RunLog(tmp_path)
        log.note("said", {"text": text})
        log.close()

    assert [line["text"] for line in lines_in(tmp_path / "run.log")] == ["monday", "tuesday"]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no disk that is always full")
def test_a_log_on_a_full_disk_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "run.log").symlink_to(FULL)
    log = RunLog(tmp_path)

    log.note("said", {})
    log.routine("task", {})
    log.flush()
    log.close()

    assert (tmp_path / "run.log").is_symlink()


def test_a_log_in_a_folder_that_is_gone_is_done_without(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "gone")
    log.note("said", {})
    log.close()

    assert not list(tmp_path.iterdir())
