"""The money of the sandbox: balance, reservations and the list of bills.

Credits are reserved when a job is accepted (at the price it will cost, so the balance never goes below zero),
taken once when it has succeeded, and given back when it failed: only what was answered 200 is charged.  Knows
nothing of HTTP or of how a job runs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pipeline.money import nano, usd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.sandbox.options import SandboxOptions


@dataclass(frozen=True, slots=True)
class Bill:
    """One charge; ``request_id`` is unique among bills."""

    request_id: str
    endpoint: str
    api: str
    """``v1`` or ``v2``."""
    body: dict[str, Any]
    cost_nano: int
    accepted_at: float
    billed_at: float
    key: str
    """The key's ends, never the whole of it."""

    def as_dict(self) -> dict[str, Any]:
        """For the state folder."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def as_json(self) -> dict[str, Any]:
        """The bill for `GET /sandbox/bills`."""
        return {**self.as_dict(), "cost_usd": usd(self.cost_nano)}


class Account:
    """One team's credits; all keys share it."""

    def __init__(self, options: SandboxOptions, billed: Iterable[Bill] = ()) -> None:
        self._paid_nano = nano(options.credits)
        self._free_nano = nano(options.free_credits)
        self._limit_nano = None if options.spend_limit is None else nano(options.spend_limit)
        self._reserved: dict[str, int] = {}
        self.bills: dict[str, Bill] = {bill.request_id: bill for bill in billed}
        self.billed_nano = sum(bill.cost_nano for bill in self.bills.values())
        self.reserved_nano = 0

    @property
    def balance_nano(self) -> int:
        """Credits left; does not dip while jobs run."""
        return self._paid_nano + self._free_nano - self.billed_nano

    @property
    def free_left_nano(self) -> int:
        """Free credits left: they are used up first."""
        return max(0, self._free_nano - self.billed_nano)

    @property
    def paid_left_nano(self) -> int:
        """Paid credits left."""
        return self.balance_nano - self.free_left_nano

    def available_nano(self) -> int:
        """Credits that a new job may reserve."""
        return self.balance_nano - self.reserved_nano

    def over_limit(self, cost_nano: int) -> bool:
        """Whether *cost_nano* more would pass the team's spend limit."""
        if self._limit_nano is None:
            return False
        return self.billed_nano + self.reserved_nano + cost_nano > self._limit_nano

    def reserve(self, request_id: str, cost_nano: int) -> None:
        """Keep *cost_nano* for the job *request_id*."""
        self._reserved[request_id] = cost_nano
        self.reserved_nano += cost_nano

    def release(self, request_id: str) -> None:
        """Give a reservation back."""
        self.reserved_nano -= self._reserved.pop(request_id, 0)

    def charge(self, bill: Bill) -> int:
        """Take what *bill* says, once, and return the balance after it."""
        self.release(bill.request_id)
        if bill.request_id not in self.bills:
            self.bills[bill.request_id] = bill
            self.billed_nano += bill.cost_nano
        return self.balance_nano
