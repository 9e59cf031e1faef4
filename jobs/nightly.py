"""`photobatch nightly`: a job file, run unattended; pays only for the difference, and reports in the morning."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs import environment, options
from jobs.console import print_json, say
from jobs.morning import CAP, FAILURE, headline, markdown, outcome, plain
from jobs.notices import notify
from jobs.unattended import EmptyExitOrJobs, Grace, MetricsFile, MetricsPort, exit_code, step_summary, unattended
from pipeline.durations import moment, seconds
from pipeline.errors import FolderBusy, PipelineError
from pipeline.exits import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.jobfile import Job
    from pipeline.api import Settings
    from pipeline.caps import Caps
    from pipeline.wanted import Wanted

JobFile = Annotated[
    Path,
    typer.Argument(
        metavar="JOB.toml", help="The job file; `photobatch init MANIFEST` writes one.", parser=options.named
    ),
]
CAP_NIGHT = typer.Option("--cap-night", metavar="USD", min=0, help="USD for calls between noon and noon.")
TRUST = typer.Option("--trust-urls/--check-urls", help="Do not ask servers whether remote images changed.")
PRUNE = typer.Option("--prune/--keep", help="Move outputs of rows that left the manifest to superseded/.")
REHEARSE = typer.Option(
    "--sandbox/--real", help="Rehearse on the embedded sandbox: free, no key.", callback=options.one_provider
)


def nightly(
    job_file: JobFile,
    cap_night: Annotated[float | None, CAP_NIGHT] = None,
    deadline: options.Deadline = None,
    trust_urls: Annotated[bool | None, TRUST] = None,
    prune: Annotated[bool | None, PRUNE] = None,
    base_url: options.BaseUrl = None,
    sandbox: Annotated[bool | None, REHEARSE] = None,
    grace: Grace = None,
    empty_exit: EmptyExitOrJobs = None,
    metrics_file: MetricsFile = None,
    metrics_port: MetricsPort = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Converge a folder to a job file: only new, changed, missing and failed rows are paid for.

    Examples:
      photobatch nightly shop.toml --sandbox

      photobatch nightly shop.toml --deadline 06:00 --empty-exit 99
    """
    flags = {
        "money.cap_night": cap_night,
        "pace.deadline": deadline,
        "pace.grace": grace,
        "reading.trust_urls": trust_urls,
        "provider.base_url": base_url,
        "provider.sandbox": sandbox,
        "output.prune": prune,
        "output.empty_exit": empty_exit,
        "output.metrics_file": None if metrics_file is None else str(metrics_file.absolute()),
        "output.metrics_port": metrics_port,
    }
    from jobs.jobfile import load

    job = load(job_file, flags)
    try:
        code = _night(job, quiet=quiet, json_only=json)
    except Exception as error:
        _tell_failure(job, error)
        raise
    raise typer.Exit(code)


def _night(job: Job, *, quiet: bool, json_only: bool) -> int:
    """Do the night and report; returns the exit code."""
    from jobs.conducting import conduct_watched
    from jobs.display import Display

    metrics_file = job["output.metrics_file"]
    alone = unattended(
        job["pace.grace"],
        job["output.empty_exit"],
        None if metrics_file is None else Path(metrics_file),
        job["output.metrics_port"],
    )
    refuse_a_rehearsals_folder(job)
    settings, wanted = settings_of(job, time.time()), wanted_of(job)
    display = Display(job.out, quiet=quiet, json_only=json_only)
    summary = conduct_watched(settings, job.out, wanted, command="nightly", watcher=display, unattended=alone)
    if summary is None:
        return INTERRUPTED
    report(job, summary, json_only=json_only, quiet=quiet)
    return exit_code(summary, alone)


def refuse_a_rehearsals_folder(job: Job) -> None:
    """A real night never takes a rehearsal's pictures for done; raises FolderError."""
    from jobs.folder import is_rehearsal
    from pipeline.errors import FolderError

    elsewhere = job["provider.sandbox"] or job["provider.base_url"] is not None
    if not elsewhere and is_rehearsal(job.out):
        raise FolderError(
            f"{job.out} holds a rehearsal: its pictures are the sandbox's, and a real night would take them for done",
            hint=f"name another folder (out = … in {job.path}), or go on rehearsing: --sandbox",
        )


def settings_of(job: Job, now: float) -> Settings:
    """How the night that begins at *now* (Unix time) runs; raises RecipeError."""
    from pipeline.api import Settings

    local = datetime.fromtimestamp(now).astimezone()
    deadline = job["pace.deadline"]
    return Settings(
        base_url=job["provider.base_url"],
        sandbox=job["provider.sandbox"],
        api=job["pace.api"],
        caps=caps_of(job),
        rpm=job["pace.rpm"],
        concurrency=job["pace.concurrency"],
        max_failures=job["pace.max_failures"],
        deadline=None if deadline is None else moment(deadline, local),
        settle_after_s=seconds(job["pace.settle_after"], name="settle_after"),
        name=job["output.name"],
        images_to=job["output.images_to"],
        ai_label=job["output.ai_label"],
        prune=job["output.prune"],
        assume_price=job["money.assume_price"] or {},
        api_key=environment.api_key(),
        prices_cache=environment.prices_cache(),
    )


def wanted_of(job: Job) -> Wanted:
    """What the job asks for tonight: the newest manifest; raises ManifestError."""
    from pipeline.money import nano_up
    from pipeline.wanted import Wanted

    return Wanted(
        job.manifest(),
        job.recipe,
        key=job["key"],
        limit=job["reading.limit"],
        platform=job["reading.platform"],
        images=job["reading.images"],
        encoding=job["reading.encoding"],
        encoding_errors=job["reading.encoding_errors"],
        delimiter=job["reading.delimiter"],
        image_base_url=job["reading.image_base_url"],
        allow_private=job["reading.allow_private"],
        check_images=not job["reading.trust_urls"],
        assumed_nano={slug: nano_up(usd) for slug, usd in (job["money.assume_price"] or {}).items()},
    )


def caps_of(job: Job) -> Caps:
    """What the job may spend in a night and in a month."""
    from pipeline.caps import Caps

    return Caps(
        str(job.path.absolute()),
        job["money.cap_night"],
        job["money.cap_month"],
        str(job["money.cap_file"] or job.out.absolute() / "cap.db"),
    )


def report(job: Job, summary: Mapping[str, Any], *, json_only: bool = False, quiet: bool = False) -> None:
    """Tell everybody how the night went: stdout, the job's page on GitHub, notices."""
    if json_only:
        print_json(summary)
    elif not quiet:
        sys.stdout.write(f"{plain(job.name, summary)}\n")
    step_summary(markdown(job.name, summary))
    ended = outcome(summary)
    if ended in job["notify.on"]:
        failed = ended in (FAILURE, CAP)
        notify(job["notify.urls"], headline(job.name, summary), plain(job.name, summary), failed=failed, say=say)


def _tell_failure(job: Job, error: Exception) -> None:
    """A night that could not begin is the one that somebody must hear of."""
    why = f"{error}\n{error.hint}" if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"
    if FAILURE in job["notify.on"]:
        title = f"{job.name}: {'another run is still going on' if isinstance(error, FolderBusy) else 'it did not run'}"
        notify(job["notify.urls"], title, why, failed=True, say=say)
    step_summary(f"### {job.name}: it did not run\n\n{why}\n")
