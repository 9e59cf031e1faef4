"""What one paid endpoint is: its parameters, images, price and typical latency.

Owns the shape that all endpoint files share, and how a value is checked against it.  Knows no single endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

from annotated_types import Ge, Le
from pydantic import Field, TypeAdapter, ValidationError

from pipeline.cells import image_of, text_of
from pipeline.endpoints.parameters import (
    WARNINGS,
    ImageField,
    Likely,
    OneOf,
    Parameters,
    RandomSeed,
    nearest,
    shown,
    spoken_range,
)
from pipeline.endpoints.schema import json_schema
from pipeline.money import nano, nano_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic.fields import FieldInfo

Mark = TypeVar("Mark")

COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
GENERATED = "trainedAlgorithmicMedia"

HEADROOM = 1.5
"""Worst case of a price that is only known as an average (pages' "~$x"): half as much again."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one call costs, in nano-dollars: 0 < low <= typical <= worst."""

    low_nano: int
    typical_nano: int
    worst_nano: int


def fixed_range(low_usd: float, typical_usd: float, worst_usd: float) -> Price:
    """A price whose range the provider publishes."""
    return Price(nano(low_usd), nano(typical_usd), nano_up(worst_usd))


def averaged(usd: float, work: float) -> Price:
    """A price known as an average for the default parameters; *work* is the work relative to them (1 = as much).

    Less work lowers the typical price, but never the worst case: how the provider meters is inferred.
    """
    typical = usd * work
    return Price(nano(typical / 2), nano(typical), nano_up(usd * max(1.0, work) * HEADROOM))


@dataclass(frozen=True, slots=True)
class Problem:
    """One parameter that cannot be sent, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class BadParameters(ValueError):
    """Parameters that the endpoint would refuse: one Problem each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Endpoint:
    """One paid endpoint, as its page describes it."""

    slug: str
    title: str
    summary: str
    parameters: type[Parameters]
    price: Callable[[Mapping[str, Any]], Price | None]
    """Price of a call with these parameters (defaults filled in); None when unknown."""
    priced_by: tuple[str, ...]
    """The parameters that may change the price: their values are the price signature."""
    price_note: str
    latency_s: float
    """Typical seconds from submit to result."""
    latency_note: str
    page: str
    """Where the parameters are documented."""
    seen: str
    """When the page was read, ISO date."""
    digital_source: str = COMPOSITE
    """IPTC DigitalSourceType of the output: COMPOSITE for an edit, GENERATED for a generated scene."""
    images_by: str | None = None
    """The parameter that says how many images one call returns; None: always one."""

    @cached_property
    def fields(self) -> dict[str, FieldInfo]:
        """Every parameter by name, in the order of the page's list."""
        return dict(self.parameters.model_fields)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Names that every call must send."""
        return tuple(name for name, info in self.fields.items() if info.is_required())

    @cached_property
    def images(self) -> tuple[str, ...]:
        """Names of the parameters that are images."""
        return tuple(name for name in self.fields if self._mark(name, ImageField))

    @cached_property
    def seed(self) -> tuple[str, int | None] | None:
        """(name, value that asks for a random one) of the seed that may be drawn for a call; None without one."""
        for name in self.fields:
            if mark := self._mark(name, RandomSeed):
                return name, mark.value
        return None

    @cached_property
    def _checkers(self) -> dict[str, TypeAdapter[Any]]:
        return {
            name: TypeAdapter(Annotated[(info.annotation, *info.metadata, Field())])  # type: ignore[arg-type]  # built at run time
            for name, info in self.fields.items()
        }

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return {name: info.default for name, info in self.fields.items() if not info.is_required()}

    def _mark(self, name: str, kind: type[Mark]) -> Mark | None:
        return next((mark for mark in self.fields[name].metadata if isinstance(mark, kind)), None)

    def choices(self, name: str) -> OneOf | None:
        """The list of values of parameter *name*, when it has one."""
        return self._mark(name, OneOf)

    def range(self, name: str) -> tuple[float | None, float | None]:
        """Lowest and highest value of parameter *name*; None where the page sets no bound."""
        low, high = self._mark(name, Ge), self._mark(name, Le)
        return (cast("float", low.ge) if low else None), (cast("float", high.le) if high else None)

    def likely_range(self, name: str) -> Likely | None:
        """The range of parameter *name* that is only inferred, when it has one."""
        return self._mark(name, Likely)

    def defaults(self) -> dict[str, Any]:
        """What the provider assumes for parameters that are not sent (None where the page names no default)."""
        return dict(self._defaults)

    def cleaned(self, name: str, value: Any) -> Any:
        """*value* of parameter *name* without what spreadsheets do to text (`cells`); what is no text as it is."""
        if not isinstance(value, str):
            return value
        return image_of(value) if name in self.images else text_of(value)

    def check(self, name: str, value: Any) -> tuple[Any, list[str]]:
        """*value* of parameter *name* as it is sent, and warnings; raises BadParameters.

        None is refused: whether the provider takes null for "not sent" is nowhere said.
        """
        if name not in self.fields:
            raise BadParameters([self._unknown(name)])
        if value is None:
            raise BadParameters([Problem(name, "must not be null: leave it out instead")])
        context: dict[str, list[str]] = {}
        try:
            clean = self._checkers[name].validate_python(value, strict=True, context=context)
        except ValidationError as error:
            raise BadParameters([Problem(name, self._reason(name, error, value))]) from error
        return clean, [warning.replace("value:", f"{name}:", 1) for warning in context.get(WARNINGS, [])]

    def validate(self, params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """All of *params* as they are sent, and warnings; raises BadParameters with every problem found."""
        clean: dict[str, Any] = {}
        warnings: list[str] = []
        problems = [Problem(name, "is required") for name in self.required if name not in params]
        for name, value in params.items():
            try:
                clean[name], said = self.check(name, value)
                warnings += said
            except BadParameters as error:
                problems += error.problems
        if problems:
            raise BadParameters(problems)
        return clean, warnings

    def price_of(self, params: Mapping[str, Any]) -> Price | None:
        """What a call with *params* costs; None when unknown."""
        return self.price({**self._defaults, **params})

    def signature(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values that decide the price: calls with equal signatures should cost about the same."""
        return tuple([params[name] if name in params else self._defaults.get(name) for name in self.priced_by])

    def images_made(self, params: Mapping[str, Any]) -> int:
        """How many images one call with *params* returns."""
        if self.images_by is None:
            return 1
        return int({**self._defaults, **params}[self.images_by])

    def usual_price(self) -> Price | None:
        """What a call with default parameters costs; None when unknown, or when a required one decides it."""
        return None if set(self.priced_by) & set(self.required) else self.price_of({})

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of the body, for editors and other programs."""
        return json_schema(self)

    def _reason(self, name: str, error: ValidationError, value: Any) -> str:
        first = error.errors(include_url=False)[0]
        if first["type"] == "parameter":
            return str(first["msg"])
        if first["type"] in {"greater_than_equal", "less_than_equal"}:
            return f"must be {spoken_range(*self.range(name))}, not {shown(value)}"
        return f"{str(first['msg']).replace('Input should', 'must', 1)}, not {shown(value)}"

    def _unknown(self, name: str) -> Problem:
        return Problem(name, f"{self.slug} has no such parameter{nearest(name, list(self.fields))}")
