"""The examples of `docs/examples` and the Dockerfile, checked as far as a machine without those services can."""

from __future__ import annotations

import configparser
import json
import py_compile
import re
import shlex
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
import yaml

from jobs.cli import app
from jobs.jobfile import load
from pipeline.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
COMMAND = re.compile(r"(?:^\s*|&& |bin/|\"|: )(photobatch(?: [^\n\"|]*)?)", re.MULTILINE)


def parse(words: list[str]) -> Any:
    """What the command line would do with *words*, as a context; raises a usage error."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group has commands
    return commands[words[0]].make_context(words[0], words[1:])


def command_lines(text: str) -> Iterator[list[str]]:
    for found in COMMAND.finditer(text):
        words = shlex.split(found[1], comments=True)[1:]
        if words and "…" not in words and re.fullmatch(r"[a-z]+", words[0]) and "=" not in "".join(words[:1]):
            yield words


def examples() -> list[Path]:
    return sorted(path for path in EXAMPLES.iterdir() if path.suffix in {"", ".service", ".yml", ".py"})


@pytest.mark.parametrize("path", examples(), ids=lambda path: path.name)
def test_every_command_line_of_an_example_parses(path: Path) -> None:
    lines = list(command_lines(path.read_text(encoding="utf-8")))
    assert lines
    for words in lines:
        parse(words)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_line_of_the_documentation_parses(path: Path) -> None:
    blocks = re.findall(r"^ {4}photobatch .*$", path.read_text(encoding="utf-8"), re.MULTILINE)
    for words in chain.from_iterable(command_lines(block) for block in blocks):
        if not any("[" in word for word in words):
            parse(words)
    assert path.exists()


def test_the_kubernetes_example_parses_and_calls_a_command_that_exists() -> None:
    claim, cron = yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text(encoding="utf-8"))
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    asked = parse(container["args"])

    assert (claim["kind"], cron["kind"]) == ("PersistentVolumeClaim", "CronJob")
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    assert pod["terminationGracePeriodSeconds"] > float(asked.params["grace"].removesuffix("s"))
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert [volume for volume in pod["volumes"] if "persistentVolumeClaim" in volume][0]["name"] == "data"  # noqa: RUF015  # one is expected


def test_the_github_workflow_parses_and_runs_at_night() -> None:
    workflow: dict[Any, Any] = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["night"]

    assert workflow[True]["schedule"] == [{"cron": "30 22 * * *"}]  # YAML reads "on" as true
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert "SEGMIND_API_KEY" in job["env"]


@pytest.mark.parametrize("name", ["photobatch.service", "photobatch.timer"])
def test_the_systemd_units_are_well_formed(name: str, tmp_path: Path) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names are case-sensitive
    unit.read_string(text)
    assert "Unit" in unit.sections()
    analyser = shutil.which("systemd-analyze")
    if analyser is None:
        return
    # The program and the user of the example are not on this machine.
    here = re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", text)
    for other in ("photobatch.service", "photobatch.timer"):
        body = here if other == name else (EXAMPLES / other).read_text(encoding="utf-8")
        (tmp_path / other).write_text(re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", body), encoding="utf-8")
    done = subprocess.run([analyser, "verify", str(tmp_path / name)], capture_output=True, text=True, check=False)
    assert name not in done.stderr, done.stderr


def test_the_cron_table_has_five_fields_and_a_command_per_line() -> None:
    lines = (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.strip() and not line.startswith("#") and not re.match(r"[A-Z]+=", line)]

    assert entries
    for entry in entries:
        assert re.fullmatch(r"([\d*/,-]+\s+){5}cd /srv/photobatch && photobatch .+", entry), entry


def test_the_airflow_dag_compiles_and_skips_an_empty_night(tmp_path: Path) -> None:
    path = EXAMPLES / "airflow_dag.py"
    py_compile.compile(str(path), cfile=str(tmp_path / "dag.pyc"), doraise=True)
    text = path.read_text(encoding="utf-8")
    (nightly,) = [words for words in command_lines(text) if words[0] == "nightly"]

    assert "skip_on_exit_code=99" in text
    assert parse(nightly).params["empty_exit"] == 99


def test_the_job_of_the_examples_is_valid(tmp_path: Path) -> None:
    for name in ("nightly.toml", "recipe.toml"):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    job = load(tmp_path / "nightly.toml", environment={})

    assert job.recipe == Recipe.load(EXAMPLES / "recipe.toml")
    assert job["money.cap_month"] == 400


def test_the_notebook_runs_against_the_sandbox(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)

    assert names["result"].summary["tasks"]["done"] == 3
    assert len(names["frame"]) == 3
    assert names["failed"].empty


def dockerfile() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n(?:\s*#.*\n)*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, rest in lines]


def test_the_container_copies_what_is_there_and_runs_as_nobody_special() -> None:
    steps = dockerfile()
    copied = [rest.split()[:-1] for word, rest in steps if word == "COPY" and "--from" not in rest]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()

    for name in chain.from_iterable(copied):
        assert (ROOT / name).exists(), name
        assert name not in ignored
    assert [rest for word, rest in steps if word == "USER"][-1] not in {"root", "0"}
    assert ("VOLUME", "/data") in steps


def test_the_container_starts_the_command_of_the_package() -> None:
    steps = dict(dockerfile())
    assert json.loads(steps["ENTRYPOINT"]) == ["photobatch"]
    assert json.loads(steps["CMD"]) == ["--help"]
    assert '[project.scripts]\nphotobatch = "jobs.cli:main"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    usage = re.findall(r"^#   docker run .* photobatch (nightly .*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert parse(shlex.split(usage[0])).params["job_file"] == Path("/data/nightly.toml")
