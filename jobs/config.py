"""`photobatch config`: every setting of a job file, its value, and where it came from."""

from __future__ import annotations

import json as json_module
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.table import Table

from jobs import environment, options
from jobs.console import print_json, stdout
from jobs.nightly import JobFile
from jobs.notices import hidden

if TYPE_CHECKING:
    from jobs.jobfile import Job

URLS = "notify.urls"


def config(
    ctx: typer.Context,
    job_file: JobFile,
    json: options.Json = False,
) -> None:
    """Print every setting of a job file, its value and where it came from; the key masked."""
    from jobs.jobfile import load

    job = load(job_file)
    lines = [*settings(job, ctx.obj or {}), key(ctx.obj or {})]
    if json:
        print_json([{"setting": name, "value": value, "from": origin} for name, value, origin in lines])
        return
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for name, value, origin in lines:
        table.add_row(name, escape(toml(value)), escape(origin))
    stdout().print(table)


def toml(value: Any) -> str:
    """*value* as a job file would have it, text without its quotes; empty for None."""
    match value:
        case None:
            return ""
        case str():
            return value
        case dict():
            return "{" + ", ".join(f"{name} = {toml(each)}" for name, each in value.items()) + "}"
        case _:
            return json_module.dumps(value, ensure_ascii=False)


def settings(job: Job, files: dict[str, str]) -> list[tuple[str, Any, str]]:
    """(setting, value, where it came from); *files* says by variable which file it was read from."""
    from jobs.entries import ENTRIES

    found = []
    for entry in ENTRIES:
        value = job[entry.place]
        origin = job.origins.get(entry.place, "default")
        if origin == entry.variable:
            origin = f"{entry.variable} ({files.get(entry.variable, 'environment')})"
        found.append((entry.place, _shown(entry.place, value), str(job.path) if origin == "job file" else origin))
    steps = ", ".join(f"{step.name} ({step.endpoint})" for step in job.recipe.steps)
    found.insert(2, ("steps", steps or "named by the rows", str(job["recipe"] or job.path)))
    return found


def key(files: dict[str, str]) -> tuple[str, str, str]:
    """The API key: whether there is one, never what it is."""
    found = environment.api_key()
    if found is None:
        return environment.KEY, "missing", "nowhere"
    named = environment.KEY if os.environ.get(environment.KEY) else environment.KEY_FILE
    return environment.KEY, "SG_…" if found.startswith("SG_") else "…", files.get(named, "key file")


def _shown(place: str, value: Any) -> Any:
    if place == URLS:
        return [hidden(address) for address in value]
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
