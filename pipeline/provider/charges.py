"""What an answer says besides its pictures: request id, charge, balance, seed, seconds.

Headers on ``/v1``, ``metrics`` in the JSON of ``/v2``; either may be missing, and a value that cannot be read counts
as not said.  Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.money import nano

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

LARGEST = 2**63 - 1
"""The largest integer that a ledger can keep."""

ID_MOST = 200


@dataclass(frozen=True, slots=True)
class Charges:
    """The accounting of one answer; None is what it did not say."""

    request_id: str | None = None
    billed_nano: int | None = None
    remaining_nano: int | None = None
    seed: int | None = None


def charges_of(headers: Mapping[str, str], document: Any = None) -> Charges:
    """Read the accounting from *headers* and from the JSON *document*; what cannot be read hides nothing.

    Where both speak, *document* wins if it has metrics: the headers of a free GET tell of that GET.
    """
    told = document if isinstance(document, dict) else {}
    metrics: Mapping[str, Any] = found if isinstance(found := told.get("metrics"), dict) else {}

    def first(read: Callable[[Any], T | None], header: str, source: Mapping[str, Any], name: str) -> T | None:
        said = (source.get(name), headers.get(header)) if metrics else (headers.get(header), source.get(name))
        return next((value for value in map(read, said) if value is not None), None)

    return Charges(
        request_id=first(identity, "x-request-id", told, "request_id"),
        billed_nano=first(_charge, "x-cost", metrics, "cost"),
        remaining_nano=first(amount, "x-remaining-credits", metrics, "remaining_credits"),
        seed=first(_whole, "x-seed-value", told, "seed"),
    )


def amount(value: Any) -> int | None:
    """Nano-dollars of a number of credits; None when it is no number."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        nanos = nano(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return nanos if abs(nanos) <= LARGEST else None


def _charge(value: Any) -> int | None:
    billed = amount(value)
    return None if billed is None or billed < 0 else billed


def identity(value: Any) -> str | None:
    """Give a request id as text; None when it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip() if isinstance(value, str) or abs(value) <= LARGEST else ""
    return text if text and len(text) <= ID_MOST and text.isprintable() else None


def seconds(value: Any) -> float | None:
    """Give a duration in seconds; None when it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= LARGEST else None
