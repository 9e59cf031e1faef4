"""`photobatch settle`: tasks in doubt, by the provider's history or by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs import environment, options
from jobs.folder import existing
from pipeline.durations import seconds
from pipeline.exits import DONE, DOUBT

BILLED = typer.Option("--as-billed", metavar="ID", help="This task was billed; nobody has its image. Repeatable.")
UNBILLED = typer.Option("--as-unbilled", metavar="ID", help="This task was not billed: open it again. Repeatable.")


def settle(
    folder: options.Folder,
    as_billed: Annotated[list[str] | None, BILLED] = None,
    as_unbilled: Annotated[list[str] | None, UNBILLED] = None,
    settle_after: options.SettleAfter = "5m",
    api: options.Api = "queue",
    base_url: options.BaseUrl = None,
    sandbox: options.Sandbox = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Settle tasks in doubt: ask the provider's history, fetch what it has, open what it never got. Sends nothing.

    Exit code 6 while tasks stay in doubt.
    """
    from jobs.conducting import conduct_here
    from pipeline.api import Settings

    existing(folder)
    settings = Settings(
        base_url=base_url,
        sandbox=sandbox,
        api=api,  # type: ignore[arg-type]  # Settings refuses other words
        send=False,
        settle_after_s=seconds(settle_after, name="--settle-after"),
        api_key=environment.api_key(),
    )
    if as_billed or as_unbilled:
        from jobs.status import status
        from pipeline.inspection import settle_by_hand

        left = settle_by_hand(folder, billed=as_billed or [], unbilled=as_unbilled or [])
        if json or not quiet:
            status(folder, json=json)
        raise typer.Exit(DOUBT if left else DONE)

    raise typer.Exit(conduct_here(settings, folder, None, command="settle", quiet=quiet, json_only=json))
