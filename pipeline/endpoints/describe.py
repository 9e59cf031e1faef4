"""Endpoints in words: the rows of the table of all, and the details of one.

Pure text, for whoever prints it.  Knows no terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pipeline.endpoints.parameters import spoken_range
from pipeline.money import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.endpoints.endpoint import Endpoint

HEAD = ("endpoint", "what it does", "per call", "at most", "takes", "required parameters")
KINDS: dict[type, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}
LONG = 60
"""Characters of a default value that are shown."""


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """One parameter in words; ``allowed`` and ``default`` are empty when there is nothing to say."""

    name: str
    kind: str
    required: bool
    image: bool
    default: str
    allowed: str
    meaning: str


def rows(endpoints: Iterable[Endpoint]) -> list[tuple[str, ...]]:
    """One line per endpoint, in the columns of HEAD: typical and worst price with default parameters, seconds."""
    return [_row(endpoint) for endpoint in endpoints]


def _row(endpoint: Endpoint) -> tuple[str, ...]:
    price = endpoint.usual_price()
    return (
        endpoint.slug,
        endpoint.summary,
        show(price.typical_nano if price else None),
        show(price.worst_nano if price else None),
        f"~{endpoint.latency_s:.0f} s",
        ", ".join(endpoint.required),
    )


def facts(endpoint: Endpoint) -> list[tuple[str, str]]:
    """What is to know of one endpoint beside its parameters, as (name, text)."""
    price = endpoint.usual_price()
    low, typical, worst = (price.low_nano, price.typical_nano, price.worst_nano) if price else (None, None, None)
    return [
        ("endpoint", endpoint.slug),
        ("name", endpoint.title),
        ("what it does", endpoint.summary),
        ("price per call", f"{show(typical)} with default parameters, {show(low)} to {show(worst)}"),
        ("price source", endpoint.price_note),
        ("price depends on", ", ".join(endpoint.priced_by) or "nothing"),
        ("typical time", f"{endpoint.latency_s:g} s ({endpoint.latency_note})"),
        ("images per call", f"set by {endpoint.images_by}" if endpoint.images_by else "1"),
        ("page", f"{endpoint.page} (seen {endpoint.seen})"),
    ]


def parameters(endpoint: Endpoint) -> list[ParameterLine]:
    """Every parameter of one endpoint: the required ones first, then in the order of the page."""
    lines = [_line(endpoint, name) for name in endpoint.fields]
    return sorted(lines, key=lambda line: not line.required)


def _line(endpoint: Endpoint, name: str) -> ParameterLine:
    info = endpoint.fields[name]
    image = name in endpoint.images
    return ParameterLine(
        name=name,
        kind="image" if image else KINDS.get(cast("type", info.annotation), "any"),
        required=info.is_required(),
        image=image,
        default="" if info.is_required() else _value(info.default),
        allowed=_allowed(endpoint, name),
        meaning=info.description or "",
    )


def _allowed(endpoint: Endpoint, name: str) -> str:
    if choices := endpoint.choices(name):
        listed = ", ".join(map(_value, choices.values))
        return listed if choices.sure else f"{listed} (inferred: others are tried, with a warning)"
    if likely := endpoint.likely_range(name):
        return f"{spoken_range(likely.low, likely.high)} (inferred: others are tried, with a warning)"
    if name in endpoint.images:
        return "URL or local file"
    return spoken_range(*endpoint.range(name))


def _value(value: Any) -> str:
    """A value as it would stand in a recipe, without quotes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."
