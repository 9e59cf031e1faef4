"""The folder's numbers for a terminal, drawn with rich: the same ones as on the page.

Knows rich's shapes, no terminal: who calls prints.  Text from manifest and provider is never read as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from pipeline.ledger import gallery
from pipeline.money import show_usd
from pipeline.report.causes import CAPS, STOPS, Causes
from pipeline.report.figures import figures
from pipeline.report.fitting import KEPT, Column, Fitted

if TYPE_CHECKING:
    import sqlite3

    from rich.console import RenderableType

CAUSES = 8
RESUME = "`photobatch resume` finishes what was begun and sends the rest."
WIDTH = 60
SPARKS = "▁▂▃▄▅▆▇█"


def render_status(db: sqlite3.Connection, *, holder: str | None = None) -> RenderableType:
    """Tasks, money, endpoints and causes of the folder as it stands; *holder* says which run is at work on it."""
    numbers = figures(db)
    causes = Causes()
    for each in gallery.failures(db):
        causes.of(*each)
    parts: list[RenderableType] = [_headline(numbers), _bar(numbers["tasks"]), _endpoints(numbers)]
    newest = next((run for run in numbers["runs"] if run["timeline"]), None)
    if newest:
        parts.append(_rate(newest))
    if causes.found:
        parts.append(_causes(causes))
    if numbers["tasks"]["open"]:
        at_work = None if holder is None else Text(f"open: a run is at work ({holder})")
        parts.append(at_work or _why_open(numbers["runs"]))
    return Group(*parts)


def spark(values: list[int]) -> str:
    """*values* as a line of little bars; nothing for none."""
    most = max(values, default=0)
    return "".join(SPARKS[round(value / most * (len(SPARKS) - 1))] if most else SPARKS[0] for value in values)


def _headline(numbers: dict[str, Any]) -> Text:
    tasks, cost = numbers["tasks"], numbers["cost"]
    line = Text()
    if numbers["provider"] == "sandbox":
        line.append("sandbox ", style="yellow")
    line.append(f"{tasks['done']:,} of {tasks['total']:,} tasks done", style="bold")
    for word, count, style in (
        ("failed", tasks["failed"], "red"),
        ("invalid", tasks["invalid"], "red"),
        ("in doubt", numbers["doubtful"], "yellow"),
        ("open", tasks["open"], ""),
        ("reused", tasks["reused"], "green"),
    ):
        if count:
            line.append(f", {count:,} {word}", style=style)
    line.append(f"\n{show_usd(cost['estimated_usd'])} estimated, {show_usd(cost['billed_usd'])} billed")
    if cost["superseded_usd"] > 0:
        line.append(f", {show_usd(cost['superseded_usd'])} of it for what was superseded")
    if cost["reserved_usd"]:
        line.append(f", {show_usd(cost['reserved_usd'])} reserved")
    return line


def _bar(tasks: dict[str, int]) -> Text:
    """One cell for every WIDTH-th of the tasks, by how they ended."""
    bar = Text()
    for name, style in (("done", "green"), ("failed", "red"), ("invalid", "red"), ("in_doubt", "yellow")):
        bar.append("━" * round(WIDTH * tasks[name] / max(1, tasks["total"])), style=style)
    bar.append("─" * (WIDTH - len(bar)), style="dim")
    return bar


def _endpoints(numbers: dict[str, Any]) -> Fitted:
    rare = [name for name in ("invalid", "in_doubt") if any(each[name] for each in numbers["endpoints"])]
    counted = ("tasks", "done", "failed", *rare, "open")
    columns = [Column("endpoint", justify="left"), *(Column(name.replace("_", " ")) for name in counted)]
    columns += [Column(name, rank) for name, rank in (("est. paid", 3), ("billed", KEPT), ("median", 2), ("95 %", 1))]
    rows: list[list[str | Text]] = []
    times = numbers["latency"]["endpoints"]
    for each in numbers["endpoints"]:
        time = times.get(each["endpoint"])
        row: list[str | Text] = [
            Text(each["endpoint"]),
            *(f"{each[name] - (each['invalid'] if name == 'failed' else 0):,}" for name in counted),
            show_usd(each["estimated_usd"]),
            show_usd(each["billed_usd"]),
            f"{time['median_s']:.0f} s" if time else "",
            f"{time['p95_s']:.0f} s" if time else "",
        ]
        rows.append(row)
    return Fitted(columns, rows, header="dim")


def _rate(run: dict[str, Any]) -> Text:
    timeline = run["timeline"]
    line = Text(f"calls of {run['id']} ", style="dim")
    line.append(spark(timeline["sent"]), style="blue")
    limited = run["requests"]["http_429"] if run["requests"] else sum(timeline["limited"])
    if limited:
        line.append(f" {limited:,} answered 429", style="yellow")
    return line


def _causes(causes: Causes) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title="not done", title_justify="left")
    for name, justify in (("tasks", "right"), ("cause", "left"), ("what to do", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]  # rich names them so
    for each in sorted(causes.found, key=lambda cause: -cause.count)[:CAUSES]:
        kind = f"{each.state.replace('_', ' ')} {each.error_class.replace('_', ' ')}".strip()
        table.add_row(f"{each.count:,}", Text(f"{kind}: {each.message}"), Text(each.remedy))
    return table


def _why_open(runs: list[dict[str, Any]]) -> Text:
    """Why there are open tasks, as far as the newest run says it."""
    stopped_by = runs[0]["stopped_by"] if runs else None
    if stopped_by is None:
        return Text(f"open: {RESUME}")
    advice = CAPS.get(runs[0]["cap_reached"]) if stopped_by == "cap" else None
    return Text(f"open: the last run was stopped ({stopped_by}). {advice or STOPS.get(stopped_by, RESUME)}")
