"""`import pipeline`: in scripts, in a notebook's running loop, typed, and picky about its flags."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.errors import FolderError, RecipeError
from pipeline.sandbox import SANDBOX_KEY
from tests.run.commands import LONGEST_S, Provider, environment
from tests.run.conftest import STUDIO, products, recipe, write_csv

if TYPE_CHECKING:
    from tests.run.conftest import Open

USER = """
import pipeline

plan: pipeline.Plan = pipeline.plan("catalog.csv", "recipe.toml", rpm=60)
print(plan.to_pay + 1, plan.exit_code)


async def main() -> None:
    result: pipeline.Result = await pipeline.run("catalog.csv", {"step": []}, out="out", cap_usd=50)
    print(result.summary["tasks"], len(result.frame()))


pipeline.run_sync("catalog.csv", out="out", sandbox=True).frame()
"""


async def test_run_sync_works_inside_a_running_loop(open_shop: Open) -> None:
    shop = await open_shop()
    manifest = write_csv(shop.folder.parent / "catalog.csv", products(2))

    def notebook() -> pipeline.Result:
        return pipeline.run_sync(manifest, recipe(STUDIO), out=shop.folder.parent / "nb", sandbox=True, rpm=0)

    result = notebook()  # this very test runs in a loop: it is what a notebook's cell does

    assert result.summary["exit_code"] == 0
    frame = result.frame()
    assert list(frame["state"]) == ["done", "done"]
    assert list(frame["row.title"]) == ["Product 1", "Product 2"]


def test_run_sync_works_in_a_script(tmp_path: Path) -> None:
    import pandas as pd

    result = pipeline.run_sync(
        pd.DataFrame(products(1)), recipe(STUDIO), out=tmp_path / "out", sandbox=True, rpm=0, api="sync", cap_usd=1
    )
    again = pipeline.resume_sync(tmp_path / "out")

    assert result.summary["tasks"]["done"] == again.summary["tasks"]["done"] == 1
    assert again.summary["requests"]["submit"] == 0


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"cap": 5}, "cap_usd"),
        ({"base_ulr": "x"}, "base_url"),
        ({"cap_usd": -1}, "cap_usd"),
        ({"cap_usd": float("nan")}, "cap_usd"),
        ({"concurrency": 0}, "concurrency"),
        ({"api": "fast"}, "queue"),
        ({"max_failures": "often"}, "5%"),
    ],
)
async def test_unknown_and_senseless_flags_are_refused(tmp_path: Path, flags: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError) as refused:
        await pipeline.run(
            write_csv(tmp_path / "c.csv", products(1)), recipe(STUDIO), out=tmp_path / "out", api_key="SG_x", **flags
        )

    assert says in f"{refused.value} {refused.value.hint}"


def test_a_flag_that_is_almost_right_is_named_in_the_error_itself(tmp_path: Path) -> None:
    manifest = write_csv(tmp_path / "c.csv", products(1))

    with pytest.raises(RecipeError, match="there is no flag 'cap'; did you mean cap_usd"):
        pipeline.run_sync(manifest, recipe(STUDIO), out=tmp_path / "out", sandbox=True, cap=3)
    with pytest.raises(RecipeError, match="did you mean base_url"):
        pipeline.run_sync(manifest, recipe(STUDIO), out=tmp_path / "out", sandbox=True, base_ulr="x")
    assert not (tmp_path / "out").exists()


async def test_the_flags_names_of_the_command_line_are_known(open_shop: Open) -> None:
    shop = await open_shop()

    summary = await shop.run(products(1), no_preflight=True, no_ai_label=True, no_full_decode=True)

    assert summary["exit_code"] == 0


async def test_resume_needs_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(FolderError):
        await pipeline.resume(tmp_path)


def test_the_key_is_in_no_repr() -> None:
    from pipeline.api import Settings

    settings = Settings(api_key="SG_0123456789abcdef")

    assert "SG_0123" not in repr(settings)


def test_the_package_is_typed_for_its_users(tmp_path: Path) -> None:
    script = tmp_path / "user.py"
    script.write_text(USER, encoding="utf-8")
    root = Path(__file__).resolve().parents[2]

    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", str(script)],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )

    assert (root / "pipeline" / "py.typed").exists()
    assert checked.returncode == 0, checked.stdout


INTERRUPTED_KERNEL = """
import asyncio, os, signal, sqlite3, sys, threading, time
import pipeline

manifest, url, out = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)

def paid():
    try:
        with sqlite3.connect(f"file:{out}/ledger.db?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM attempts").fetchone()[0]
    except sqlite3.Error:
        return 0

def interrupt():
    while not paid():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

async def kernel():
    threading.Thread(target=interrupt, daemon=True).start()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pipeline.run_sync(manifest, {"step": [STEP]}, out=out, base_url=url, api_key=KEY, rpm=600)
    except KeyboardInterrupt:
        at_work = [each for each in threading.enumerate() if each.name == "photobatch"]
        print("interrupted", [each.name for each in at_work if each.join(5) or each.is_alive()])

asyncio.run(kernel())
"""


def test_an_interrupted_kernel_pays_for_nothing_more(tmp_path: Path) -> None:
    provider = Provider.start("--latency", 0.2)
    try:
        manifest = write_csv(tmp_path / "catalog.csv", products(400))
        program = INTERRUPTED_KERNEL.replace("STEP", repr(STUDIO)).replace("KEY", repr(SANDBOX_KEY))
        done = subprocess.run(
            [sys.executable, "-c", program, manifest, provider.url, tmp_path / "out"],
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=LONGEST_S,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("interrupted []\n", "")
        with closing(sqlite3.connect(tmp_path / "out" / "ledger.db")) as db:
            assert db.execute("SELECT stopped_by FROM runs").fetchall() == [("interrupted",)]
        assert 0 < len(provider.bills()) < 400
    finally:
        provider.stop()
