"""The morning report: one summary object, in the words of a headline, of a page and of a message.

Pure: from a summary to text.  Who gets it is `jobs.notices`' business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.ending import meaning
from jobs.unattended import nothing_done
from pipeline.caps import Limit
from pipeline.money import cents
from pipeline.words import many

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCESS, FAILURE, CAP, NOTHING = "success", "failure", "cap", "nothing"
OUTCOMES = (SUCCESS, FAILURE, CAP, NOTHING)
"""How a night can end, as `notify.on` names it."""


def outcome(summary: Mapping[str, Any]) -> str:
    """Which of OUTCOMES the night came to."""
    if summary["stopped_by"] == "cap":
        return CAP
    if summary["exit_code"]:
        return FAILURE
    return NOTHING if nothing_done(summary) else SUCCESS


def headline(name: str, summary: Mapping[str, Any]) -> str:
    """The night in one line."""
    ours = summary.get("this_run", {})
    match outcome(summary):
        case "nothing":
            return f"{name}: nothing to do"
        case "success":
            return f"{name}: {ours.get('done', 0):,} done, {cents(ours.get('billed_usd', 0.0))}"
        case "cap":
            return f"{name}: the {_limit(ours).named} was reached, {summary['tasks']['open']:,} tasks stay open"
        case _:
            return f"{name}: {meaning(summary)} (exit code {summary['exit_code']})"


def lines(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of the night, as (name, value)."""
    tasks, cost, ours, requests = summary["tasks"], summary["cost"], summary.get("this_run", {}), summary["requests"]
    ends = ", ".join(f"{tasks[word]:,} {word.replace('_', ' ')}" for word in ("done", "failed", "in_doubt", "invalid"))
    found = [
        ("rows", _rows(summary, ours)),
        ("tasks", f"{tasks['total']:,}: {ends}, {tasks['open']:,} open"),
        ("this run", f"{ours.get('done', 0):,} done, {ours.get('reused', 0):,} of them shared at no cost"),
        ("money", f"{cents(ours.get('billed_usd', 0.0))} this run, {cents(cost['billed_usd'])} in this folder"),
        ("cap", ", ".join(_caps(ours))),
        ("reserved", cents(cost["reserved_usd"]) if cost["reserved_usd"] else ""),
        ("balance", cents(summary["balance_usd"]) if "balance_usd" in summary else ""),
        ("requests", f"{many(requests['submit'], 'call')}, {many(requests['http_429'], 'time')} 429"),
        ("time", f"{summary['elapsed_s']:,.0f} s"),
        ("to fetch", "{tasks:,}, at no cost: {why}".format(**summary["unfetched"]) if "unfetched" in summary else ""),
        ("stopped by", summary["stopped_by"] or ""),
        ("why", summary.get("message", "")),
    ]
    return [(name, text) for name, text in found if text]


def plain(name: str, summary: Mapping[str, Any]) -> str:
    """The report as plain text."""
    return "\n".join([headline(name, summary), *(f"  {title:10}  {text}" for title, text in lines(summary))])


def markdown(name: str, summary: Mapping[str, Any]) -> str:
    """The report as a small Markdown table."""
    rows = [f"| {title} | {_cell(text)} |" for title, text in lines(summary)]
    return "\n".join([f"### {_cell(headline(name, summary))}", "", "| | |", "|---|---|", *rows, ""])


def _caps(ours: Mapping[str, Any]) -> list[str]:
    words = (("cap_usd", "a night"), ("cap_month_usd", "a month"))
    return [f"{cents(ours[name])} {word}" for name, word in words if name in ours]


def _limit(ours: Mapping[str, Any]) -> Limit:
    """Which cap stopped the run; a price that nobody knows is refused under any."""
    return Limit(ours.get("cap_reached", Limit.FOLDER))


def _rows(summary: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    words = (("new", "rows_new"), ("changed", "rows_changed"), ("left the manifest", "rows_left"), ("moved", "pruned"))
    counts = [f"{ours[name]:,} {word}" for word, name in words if ours.get(name)]
    return ", ".join([f"{summary['rows']:,}", *counts])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
