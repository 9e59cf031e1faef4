"""Values that are not text yet (JSON, Parquet, data frames) to the text of a cell.

Nothing is invented: null is empty, 7 is ``7``, 0.5 is ``0.5``, a list of texts is joined with ``", "`` (the way
shops pack image lists), anything nested is JSON.  Each value is written for itself: when the spelling of one hung on
its neighbours, the last null that left a column changed all of it, and a catalogue was paid for again.  Knows nothing
about files.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Spelled(float):
    """A number that remembers how it was written: ``19.90`` is not ``19.9`` to a shop."""

    def __new__(cls, text: str) -> Spelled:
        """The number that *text* spells."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __str__(self) -> str:
        return self.text


def as_text(value: Any) -> str:
    """The text of one value; times as ISO 8601; UnicodeDecodeError for bytes that are none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    for kind, text in _TEXT_OF:
        if isinstance(value, kind):
            return text(value)
    return str(value)


def float_text(value: float) -> str:
    """A whole number without a point: most were integers until a missing value widened their column.

    What is no number (NaN, the infinities) is missing.
    """
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(value)


def short_float_texts(values: Iterable[Any]) -> list[str]:
    """The texts of numpy's numbers of 16 or 32 bits, NaN where one is missing.

    As Python's they would have digits that nobody wrote: 19.899999618530273 instead of 19.9.
    """
    return [float_text(float(str(value))) for value in values]


def _joined(values: list[Any] | tuple[Any, ...]) -> str:
    present = [value for value in _plain(values) if value is not None]
    if any(isinstance(value, dict | list | tuple) for value in present):
        return _json(present)
    return ", ".join(as_text(value) for value in present)


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, default=as_text)


def _plain(value: Any) -> Any:
    """*value* with the floats in it as integers, or missing, where `float_text` writes them so."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not isinstance(value, Spelled):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else value
    return value


_TEXT_OF: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (Spelled, str),
    (float, float_text),
    (Decimal, lambda value: format(value, "f") if value.is_finite() else ""),
    ((dt.datetime, dt.date, dt.time), lambda value: str(value.isoformat())),
    (bytes, lambda value: str(value, "utf-8")),
    ((list, tuple), _joined),
    (dict, _json),
)
