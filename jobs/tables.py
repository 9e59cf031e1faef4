"""Plans and summaries as people read them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from jobs.console import redacted, say, stderr, stdout
from pipeline.money import cents, show
from pipeline.planned import IN_FLIGHT_QUEUE
from pipeline.report.fitting import KEPT, Column, Fitted, importance
from pipeline.words import many

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from pipeline.explain import Totals
    from pipeline.inspection import Past
    from pipeline.planned import Plan

SHOWN = 20


def print_plan(plan: Plan) -> None:
    """The whole plan, on stdout."""
    console = stdout()
    console.print(f"{plan.manifest}: {many(plan.rows, 'row')}, key {plan.key}", markup=False)
    for note in plan.notes:
        console.print(f"  {note}", markup=False)
    console.print(_endpoints(plan))
    console.print(
        f"{many(plan.to_pay, 'call')} to pay: about {show(plan.typical_nano)}, at worst {show(plan.worst_nano)};"
        f" about {_span(plan.seconds)} at {_rate(plan.per_minute)}",
        markup=False,
        soft_wrap=True,
    )
    if plan.under_way:
        console.print(
            f"{many(plan.under_way, 'task')} from an earlier run under way or in doubt: never paid again", markup=False
        )
    if plan.failed:
        console.print(
            f"{many(plan.failed, 'task')} failed before and stay so; `photobatch resume DIR --only CLASS` tries again",
            markup=False,
        )
    if plan.taken.left:
        console.print(f"{many(plan.taken.left, 'row')} left the manifest; the outputs stay", markup=False)
    if plan.without_image:
        rows = ", ".join(map(str, plan.first_without_image))
        where = f" (rows {rows}{' …' if plan.without_image > len(plan.first_without_image) else ''})" if rows else ""
        console.print(f"{many(plan.without_image, 'row')} without an image: no task{where}", markup=False)
    print_problems(plan)


def _endpoints(plan: Plan) -> Fitted:
    rare = {name: [getattr(each, name) for each in plan.endpoints] for name in ("duplicates", "done", "invalid")}
    columns = (
        Column("endpoint", justify="left"),
        *(Column(name) for name in ("tasks", "to pay")),
        *(Column(name, importance(counts, 2)) for name, counts in rare.items()),
        *(Column(name) for name in ("typical", "worst case")),
        Column("price from", 1, justify="left", wraps=True),
    )
    rows = [
        (
            each.endpoint,
            *(f"{number:,}" for number in (each.tasks, each.to_pay, each.duplicates, each.done, each.invalid)),
            show(each.typical_nano),
            show(each.worst_nano),
            plan.price_sources.get(each.endpoint, "unknown" if each.unpriced else ""),
        )
        for each in plan.endpoints
    ]
    return Fitted(columns, rows)


def print_problems(plan: Plan) -> None:
    """Warnings and invalid rows, on stderr."""
    for warning in plan.warnings[:SHOWN]:
        say(f"warning: {warning}")
    for bad in plan.invalid[:SHOWN]:
        say(f"invalid: {bad.key} ({bad.step}): {bad.reason}")
    if len(plan.invalid) > SHOWN:
        say(f"… and {len(plan.invalid) - SHOWN:,} more invalid tasks")


def print_plan_line(plan: Plan) -> None:
    """The plan in a line, as a run says it before it begins."""
    print_problems(plan)
    broken = sum(each.invalid for each in plan.endpoints)
    done = sum(each.done for each in plan.endpoints)
    duplicates = sum(each.duplicates for each in plan.endpoints)
    changes = ((plan.taken.new, "new"), (plan.taken.changed, "changed"), (plan.taken.left, "left the manifest"))
    rows = ", ".join(f"{count:,} {word}" for count, word in changes if count)
    read = f"{many(plan.rows, 'row')}{f' ({rows})' if rows else ''}"
    parts = [read, many(plan.tasks, "task"), f"{plan.to_pay:,} to pay"]
    parts += [
        f"{count:,} {word}"
        for count, word in (
            (done, "done"),
            (duplicates, "shared"),
            (plan.under_way, "sent before"),
            (plan.failed, "failed before"),
            (broken, "invalid"),
        )
        if count
    ]
    if plan.without_image:
        parts.append(f"{many(plan.without_image, 'row')} without an image")
    say(f"{', '.join(parts)}; about {show(plan.typical_nano)}, at worst {show(plan.worst_nano)}")


def below_worst_case(plan: Plan, free_nano: int | None) -> str | None:
    """What may happen when a cap leaves *free_nano* for the calls of *plan*; None when it leaves enough."""
    if free_nano is None or plan.worst_nano is None or plan.worst_nano <= free_nano:
        return None
    return (
        f"warning: the cap leaves {show(max(0, free_nano))} and the calls cost {show(plan.worst_nano)} at worst:"
        " the run may stop before all are sent; nothing is lost, `photobatch resume` with a higher cap sends the rest"
    )


def print_totals(totals: Totals) -> None:
    """An explanation's totals, on stderr."""
    sums = totals.as_json()
    table = Table("does", "because", box=None, pad_edge=False)
    table.add_column("tasks", justify="right")
    for each in sums["reasons"]:
        table.add_row(each["does"], escape(each["reason"]), f"{each['tasks']:,}")
    stderr().print(table)
    known = not totals.unpriced
    say(
        f"{many(totals.to_pay, 'call')} to pay: about {show(totals.typical_nano if known else None)},"
        f" at worst {show(totals.worst_nano if known else None)}"
    )


def print_summary(summary: dict[str, Any], *, console: Console | None = None) -> None:
    """The summary of a run, on stderr unless another console is given."""
    console = console or stderr()
    tasks, cost = summary["tasks"], summary["cost"]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    ends = [f"{tasks[word]:,} {word.replace('_', ' ')}" for word in ("done", "failed", "in_doubt", "invalid", "open")]
    table.add_row("tasks", f"{tasks['total']:,} = {' + '.join(ends)}")
    if tasks["reused"]:
        table.add_row("shared", f"{tasks['reused']:,} got the output of the same call, at no cost")
    money = f"{cents(cost['billed_usd'])} billed, {cents(cost['reserved_usd'])} reserved"
    if cost["cap_usd"] is not None:
        month = cost["cap_usd"] == summary.get("this_run", {}).get("cap_month_usd")
        money += f", cap {cents(cost['cap_usd'])}{' a month over all its folders' if month else ''}"
    table.add_row("money", money)
    requests = summary["requests"]
    table.add_row(
        "requests",
        f"{many(requests['submit'], 'call')}, {many(requests['poll'], 'poll')}, {many(requests['http_429'], 'time')}"
        f" 429, {many(requests['http_5xx'], 'time')} 5xx, in {summary['elapsed_s']:,.1f} s",
    )
    if unfetched := summary.get("unfetched"):
        table.add_row("to be fetched", escape(redacted(f"{unfetched['tasks']:,}, at no cost: {unfetched['why']}")))
    if summary["stopped_by"]:
        table.add_row("stopped by", summary["stopped_by"])
    console.print(table)
    if summary.get("message"):
        console.print(redacted(summary["message"]), markup=False)


def print_places(folder: Path, summary: dict[str, Any]) -> None:
    """Where everything is after the run of *summary* has ended, on stderr."""
    say(f"images in {folder / 'images'}, results in {folder / 'results.csv'}, ledger in {folder / 'ledger.db'}")
    gallery = folder / "report" / "index.html"
    if not gallery.exists():
        say(f"for the gallery: photobatch report {folder}")
        return
    changed = any(summary.get("this_run", {}).get(word) for word in ("done", "failed", "in_doubt"))
    old = changed and gallery.stat().st_mtime < time.time() - summary["elapsed_s"]
    again = f", older than this run: photobatch report {folder} makes it anew" if old else ""
    say(f"gallery in {gallery}{again}")


def print_history(past: Sequence[Past]) -> None:
    """Runs as a table, on stdout; the bar is the money of each against the dearest."""
    most = max((each.billed_nano for each in past), default=0)
    columns = (
        *(Column(name, justify="left") for name in ("began", "command")),
        *(Column(name, rank) for name, rank in (("lasted", 1), ("exit", KEPT), ("done", KEPT), ("failed", KEPT))),
        Column("billed"),
        Column("", 0, justify="left"),
    )
    rows = []
    for each in past:
        lasted = _span(each.finished_at - each.started_at) if each.finished_at is not None else "not ended"
        row = (
            f"{datetime.fromtimestamp(each.started_at).astimezone():%Y-%m-%d %H:%M}",
            each.command,
            "cut off" if each.cut_off else lasted,
            "" if each.exit_code is None else f"{each.exit_code}{f' {each.stopped_by}' if each.stopped_by else ''}",
            *("" if count is None else f"{count:,}" for count in (each.done, each.failed)),
            show(each.billed_nano),
            "▇" * round(12 * each.billed_nano / most) if most else "",
        )
        rows.append(row)
    stdout().print(Fitted(columns, rows))


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _rate(per_minute: float) -> str:
    return f"{per_minute:g} calls a minute" if per_minute else f"{IN_FLIGHT_QUEUE} calls at a time"
