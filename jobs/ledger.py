"""`photobatch ledger`: the results ledger as CSV, Parquet or JSON lines."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs import options
from jobs.folder import existing
from pipeline.errors import RecipeError
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
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file; default: stdout.")] = None,
) -> None:
    """Print or save the results ledger: one line per task."""
    from pipeline.inspection import reading
    from pipeline.ledger import export

    existing(folder)
    if format_ is Format.PARQUET and output is None:
        raise RecipeError("Parquet cannot be printed", hint="add -o FILE")
    with reading(folder) as db:
        results = export.Results(db, state=state)
        if output is None:
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]  # a text stream
            write = export.write_csv_to if format_ is Format.CSV else export.write_jsonl_to
            write(results, sys.stdout)
        elif format_ is Format.PARQUET:
            export.write_parquet(results, output)
        elif format_ is Format.CSV:
            export.write_csv(results, output)
        else:
            export.write_jsonl(results, output)
