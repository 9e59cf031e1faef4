"""How long to wait before a free request is repeated.  Pure: chance comes in, no sleep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from pipeline.errors import CallError


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits with jitter, and how often a free request is tried in all."""

    first_s: float = 0.5
    most_s: float = 15.0
    attempts: int = 5
    obeyed_s: float = 120.0
    """The longest wait that an answer may ask for."""

    def wait_s(self, failures: int, chance: random.Random) -> float:
        """Seconds after the *failures*-th failure in a row, 1 or more: between half and all of the doubled wait."""
        # 2**30 of any first wait is beyond most_s; without the bound a long outage overflows the float.
        most = min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return most * chance.uniform(0.5, 1.0)

    def wait_after_s(self, error: CallError, failures: int, chance: random.Random, now: float) -> float:
        """Seconds after *error*: at least what the answer asked for; *now* is Unix time."""
        asked = error.retry_after_s or 0.0
        if error.reset_at is not None:
            asked = max(asked, error.reset_at - now)
        return max(self.wait_s(failures, chance), min(asked, self.obeyed_s))
