"""Values that endpoint tests share: what a required parameter may be, and values drawn from a JSON Schema."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from pipeline.endpoints import Endpoint

SIXTY_FOUR_BITS = 2**63


def required(endpoint: Endpoint) -> dict[str, Any]:
    """One valid value for every required parameter."""
    return {name: example(endpoint, name) for name in endpoint.required}


def example(endpoint: Endpoint, name: str) -> Any:
    """A valid value of a parameter without a default."""
    if name in endpoint.images:
        return "https://shop.example/photo.jpg"
    choices = endpoint.choices(name)
    return choices.values[0] if choices else "a mug on a table"


def bodies(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that *schema* allows: every required property, any of the others."""
    drawn = {name: values(described) for name, described in schema["properties"].items()}
    needed = {name: drawn.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(needed, optional=drawn)


def values(described: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema of one property allows."""
    if "enum" in described:
        return st.sampled_from(described["enum"])
    low, high = described.get("minimum"), described.get("maximum")
    match described["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            low = -SIXTY_FOUR_BITS if low is None else low
            high = SIXTY_FOUR_BITS - 1 if high is None else high
            whole = st.integers(low, high)
            # JSON has one kind of number: 25.0 is an integer too.
            return whole | st.integers(max(low, -(2**53)), min(high, 2**53)).map(float)
        case "number":
            return st.floats(low, high, allow_nan=False, allow_infinity=False) | st.integers(ceil(low), floor(high))
        case "string":
            return st.from_regex(described["pattern"]) if "pattern" in described else st.text()
    raise AssertionError(f"no such type in our schemas: {described}")
