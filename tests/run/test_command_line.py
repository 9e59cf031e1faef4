"""The commands as subprocesses: exit codes, what goes to stdout, settings from everywhere, the key nowhere."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.sandbox import SANDBOX_KEY
from tests.run.commands import Provider, begun, one_after_the_other, photobatch
from tests.run.conftest import RELIGHT, products, write_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETS = [part for name, value in RELIGHT.items() for part in ("--set", f"{name}={value}")]
RELIGHTING = ["--endpoint", "segmind-relighting-v2", *SETS]
COMMANDS = ("plan", "run", "resume", "status", "ledger", "settle", "endpoints", "sandbox", "doctor")


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    running = Provider.start()
    yield running
    running.stop()


@pytest.fixture
def provider(server: Provider) -> Iterator[Provider]:
    server.faults()
    yield server
    server.faults()


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "catalog.csv", products(3))


def test_a_whole_run_with_json_prints_the_summary_and_nothing_else(
    provider: Provider, catalog: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    done = provider.run("run", catalog, *RELIGHTING, "--out", out, "--json")

    assert (done.code, done.json["exit_code"], done.err) == (0, 0, "")
    assert done.json["tasks"] == {
        "total": 3, "done": 3, "reused": 0, "failed": 0, "in_doubt": 0, "invalid": 0, "open": 0,
    }  # fmt: skip
    assert json.loads((out / "summary.json").read_text(encoding="utf-8")) == done.json
    assert {path.name for path in out.iterdir()} >= {"ledger.db", "images", "results.csv", "results.parquet", "run.log"}

    status = photobatch("status", out, "--json")

    keys = ("run_id", "rows", "tasks", "cost", "requests", "elapsed_s", "stopped_by", "exit_code")
    assert {key: status.json[key] for key in keys} == {key: done.json[key] for key in keys}
    assert photobatch("status", out).code == 0


def test_quiet_says_nothing_when_all_is_well(provider: Provider, catalog: Path, tmp_path: Path) -> None:
    done = provider.run("run", catalog, *RELIGHTING, "-o", tmp_path / "out", "--quiet")

    assert (done.code, done.out, done.err) == (0, "", "")


def test_without_quiet_talk_goes_to_stderr_and_stdout_stays_empty(
    provider: Provider, catalog: Path, tmp_path: Path
) -> None:
    done = provider.run("run", catalog, *RELIGHTING, "-o", tmp_path / "out")

    assert (done.code, done.out) == (0, "")
    assert "3 = 3 done" in done.err


@pytest.mark.parametrize(
    ("fault", "code", "stopped_by"),
    [("406-parameter", 3, None), ("401", 5, "account"), ("406-credits", 5, "account"), ("drop-after", 6, None)],
)
def test_the_exit_code_tells_how_it_ended(
    provider: Provider, catalog: Path, tmp_path: Path, *, fault: str, code: int, stopped_by: str | None
) -> None:
    provider.faults({"match": {"kind": "submit"}, "fault": fault})

    done = provider.run("run", catalog, *RELIGHTING, "-o", tmp_path / "out", "--json")

    assert (done.code, done.json["exit_code"], done.json["stopped_by"]) == (code, code, stopped_by)
    tasks = done.json["tasks"]
    assert tasks["total"] == sum(tasks[state] for state in ("done", "failed", "in_doubt", "invalid", "open")) == 3


def test_the_cap_the_deadline_and_the_failure_limit_have_their_codes(
    provider: Provider, catalog: Path, tmp_path: Path
) -> None:
    what = ("run", catalog, *RELIGHTING, "--json", "-o")

    cap = provider.run(*what, tmp_path / "a", "--cap", "0.5", "--concurrency", 1)
    late = provider.run(*what, tmp_path / "b", "--deadline", "1s")
    provider.faults({"match": {"kind": "submit"}, "fault": "406-parameter"})
    failing = provider.run(*what, tmp_path / "c", "--max-failures", "1", "--concurrency", 1)

    assert (cap.code, cap.json["stopped_by"], cap.json["tasks"]["open"]) == (4, "cap", 2)
    assert cap.json["cost"]["billed_usd"] <= 0.5
    assert (late.code, late.json["stopped_by"], late.json["tasks"]["open"]) == (10, "deadline", 3)
    assert (failing.code, failing.json["stopped_by"], failing.json["tasks"]["failed"]) == (10, "failures", 1)


@pytest.mark.parametrize("fault", ["drop-after", "left submitted"])
def test_settle_fetches_what_was_paid_for_and_sends_nothing(provider: Provider, tmp_path: Path, fault: str) -> None:
    catalog, out = write_csv(tmp_path / "many.csv", products(30)), tmp_path / "out"
    if fault == "drop-after":
        provider.faults({"match": {"kind": "submit", "nth": [2]}, "fault": fault})
    else:
        provider.faults({"match": {"kind": "output"}, "fault": "500"})
    before = len(provider.bills())
    begun = provider.run("run", catalog, *RELIGHTING, "-o", out, "--cap", "0.8", "--json")
    paid = len(provider.bills()) - before
    assert begun.json["tasks"]["open"] >= 25
    provider.faults()

    settled = provider.run("settle", out, "--json")

    assert len(provider.bills()) - before == paid > 0
    assert settled.json["tasks"]["done"] == paid
    assert settled.json["tasks"]["open"] == 30 - paid


WRONG: list[tuple[list[str], str]] = [
    (["run", "nothing.csv", *RELIGHTING, "-o", "out"], "nothing.csv"),
    (["run", "catalog.csv", "-o", "out"], "--endpoint"),
    (["run", "catalog.csv", "--endpoint", "segmind-relighting", "-o", "out"], "segmind-relighting-v2"),
    (["run", "catalog.csv", *RELIGHTING, "--set", "light_tpye=x", "-o", "out"], "light_type"),
    (["run", "catalog.csv", *RELIGHTING, "--set", "light_type=lamp", "-o", "out"], "softbox"),
    (["run", "catalog.csv", *RELIGHTING, "--set", "image={img_url}", "-o", "out"], "image_url"),
    (["run", "catalog.csv", *RELIGHTING, "--set", "image={image_url", "-o", "out"], "brace"),
    (["run", "catalog.csv", *RELIGHTING, "--key", "{skuu}", "-o", "out"], "sku"),
    (["run", "catalog.csv", *RELIGHTING, "--deadline", "soon", "-o", "out"], "15m"),
    (["run", "catalog.csv", *RELIGHTING, "--max-failures", "many", "-o", "out"], "5%"),
    (["run", "catalog.csv", *RELIGHTING, "--base-url", "localhost:8000", "-o", "out"], "http"),
    (["run", "catalog.csv", *RELIGHTING, "--api", "fast", "-o", "out"], "queue"),
    (["run", "catalog.csv", *RELIGHTING, "--recipe", "r.toml", "-o", "out"], "--recipe"),
    (["run", "catalog.csv", *RELIGHTING, "--assume-price", "bg-replace", "-o", "out"], "write --assume-price SLUG=USD"),
    (["run", "catalog.csv", *RELIGHTING], "--out"),
    (["run", "catalog.csv", *RELIGHTING, "--sandbox", "-o", "catalog.csv"], "catalog.csv is a file, not a folder"),
    (["run", "catalog.csv", *RELIGHTING, "--sandbox", "-o", "catalog.csv/x"], "catalog.csv is a file, not a folder"),
    (["sandbox", "--fault-rate", "inference_failed=0.5"], "hint: known: "),
    (
        ["run", "catalog.csv", *RELIGHTING, "--sandbox", "--base-url", "http://127.0.0.1:9", "-o", "out"],
        "two providers",
    ),
    (["plan", "catalog.csv", "--recipe", "none.toml"], "none.toml: cannot be read: No such file or directory\n"),
    (["nightly", "none.toml"], "none.toml: cannot be read: No such file or directory\n"),
    (["sandbox", "--faults", "none.json"], "none.json: No such file or directory\n"),
    (["plan", "twice.csv", *RELIGHTING, "--key", "{title}"], "1 key used more than once"),
    (["status", "nowhere"], "ledger.db"),
    (["resume", "nowhere"], "ledger.db"),
    (["resume", "nowhere", "--only", "gatewya"], "nowhere"),
    (["frobnicate"], "frobnicate"),
]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """How each of WRONG ended, all in one process: starting it is what takes the time."""
    folder = tmp_path_factory.mktemp("wrong")
    write_csv(folder / "catalog.csv", products(3))
    write_csv(folder / "twice.csv", [{**each, "title": "same"} for each in products(2)])
    return folder, one_after_the_other([args for args, _ in WRONG], cwd=folder, env={"SEGMIND_API_KEY": SANDBOX_KEY})


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[f"{args[0]}-{says}" for args, says in WRONG])
def test_wrong_input_is_exit_2_with_a_remedy_and_never_a_traceback(
    refusals: tuple[Path, list[dict[str, Any]]], number: int
) -> None:
    folder, ends = refusals

    assert ends[number]["code"] == 2
    assert WRONG[number][1] in ends[number]["err"]
    assert "Traceback" not in ends[number]["err"]
    assert not (folder / "out").exists(), "nothing half-made is left behind"


def test_no_key_is_exit_5_and_names_the_variable(catalog: Path, tmp_path: Path) -> None:
    ended = photobatch("run", catalog, *RELIGHTING, "-o", tmp_path / "out", "--base-url", "http://127.0.0.1:9")

    assert ended.code == 5
    assert "SEGMIND_API_KEY" in ended.err


def test_the_command_that_the_sandbox_prints_works_as_it_stands() -> None:
    running = begun("sandbox", "--port", 0)
    assert running.stderr is not None
    running.stderr.readline()
    printed = running.stderr.readline()
    running.terminate()
    running.communicate(timeout=20)
    assert f"SEGMIND_API_KEY={SANDBOX_KEY} " in printed


def test_a_slug_is_shown_whole_in_a_narrow_terminal(catalog: Path) -> None:
    shown = photobatch("plan", catalog, *RELIGHTING, env={"COLUMNS": "80"})
    assert "segmind-relighting-v2 " in shown.out
    assert "…" not in shown.out
    assert shown.out.count("$0.7746") == shown.out.count("$0.9990") == 2, "in the table and in the sum"


def test_every_command_has_help() -> None:
    shown = one_after_the_other([[command, "--help"] for command in COMMANDS])

    assert [each["code"] for each in shown] == [0] * len(COMMANDS)
    assert all("Usage" in each["out"] for each in shown)


def test_flags_may_come_from_the_environment_env_files_and_toml(provider: Provider, tmp_path: Path) -> None:
    write_csv(tmp_path / "catalog.csv", products(3))
    (tmp_path / ".env").write_text(f"SEGMIND_API_KEY={SANDBOX_KEY}\nPHOTOBATCH_LIMIT=1\n", encoding="utf-8")
    toml = f'base-url = "{provider.url}"\nlimit = 2\nrpm = 0\ncap = 3\nendpoint = "segmind-relighting-v2"\n'
    (tmp_path / "photobatch.toml").write_text(toml, encoding="utf-8")

    done = photobatch("run", "catalog.csv", *SETS, "--json", env={"PHOTOBATCH_OUT": "here"}, cwd=tmp_path)

    assert done.code == 0, done.err
    assert done.json["tasks"]["total"] == 1, ".env before TOML"
    assert done.json["cost"]["cap_usd"] == 3
    assert (tmp_path / "here" / "ledger.db").exists()


def test_settings_that_repeat_may_come_from_the_environment_too(
    provider: Provider, catalog: Path, tmp_path: Path
) -> None:
    settings = "\n".join(f"{name}={value}" for name, value in RELIGHT.items())
    env = {"PHOTOBATCH_SET": settings, "PHOTOBATCH_ENDPOINT": "segmind-relighting-v2", "PHOTOBATCH_JSON": "1"}

    done = provider.run("run", catalog, "-o", tmp_path / "out", env=env)

    assert (done.code, done.json["tasks"]["done"]) == (0, 3)
    lines = list(csv.DictReader(io.StringIO(photobatch("ledger", tmp_path / "out").out)))
    assert json.loads(lines[0]["params"]).items() >= RELIGHT.items()


def test_the_ledger_comes_in_three_formats_and_by_state(provider: Provider, catalog: Path, tmp_path: Path) -> None:
    import pandas as pd

    out = tmp_path / "out"
    provider.faults({"match": {"kind": "submit"}, "fault": "406-parameter", "times": 1})
    provider.run("run", catalog, *RELIGHTING, "-o", out)

    everything = list(csv.DictReader(io.StringIO(photobatch("ledger", out).out)))
    failed = [
        json.loads(line)
        for line in photobatch("ledger", out, "--state", "failed", "--format", "jsonl").out.splitlines()
    ]
    saved = photobatch("ledger", out, "--format", "parquet", "-o", tmp_path / "it.parquet")

    assert [len(everything), len(failed)] == [3, 1]
    assert failed[0]["error_class"] == "rejected"
    assert (saved.code, saved.out) == (0, "")
    assert len(pd.read_parquet(tmp_path / "it.parquet")) == 3
    assert photobatch("ledger", out, "--format", "parquet").code == 2
    assert photobatch("ledger", out, "--state", "finished").code == 2


def test_the_key_is_nowhere_even_when_the_provider_echoes_it(provider: Provider, catalog: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = []
    for fault in ("400", "401"):
        provider.faults(
            {"match": {"kind": "submit"}, "fault": "status", "status": int(fault), "message": f"bad: {SANDBOX_KEY}"},
        )
        said.append(provider.run("run", catalog, *RELIGHTING, "-o", out))
    provider.faults({"match": {"kind": "credits"}, "fault": "status", "status": 403, "message": SANDBOX_KEY})
    said.append(provider.run("run", catalog, *RELIGHTING, "-o", out))
    provider.faults({"match": {"kind": "output"}, "fault": "not-an-image", "body": f"key {SANDBOX_KEY}"})
    said += [provider.run("resume", out, "--only", "bad_request"), photobatch("status", out)]
    said += [photobatch("ledger", out)]

    for each in said:
        assert SANDBOX_KEY not in each.out + each.err
    for path in out.rglob("*"):
        if path.is_file():
            assert SANDBOX_KEY.encode() not in path.read_bytes(), path


def test_an_empty_folder_name_is_no_folder(tmp_path: Path) -> None:
    manifest = write_csv(tmp_path / "c.csv", products(1))

    run = photobatch("run", manifest, *RELIGHTING, "--out", "", "--sandbox", cwd=tmp_path)

    assert run.code == 2
    assert "empty" in run.err
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]
