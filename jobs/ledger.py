"""`photobatch ledger`: the results ledger as CSV, Parquet or JSON lines; and whether it agrees with the files."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs import options
from jobs.console import say
from jobs.folder import existing
from pipeline.errors import FolderBusy, RecipeError
from pipeline.task import State


class Format(StrEnum):
    """Formats of the export."""

    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"


def ledger(
    folder: options.Folder,
    state: Annotated[State | None, typer.Option("--state", help="Only tasks in this state.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="csv, parquet or jsonl.")] = Format.CSV,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A file; default: stdout.", parser=options.named)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Verify the ledger against the files; changes nothing.")
    ] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild what can be rebuilt, without paying.")] = False,
) -> None:
    """Print or save the results ledger: one line per task.

    With --check or --repair: exit code 3 when something is wrong, 75 when a run is at work and
    nothing else is.
    """
    from pipeline.destination import named_by_user
    from pipeline.inspection import reading
    from pipeline.ledger import counts, evidence, export

    if not (repair and evidence.traces(folder)):
        existing(folder)
    if check or repair:
        raise typer.Exit(_care(folder, mend=repair))
    if format_ is Format.PARQUET and output is None:
        raise RecipeError("Parquet cannot be printed", hint="add -o FILE")
    with reading(folder) as db:
        results = export.Results(db, state=state)
        if output is None:
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]  # a text stream
            write = export.write_csv_to if format_ is Format.CSV else export.write_jsonl_to
            write(results, sys.stdout)
        else:
            write_to = {"csv": export.write_csv, "jsonl": export.write_jsonl, "parquet": export.write_parquet}
            with named_by_user(output):
                write_to[format_](results, output)
            marked, outputs = counts.marked_outputs(db)
            say(f"{output}; {marked:,} of {outputs:,} outputs are marked as made by AI (IPTC DigitalSourceType)")


def _care(folder: Path, *, mend: bool) -> int:
    """Say what is wrong, after mending it when asked to; the exit code."""
    from pipeline import care
    from pipeline.exits import DONE, PARTLY

    if mend:
        for sentence in care.repair(folder):
            say(sentence)
    wrong = 0
    try:
        for finding in care.check(folder):
            wrong += 1
            sys.stdout.write(f"{finding}\n")
    except FolderBusy as busy:
        if not wrong:
            raise
        say(f"{busy}: {busy.hint}")
    if not wrong:
        say(f"{folder}: the ledger agrees with the files")
    elif mend:
        say(f"{wrong} findings are left; nothing of them is overwritten: `photobatch resume DIR` deals with open tasks")
    else:
        say(f"{wrong} findings; `photobatch ledger {folder} --repair` mends what can be mended, without paying")
    return PARTLY if wrong else DONE
