"""`photobatch status`: counts, money, what is open and why."""

from __future__ import annotations

from jobs import options
from jobs.console import print_json, stdout
from jobs.folder import existing
from jobs.tables import print_causes, print_summary


def status(folder: options.Folder, json: options.Json = False) -> None:
    """Counts, money, what is open and why."""
    from pipeline.inspection import causes_of, summary_of

    existing(folder)
    summary = summary_of(folder)
    if json:
        print_json(summary)
        return
    print_summary(summary, console=stdout())
    print_causes(causes_of(folder))
