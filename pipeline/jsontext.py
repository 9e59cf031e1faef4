"""JSON for machines: compact, quick, and with whole numbers of any size."""

from __future__ import annotations

import json
from typing import Any

import orjson

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def compact(value: Any) -> bytes:
    """*value* as JSON; raises TypeError, ValueError or RecursionError for what JSON cannot say.

    Two things it cannot say, NaN and infinity, may be written as null.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # a number beyond 64 bits, or what JSON cannot say either
        return _encode(value).encode()


def strict(value: Any) -> bytes:
    """The same, with ValueError for NaN and infinity."""
    text = compact(value)
    return _encode(value).encode() if b"null" in text else text
