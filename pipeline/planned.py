"""What a manifest and a recipe come to: tasks, price, time, and what cannot be sent.

Owns the sums.  Knows neither the ledger's SQL nor how a manifest is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.money import usd

if TYPE_CHECKING:
    from pipeline.ledger.counts import EndpointPlan, Invalid
    from pipeline.ledger.taken import Taken

IN_FLIGHT_QUEUE = 256
"""Jobs at the provider at once: a thousand a minute would need more, sixty a minute need 77."""


@dataclass
class Plan:
    """What a manifest and a recipe come to.  Money in nano-dollars; None when a price is unknown."""

    manifest: str
    rows: int
    without_image: int
    first_without_image: list[int]
    endpoints: list[EndpointPlan]
    invalid: list[Invalid]
    taken: Taken
    warnings: list[str]
    notes: list[str]
    key: str
    price_sources: dict[str, str]
    per_minute: float

    @property
    def tasks(self) -> int:
        """Tasks in all, invalid ones included."""
        return sum(each.tasks for each in self.endpoints)

    @property
    def to_pay(self) -> int:
        """Calls that will be paid."""
        return sum(each.to_pay for each in self.endpoints)

    @property
    def failed(self) -> int:
        """Tasks that failed in an earlier run: a run leaves them, `resume --only` takes them up."""
        return sum(each.failed for each in self.endpoints)

    @property
    def under_way(self) -> int:
        """Tasks that an earlier run sent and did not finish: they are not paid again."""
        return sum(each.under_way for each in self.endpoints)

    @property
    def typical_nano(self) -> int | None:
        """Typical price of those calls."""
        prices = [each.typical_nano for each in self.endpoints]
        return None if None in prices else sum(price for price in prices if price is not None)

    @property
    def worst_nano(self) -> int | None:
        """Their price in the worst case."""
        prices = [each.worst_nano for each in self.endpoints]
        return None if None in prices else sum(price for price in prices if price is not None)

    @property
    def seconds(self) -> float:
        """How long they take at the given rate, and at the most calls in flight; the last call's latency included."""
        if not self.to_pay:
            return 0.0
        latencies = [(each.to_pay, endpoints.get(each.endpoint).latency_s) for each in self.endpoints if each.to_pay]
        sending = 60 * (self.to_pay - 1) / self.per_minute if self.per_minute else 0.0
        waiting = sum(count * latency_s for count, latency_s in latencies) / IN_FLIGHT_QUEUE
        last = max(latency_s for _, latency_s in latencies)
        return max(sending + last, waiting)

    @property
    def exit_code(self) -> int:
        """0 when every row is valid, 3 when some are not, 2 when nothing can run."""
        broken = sum(each.invalid for each in self.endpoints)
        if self.tasks == broken:
            return 2
        return 3 if broken else 0

    def summary(self) -> dict[str, Any]:
        """The plan as plain JSON values; money in USD, None when unknown."""
        return {
            "manifest": self.manifest,
            "rows": self.rows,
            "rows_without_image": self.without_image,
            "key": self.key,
            "tasks": self.tasks,
            "to_pay": self.to_pay,
            "duplicates": sum(each.duplicates for each in self.endpoints),
            "done": sum(each.done for each in self.endpoints),
            "failed": self.failed,
            "under_way": self.under_way,
            "invalid": sum(each.invalid for each in self.endpoints),
            "cost": {"typical_usd": _usd(self.typical_nano), "worst_usd": _usd(self.worst_nano)},
            "time_s": round(self.seconds, 1),
            "per_minute": self.per_minute,
            "endpoints": [
                {
                    "endpoint": each.endpoint,
                    "tasks": each.tasks,
                    "to_pay": each.to_pay,
                    "duplicates": each.duplicates,
                    "done": each.done,
                    "invalid": each.invalid,
                    "typical_usd": _usd(each.typical_nano),
                    "worst_usd": _usd(each.worst_nano),
                    "price_source": self.price_sources.get(each.endpoint),
                }
                for each in self.endpoints
            ],
            "invalid_rows": [
                {"row": bad.row, "key": bad.key, "step": bad.step, "endpoint": bad.endpoint, "reason": bad.reason}
                for bad in self.invalid
            ],
            "warnings": self.warnings,
            "notes": self.notes,
            "exit_code": self.exit_code,
        }


def _usd(nano: int | None) -> float | None:
    return None if nano is None else usd(nano)
