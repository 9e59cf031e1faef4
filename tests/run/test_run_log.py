from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.display import ROUTINE, open_log

FULL = Path("/dev/full")


def test_routine_lines_are_there_once_the_log_is_flushed(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.log(ROUTINE, "task", extra={"facts": {"key": "mug"}})

    for handler in log.handlers:
        handler.flush()
    (line,) = (tmp_path / "run.log").read_text(encoding="utf-8").splitlines()
    for handler in log.handlers:
        handler.close()

    assert {**json.loads(line), "at": ""} == {"at": "", "event": "task", "key": "mug"}


@pytest.mark.skipif(not FULL.exists(), reason="this system has no disk that is always full")
def test_a_log_on_a_full_disk_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "run.log").symlink_to(FULL)
    log = open_log(tmp_path)

    for level in (ROUTINE, ROUTINE + 1):
        log.log(level, "task")
    for handler in log.handlers:
        handler.flush()
        handler.close()

    assert (tmp_path / "run.log").is_symlink()
