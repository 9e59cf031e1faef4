from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RUN = ROOT / "bench" / "run.py"
PROMISED = {
    "calls": "against bare aiohttp",
    "decoding": "against decoding alone",
    "plan": "plan 2,000 rows",
    "again": "second run over 2,000 finished tasks",
    "memory": "memory, 500 to 2,000 rows, Parquet",
    "first-call": "start to first call",
    "limits": "bucket one second deep",
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PROMISED)
def test_every_measurement_runs_in_a_tiny_mode_and_prints_its_lines(name: str) -> None:
    done = subprocess.run(
        [sys.executable, RUN, "--quick", "--only", name], capture_output=True, text=True, encoding="utf-8", check=False
    )

    assert done.returncode == 0, done.stderr
    assert "| what | measured | goal |" in done.stdout
    assert PROMISED[name] in done.stdout


def test_nothing_promised_is_left_unmeasured() -> None:
    done = subprocess.run([sys.executable, RUN, "--help"], capture_output=True, text=True, encoding="utf-8", check=True)

    assert all(name in done.stdout for name in PROMISED)
    assert importlib.util.find_spec("requests"), "a contender of the bench"
