"""Values that are not text yet (JSON, Parquet, data frames) to the text of a cell.

Nothing is invented: null is empty, 7 is ``7``, 0.5 is ``0.5``, a list of texts is joined with ``", "`` (the way
shops pack image lists), anything nested is JSON.  Knows nothing about files.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def as_text(value: Any) -> str:
    """The text of one value; floats as ``repr``, times as ISO 8601; UnicodeDecodeError for bytes that are none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    for kind, text in _TEXT_OF:
        if isinstance(value, kind):
            return text(value)
    return str(value)


def _joined(values: list[Any] | tuple[Any, ...]) -> str:
    present = [value for value in values if value is not None]
    if any(isinstance(value, dict | list | tuple) for value in present):
        return _json(present)
    return ", ".join(as_text(value) for value in present)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=as_text)


_TEXT_OF: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (Decimal, lambda value: format(value, "f")),
    ((dt.datetime, dt.date, dt.time), lambda value: str(value.isoformat())),
    (bytes, lambda value: str(value, "utf-8")),
    ((list, tuple), _joined),
    (dict, _json),
)
