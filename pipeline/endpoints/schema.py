"""JSON Schema of an endpoint's body, with what the standard has no word for under ``x-photobatch``.

Owns the translation from pydantic's schema.  Says what may be sent as JSON; text from a CSV may be more (``"25"``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.money import usd

if TYPE_CHECKING:
    from pipeline.endpoints.endpoint import Endpoint, Price

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# pydantic leaves these as they are when a validator stands before the bound.
BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def json_schema(endpoint: Endpoint) -> dict[str, Any]:
    """Schema of the body of a call to *endpoint*."""
    schema = endpoint.parameters.model_json_schema()
    return {
        "$schema": DIALECT,
        "$id": endpoint.page,
        **schema,
        "title": endpoint.slug,
        "description": endpoint.summary,
        "properties": {name: _property(endpoint, name, schema["properties"][name]) for name in endpoint.fields},
        "x-photobatch": about(endpoint),
    }


def about(endpoint: Endpoint) -> dict[str, Any]:
    """Price, latency and where they are documented; prices in USD, for a call with default parameters."""
    return {
        "price_usd": _dollars(endpoint.usual_price()),
        "price_note": endpoint.price_note,
        "priced_by": list(endpoint.priced_by),
        "latency_s": endpoint.latency_s,
        "latency_note": endpoint.latency_note,
        "page": endpoint.page,
        "seen": endpoint.seen,
        "images": list(endpoint.images),
        "images_by": endpoint.images_by,
        "digital_source": endpoint.digital_source,
    }


def _dollars(price: Price | None) -> dict[str, float] | None:
    if price is None:
        return None
    return {"low": usd(price.low_nano), "typical": usd(price.typical_nano), "worst": usd(price.worst_nano)}


def _property(endpoint: Endpoint, name: str, described: dict[str, Any]) -> dict[str, Any]:
    """One parameter: bounds under their standard names, no made-up title, no default that is none."""
    clean = {BOUNDS.get(word, word): value for word, value in described.items() if word != "title"}
    if clean.get("default", "") is None:
        del clean["default"]
    if own := _own(endpoint, name):
        clean["x-photobatch"] = own
    return clean


def _own(endpoint: Endpoint, name: str) -> dict[str, Any]:
    """What the standard cannot say of a parameter: that it is an image, or that its limits are only inferred."""
    own: dict[str, Any] = {}
    if name in endpoint.images:
        own["image"] = True
    if (choices := endpoint.choices(name)) and not choices.sure:
        own["inferred_values"] = list(choices.values)
    if likely := endpoint.likely_range(name):
        own["inferred_range"] = [likely.low, likely.high]
    return own
