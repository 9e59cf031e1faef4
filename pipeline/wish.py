"""What one row asks of one step: a wish, the body it would send, and what that body is known by.

Two wishes with equal fingerprints would send equal bodies.  Knows neither recipes nor endpoints.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FINGERPRINT_BYTES = 16

encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
"""Canonical JSON: equal values give equal text."""
quote: Callable[[str], str] = json.encoder.encode_basestring
"""The same for one text, faster."""


def as_json(cells: Sequence[str]) -> bytes:
    """*cells* as a JSON list, as `encode` writes it, in a tenth of its time; raises ValueError for half a character."""
    try:
        return orjson.dumps(cells)
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from error


def fingerprint(slug: str, content: str, *apart: str) -> bytes:
    """What identifies a body: the endpoint, parameters as JSON (images named by content), and what sets it apart."""
    text = "\n".join((slug, content, *apart))
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:FINGERPRINT_BYTES]


class BadImage(ValueError):
    """An image that a row names and that cannot be used; the message says why."""


class Wish(NamedTuple):
    """What one row asks of one step.  ``state`` is planned or invalid; money in nano-dollars."""

    key: str
    step: str
    endpoint: str
    state: str
    fingerprint: bytes | None
    params: str
    """Canonical JSON of the parameters as sent; images that are files by their full path."""
    estimate_nano: int | None
    reserve_nano: int | None
    image_source: str | None
    local: bool
    """True when an image is not a plain URL: its content may change behind the same name."""
    error_class: str | None = None
    error: str | None = None
    column: str | None = None
