"""Redrive with changes: the selected tasks are planned anew with other parameters, and nothing else is touched.

A changed task makes way for a successor, as a person's rejection does it, so that running the manifest again does not
undo the change.  Owns what it would cost, which is said before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline import endpoints
from pipeline.endpoints.parameters import nearest
from pipeline.errors import RecipeError
from pipeline.ledger.schema import AT_RISK, paid_or_at_risk
from pipeline.money import show
from pipeline.report.decisions import Decision
from pipeline.report.redrive import write_decisions
from pipeline.words import many

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from pipeline.selection import Selection

NOTE = "resume --set"
OPEN = "INSERT OR IGNORE INTO temp.chosen SELECT id FROM tasks WHERE live AND state='planned' AND key=? AND step=?"
BODIES = f"""
SELECT count(*), max(estimate_nano), max(reserve_nano), EXISTS (
    SELECT 1 FROM tasks w WHERE w.fingerprint = t.fingerprint AND {paid_or_at_risk("w.")})
FROM tasks t WHERE live AND state = 'planned' {{chosen}} GROUP BY fingerprint
"""  # noqa: S608  # constant text
"""Open tasks by body: how many share it, its price, and whether it was paid before."""


@dataclass(frozen=True)
class Amendment:
    """A selection, and what its tasks get instead of what they had.  ``clock`` gives Unix time."""

    selection: Selection
    changes: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = lambda: 0.0

    @property
    def narrow(self) -> bool:
        """Whether nothing outside the selection may be touched."""
        return self.selection.narrow

    def reopen(self, db: sqlite3.Connection) -> int:
        """Open the selected tasks, with the changes; returns how many failures were opened.

        Raises RecipeError when nothing is selected by name, or no selected task knows such a parameter.
        """
        if self.changes and not self.selection.narrow:
            raise RecipeError("--set changes a selection", hint="name one: --only, --endpoint, --key or --since")
        count = self.selection.reopen(db, changed=bool(self.changes))
        if self.changes:
            self._change(db)
        return count

    def _change(self, db: sqlite3.Connection) -> None:
        chosen = db.execute(
            "SELECT key, step, endpoint FROM tasks WHERE live AND id IN (SELECT id FROM temp.chosen)"
        ).fetchall()
        fitting = {slug: self._fitting(slug) for slug in {slug for _, _, slug in chosen}}
        self._require(fitting)
        decisions = [Decision(key, step, "reject", NOTE, fitting[slug]) for key, step, slug in chosen if fitting[slug]]
        write_decisions(db, decisions, now=self.clock())
        db.executemany(OPEN, [(each.key, each.step) for each in decisions])

    def _fitting(self, slug: str) -> dict[str, str]:
        """The changes that concern *slug*."""
        fields = endpoints.get(slug).fields
        return {name: value for name, value in self.changes.items() if name in fields}

    def _require(self, fitting: Mapping[str, Mapping[str, str]]) -> None:
        """Refuse a change that no selected task knows: it is a typing error."""
        for name in self.changes if fitting else ():
            if not any(name in changes for changes in fitting.values()):
                known = sorted({field for slug in fitting for field in endpoints.get(slug).fields})
                raise RecipeError(
                    f"--set {name}: no selected task has such a parameter{nearest(name, known)}",
                    hint=f"the selected tasks are of {', '.join(sorted(fitting))}",
                )


@dataclass(frozen=True, slots=True)
class Cost:
    """What is open and may be sent.  Money in nano-dollars; None when a price is unknown."""

    tasks: int
    to_pay: int
    typical_nano: int | None
    worst_nano: int | None
    under_way: int = 0
    """Tasks that an earlier run sent and did not finish."""

    def __str__(self) -> str:
        fetched = f"{many(self.under_way, 'task')} of an earlier run to be settled or fetched, at no cost"
        if not self.tasks:
            return fetched if self.under_way else "nothing is open"
        return f"{self._open()}; {fetched}" if self.under_way else self._open()

    def _open(self) -> str:
        shared = f" ({self.tasks - self.to_pay:,} share a call)" if self.tasks != self.to_pay else ""
        return (
            f"{many(self.tasks, 'task')} open, {self.to_pay:,} to pay{shared}: about {show(self.typical_nano)},"
            f" at worst {show(self.worst_nano)}"
        )


def cost(db: sqlite3.Connection) -> Cost:
    """What this run may send: every planned task, or the chosen ones; each body is paid once."""
    narrow = db.execute("SELECT 1 FROM temp.sqlite_master WHERE name='chosen'").fetchone()
    chosen = "AND id IN (SELECT id FROM temp.chosen)" if narrow else ""
    tasks = to_pay = typical_nano = worst_nano = unpriced = 0
    for count, typical, worst, paid in db.execute(BODIES.format(chosen=chosen)):
        tasks += count
        if not paid:
            to_pay += 1
            unpriced += worst is None
            typical_nano += typical or 0
            worst_nano += worst or 0
    sent = f"SELECT count(*) FROM tasks WHERE {AT_RISK} AND (live OR state='submitted')"  # noqa: S608  # constant text
    under_way = int(db.execute(sent).fetchone()[0])
    typical, worst = (None, None) if unpriced else (typical_nano, worst_nano)
    return Cost(tasks, to_pay, typical, worst, under_way)
