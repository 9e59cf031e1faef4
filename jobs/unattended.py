"""What runs need that nobody watches: a grace period, an exit code for "nothing to do", metrics, a morning report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from jobs import options
from jobs.console import say
from pipeline.durations import seconds
from pipeline.exits import DONE

if TYPE_CHECKING:
    from collections.abc import Mapping

ALONE = "When nobody watches"
GRACE = "After Ctrl-C or SIGTERM, stop hard when calls in flight take longer than this; what was paid is not lost."
EMPTY_EXIT = "Exit code when there was nothing to do, such as 99 for Airflow's 'skipped'."
METRICS_FILE = "Write metrics here, for Prometheus' textfile collector."
METRICS_PORT = "Serve metrics while running, at [HOST:]PORT; the host is this computer unless named."

PRUNE = "Move outputs of rows that left the manifest to superseded/."

Prune = Annotated[bool, options.option("--prune", PRUNE, ALONE)]
Grace = Annotated[str | None, options.option("--grace", GRACE, ALONE, metavar="DURATION")]
EmptyExit = Annotated[int, options.option("--empty-exit", EMPTY_EXIT, ALONE, min=0, max=255)]
EmptyExitOrJobs = Annotated[int | None, options.option("--empty-exit", EMPTY_EXIT, ALONE, min=0, max=255)]
"""The same where a job file may say it."""
MetricsFile = Annotated[Path | None, options.option("--metrics-file", METRICS_FILE, ALONE)]
MetricsPort = Annotated[str | None, options.option("--metrics-port", METRICS_PORT, ALONE, metavar="[HOST:]PORT")]


@dataclass(frozen=True)
class Unattended:
    """How a run behaves without anybody at the terminal."""

    grace_s: float | None = None
    empty_exit: int = DONE
    metrics_file: Path | None = None
    metrics_port: str | None = None


def unattended(grace: str | None, empty_exit: int, metrics_file: Path | None, metrics_port: str | None) -> Unattended:
    """From the flags; raises RecipeError."""
    grace_s = None if grace is None else seconds(grace, name="--grace")
    return Unattended(grace_s, empty_exit, metrics_file, metrics_port)


def nothing_done(summary: Mapping[str, Any]) -> bool:
    """Whether the run had nothing to do: every task was done before it began."""
    ours = summary.get("this_run", {})
    return summary["exit_code"] == DONE and not ours.get("done") and not summary["requests"]["submit"]


def exit_code(summary: Mapping[str, Any], unattended: Unattended) -> int:
    """The process's exit code: the summary's, unless there was nothing to do."""
    return unattended.empty_exit if nothing_done(summary) else int(summary["exit_code"])


def step_summary(text: str) -> None:
    """Add *text* (Markdown) to the page of a GitHub Actions job, when there is one."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except OSError as error:
            say(f"the job's summary page could not be written: {error}")
