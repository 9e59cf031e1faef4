"""`photobatch resume`: finish or redrive what a folder's ledger still has open; needs no manifest."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import environment, options
from jobs.console import stdout
from jobs.folder import existing, known_keys
from jobs.options import listed
from jobs.unattended import EmptyExit, Grace, MetricsFile, MetricsPort, unattended
from jobs.wanting import assumed_prices
from pipeline.durations import moment, seconds

if TYPE_CHECKING:
    from pipeline.flow import Run

ONLY = typer.Option("--only", metavar="CLASS", help="Only failures of these classes, separated by commas. Repeatable.")
ONLY_ENDPOINT = typer.Option("--endpoint", metavar="SLUG", help="Only tasks of this endpoint.")
ONLY_KEY = typer.Option("--key", metavar="KEY", help="Only tasks of this row. Repeatable.")
SET = typer.Option(
    "--set", metavar="NAME=VALUE", help="What the selected tasks get instead of what they had. Repeatable."
)
DRY_RUN = options.option("--dry-run", "Say what it would cost, and do nothing.")
DECISIONS = typer.Option(
    "--decisions",
    metavar="FILE",
    help="decisions.csv from the report: rejected tasks are made once more.",
    parser=options.named,
)
SINCE = typer.Option("--since", metavar="DURATION", help="Only tasks that ended within this time, such as 12h.")


def resume(
    folder: options.Folder,
    only: Annotated[list[str] | None, ONLY] = None,
    endpoint: Annotated[str | None, ONLY_ENDPOINT] = None,
    key: Annotated[list[str] | None, ONLY_KEY] = None,
    since: Annotated[str | None, SINCE] = None,
    set_: Annotated[list[str] | None, SET] = None,
    decisions: Annotated[Path | None, DECISIONS] = None,
    dry_run: Annotated[bool, DRY_RUN] = False,
    cap: options.Cap = None,
    cap_file: options.CapFile = None,
    assume_price: options.AssumePrice = None,
    rpm: options.Rpm = None,
    concurrency: options.Concurrency = None,
    api: options.Api = "queue",
    base_url: options.BaseUrl = None,
    sandbox: options.Sandbox = False,
    max_failures: options.MaxFailures = None,
    deadline: options.Deadline = None,
    settle_after: options.SettleAfter = "5m",
    no_ai_label: options.NoAiLabel = False,
    grace: Grace = None,
    empty_exit: EmptyExit = 0,
    metrics_file: MetricsFile = None,
    metrics_port: MetricsPort = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Finish what a folder still has open; with --only, redrive failures of those classes and nothing else.

    Examples:
      photobatch resume out/autumn

      photobatch resume out/autumn --only rejected --endpoint ic-light --set prompt='{title} on oak' --dry-run
    """
    from jobs.conducting import conduct_here
    from jobs.deciding import decide
    from pipeline.amend import Amendment
    from pipeline.api import Settings
    from pipeline.inspection import what_if
    from pipeline.recipe import parse_settings
    from pipeline.report.decisions import read_decisions
    from pipeline.selection import Selection

    existing(folder)
    known_keys(folder, key or [])
    now = datetime.now().astimezone()
    selection = Selection.parse(
        listed(only, "--only"),
        endpoint=endpoint,
        keys=key or [],
        since=None if since is None else now.timestamp() - seconds(since, name="--since"),
    )
    settings = Settings(
        base_url=base_url,
        sandbox=sandbox,
        api=api,  # type: ignore[arg-type]  # Settings refuses other words
        cap_usd=cap,
        cap_file=cap_file,
        rpm=rpm,
        concurrency=concurrency,
        max_failures=max_failures,
        deadline=None if deadline is None else moment(deadline, now),
        settle_after_s=seconds(settle_after, name="--settle-after"),
        ai_label=not no_ai_label,
        assume_price=assumed_prices(assume_price),
        api_key=environment.api_key(),
        prices_cache=environment.prices_cache(),
    )

    amendment = Amendment(selection, parse_settings(set_ or []), time.time)
    judged = read_decisions(decisions) if decisions is not None else []
    if dry_run:
        stdout().print(str(what_if(folder, amendment.reopen, judged)), markup=False)
        return

    def select(run: Run) -> None:
        run.selection = amendment
        if judged:
            run.prepare = lambda ledger: decide(ledger, judged, quiet=quiet or json)

    alone = unattended(grace, empty_exit, metrics_file, metrics_port)
    code = conduct_here(
        settings, folder, None, command="resume", quiet=quiet, json_only=json, begun=select, unattended=alone
    )
    raise typer.Exit(code)
