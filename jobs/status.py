"""`photobatch status`: counts, money, what is open and why."""

from __future__ import annotations

from typing import Annotated

from jobs import options
from jobs.console import print_json, stdout
from jobs.folder import existing
from jobs.tables import print_history

NIGHTS = options.option("--nights", "The trend: the newest N runs, one per line.", metavar="N", min=1)


def status(folder: options.Folder, nights: Annotated[int | None, NIGHTS] = None, json: options.Json = False) -> None:
    """Counts, money, what is open and why; or, with --nights, the trend of runs."""
    from pipeline.inspection import history, reading, summary_of
    from pipeline.lock import holder_now
    from pipeline.report.terminal import render_status

    existing(folder)
    if nights is not None:
        past = history(folder, nights)
        if json:
            print_json([each.as_json() for each in past])
        else:
            print_history(past)
        return
    summary = summary_of(folder)
    if json:
        print_json(summary)
        return
    with reading(folder) as db:
        stdout().print(render_status(db, holder=holder_now(folder)))
