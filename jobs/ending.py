"""How a run ended, in a sentence: what its exit code means, made exact by what the summary knows.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.exits import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EXACTLY = {
    "deadline": "the deadline stopped the run; resumable",
    "failures": "the failure limit stopped the run; resumable",
    "connection": "there was no connection to the provider; resumable",
    "interrupted": "interrupted; what was paid for was finished first; resumable",
}
"""By what stopped the run, where the exit code alone leaves it open."""
CUT_OFF = "interrupted and cut off; what was paid for is fetched by the next run, at no cost; resumable"


def meaning(summary: Mapping[str, Any]) -> str:
    """What the exit code of the run means."""
    if summary.get("this_run", {}).get("cut_off"):
        return CUT_OFF
    return EXACTLY.get(summary["stopped_by"]) or EXIT_CODES.get(summary["exit_code"], "ended")


def complaint(summary: Mapping[str, Any], folder: Path) -> str:
    """One line about a run that did not end well: what stopped it, why, and where to look."""
    tasks = summary["tasks"]
    words = [word for word in ("failed", "in_doubt", "invalid", "open") if tasks[word]]
    counts = ", ".join(f"{tasks[word]:,} {word.replace('_', ' ')}" for word in words)
    why = [summary["message"]] if summary.get("message") else []
    told = "; ".join([meaning(summary), *why, *([counts] if counts else [])])
    return f"exit code {summary['exit_code']}: {told}; see: photobatch status {folder}".replace("\n", " ")
