"""`photobatch endpoints`: parameters, ranges, prices."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from jobs import options
from jobs.console import print_json, stdout


def endpoints(
    slug: Annotated[str | None, typer.Argument(help="One endpoint, with all its parameters.")] = None,
    json: options.Json = False,
) -> None:
    """List the endpoints, or one with every parameter, its range, default and price. --json gives JSON Schema."""
    from pipeline import endpoints as known
    from pipeline.endpoints import describe
    from pipeline.report.fitting import KEPT, Column, Fitted

    if json:
        schemas = {each.slug: each.json_schema() for each in known.every().values()}
        print_json(known.get(slug).json_schema() if slug else schemas)
        return
    console = stdout()
    if slug is None:
        wrapped, least = ("what it does", "required parameters"), {"takes": 0, "required parameters": 1}
        columns = [Column(name, least.get(name, KEPT), justify="left", wraps=name in wrapped) for name in describe.HEAD]
        console.print(Fitted(columns, describe.rows(known.every().values())))
        return
    endpoint = known.get(slug)
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, value in describe.facts(endpoint):
        facts.add_row(name, value)
    console.print(facts)
    table = Table("parameter", "kind", "default", "allowed", "meaning", box=None, pad_edge=False)
    for line in describe.parameters(endpoint):
        table.add_row(
            f"{line.name}{' *' if line.required else ''}", line.kind, line.default, line.allowed, line.meaning
        )
    console.print(table)
    console.print("* required")
