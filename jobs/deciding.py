"""Decisions from the gallery, carried into the ledger before a run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jobs.console import say
from pipeline.outputs import OutputStore
from pipeline.report.redrive import apply_decisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ledger import Ledger
    from pipeline.report.decisions import Decision


def decide(ledger: Ledger, decisions: Sequence[Decision], *, quiet: bool) -> None:
    """Apply *decisions* and say what became of them; raises InputError, and then nothing was applied."""
    applied = apply_decisions(ledger, decisions, store=OutputStore(ledger.folder), now=time.time())
    if quiet:
        return
    say(f"decisions: {applied}")
    for warning in (*applied.left, *applied.warnings):
        say(f"warning: {warning}")
