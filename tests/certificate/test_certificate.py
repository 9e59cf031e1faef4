"""The crash certificate in its short version, and that its judge would notice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = ("faults", "paid twice", "lost", "cap passed", "in doubt")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL and limits file sizes as POSIX does")
def test_two_hundred_faults_neither_pay_twice_nor_lose_anything() -> None:
    command = [sys.executable, str(ROOT / "bench" / "certify.py"), "--quick", "--seed", "20"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-len(LINES) :]
    said = dict(re.fullmatch(r"(.+) (\d+)", line).groups() for line in last)  # type: ignore[union-attr]  # asserted below
    assert tuple(said) == LINES
    assert int(said["faults"]) >= 200
    assert [said[name] for name in ("paid twice", "lost", "cap passed")] == ["0", "0", "0"]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    return ROOT / "bench"


def test_every_step_of_the_order_of_writes_exists(bench: Path) -> None:
    from importlib import import_module

    victim = import_module("certificate.victim")
    assert bench.is_dir()
    for step, (module, path, _) in victim.STEPS.items():
        owner = import_module(module)
        for name in path.split("."):
            assert hasattr(owner, name), f"{step}: {module} has no {path}"
            owner = getattr(owner, name)


def test_the_judge_notices_a_second_bill_a_lost_image_a_passed_cap_and_a_half_file(bench: Path, tmp_path: Path) -> None:
    from importlib import import_module

    from pipeline.ledger import schema

    assert bench.is_dir()
    audit = import_module("certificate.books").audit
    path = tmp_path / "ledger.db"
    db = schema.connect(path)
    schema.prepare(db, path)
    db.execute(
        "INSERT INTO tasks (id, key, step, endpoint, row_id, params, state, live, planned_at)"
        " VALUES (1, 'a', 's', 'ic-light', 1, '{}', 'done', 1, 0)"
    )
    db.close()
    (tmp_path / "images" / "a").mkdir(parents=True)
    shutil.copy(ROOT / "manifests" / "catalog.csv", tmp_path / "images" / "a" / "s.png")
    bill = {"endpoint": "ic-light", "body": {"prompt": "dusk", "seed": 1}, "cost_nano": 7, "request_id": "r1"}
    again = {**bill, "body": {"prompt": "dusk", "seed": 2}, "request_id": "r2"}
    found = audit(tmp_path, [bill, again], 10, 1)
    assert (found.paid_twice, found.lost, found.cap_passed, found.wrong_sum) == (1, 2, 1, 1)
    assert found.bad_files >= 1
    assert found.violations > 0
