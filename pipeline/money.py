"""Money as whole nano-dollars, so that sums are exact and a cap is a cap.

1 USD = 1 credit = 10**9 nano-dollars (``nano``).  The provider states costs with up to ten digits; floats would
drift over a long run.  Knows nothing of endpoints or ledgers.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 1_000_000_000


def nano(usd: float | str | Decimal) -> int:
    """Nano-dollars of *usd*, rounded to the nearest; raises ValueError unless it is a finite number."""
    return _to_nano(usd, ROUND_HALF_EVEN)


def nano_up(usd: float | str | Decimal) -> int:
    """Nano-dollars of *usd*, rounded up: for reservations, which must never be too small."""
    return _to_nano(usd, ROUND_CEILING)


def usd(nanos: int) -> float:
    """Dollars of *nanos*, for people and for the results ledger."""
    return nanos / NANO_PER_USD


def show(nanos: int | None) -> str:
    """*nanos* for a message: two digits from a dollar on, up to four below; ``unknown`` for None."""
    if nanos is None:
        return "unknown"
    dollars = nanos / NANO_PER_USD
    if abs(dollars) >= 1 or nanos == 0:
        return f"${dollars:,.2f}"
    return f"${dollars:.4f}"


def _to_nano(usd: float | str | Decimal, rounding: str) -> int:
    # Through str: Decimal(0.1) is 0.1000000000000000055..., Decimal("0.1") is what the provider wrote.
    try:
        amount = Decimal(str(usd)) * NANO_PER_USD
        return int(amount.quantize(Decimal(1), rounding=rounding))
    except ArithmeticError as error:
        raise ValueError(f"{usd!r} is not an amount of money") from error
