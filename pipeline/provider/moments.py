"""Points in time as servers write them: ISO, plain UTC, Unix time in several units, HTTP dates, seconds from now.

Pure.  Knows no header by name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

FROM_NOW_BELOW = 1e8
"""A number below this is seconds from now (three years), not a Unix time (1973)."""

UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""Unix times from the first number on are in the second number's parts of a second: ns, us, ms."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A Unix time, and whether the text named its zone (else UTC was assumed)."""

    unix: float
    zoned: bool


def moment(value: Any) -> Moment | None:
    """Read an absolute point in time; None when *value* is none."""
    number = _number(value)
    if number is not None:
        return Moment(_unix(number), zoned=True) if number >= FROM_NOW_BELOW else None
    if not isinstance(value, str):
        return None
    return _read(value.strip())


def reset_time(value: str, now: float) -> float | None:
    """Read when a limit resets, as Unix time: absolute, or a small number of seconds after *now*."""
    number = _number(value)
    if number is not None and 0 <= number < FROM_NOW_BELOW:
        return now + number
    found = moment(value)
    return found.unix if found else None


def delay_s(value: str, now: float) -> float | None:
    """Read ``Retry-After``: seconds, or an HTTP date; never negative."""
    until = reset_time(value, now)
    return None if until is None else max(0.0, until - now)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _unix(number: float) -> float:
    return next((number / parts for least, parts in UNITS if number >= least), number)


def _read(text: str) -> Moment | None:
    for read in (_iso, parsedate_to_datetime):
        try:
            found = read(text)
            zoned = found.tzinfo is not None
            return Moment((found if zoned else found.replace(tzinfo=UTC)).timestamp(), zoned)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _iso(text: str) -> datetime:
    upper = text.upper().removesuffix("UTC").removesuffix("GMT").strip()
    found = datetime.fromisoformat(upper)
    return found if upper == text.upper() else found.replace(tzinfo=UTC)
