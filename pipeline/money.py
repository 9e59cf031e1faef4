"""Money as whole nano-dollars, so that sums are exact and a cap is a cap.

1 USD = 1 credit = 10**9 nano-dollars (``nano``).  The provider states costs with up to ten digits; floats would
drift over a long run.  Knows nothing of endpoints or ledgers.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

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
    return f"${_rounded(nanos, 2 if abs(nanos) >= NANO_PER_USD or nanos == 0 else 4)}"


def show_usd(dollars: float) -> str:
    """*dollars* out of a summary, as `show` says them."""
    return show(nano(dollars))


def cents(dollars: float) -> str:
    """*dollars* out of a summary, with two digits."""
    return f"${_rounded(nano(dollars), 2)}"


def _rounded(nanos: int, digits: int) -> str:
    """Halves go up, as in the report: a float just below a half would go down."""
    return f"{(Decimal(nanos) / NANO_PER_USD).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP):,}"


def _to_nano(usd: float | str | Decimal, rounding: str) -> int:
    # Through str: Decimal(0.1) is 0.1000000000000000055..., Decimal("0.1") is what the provider wrote.
    try:
        amount = Decimal(str(usd)) * NANO_PER_USD
        return int(amount.quantize(Decimal(1), rounding=rounding))
    except ArithmeticError as error:
        raise ValueError(f"{usd!r} is not an amount of money") from error
