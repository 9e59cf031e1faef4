"""A step's parameters tied to the columns of a manifest.

A million rows pass through here before the first call, so constants are checked and encoded once per recipe, and of
what varies every distinct value once.  Pure.  Knows neither rows nor images.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from pipeline import endpoints
from pipeline.cells import image_of, text_of
from pipeline.endpoints import BadParameters, Endpoint
from pipeline.endpoints.parameters import ImageField, OneOf, nearest
from pipeline.errors import RecipeError
from pipeline.wish import FINGERPRINT_BYTES, encode, fingerprint, quote

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.recipe import Step
    from pipeline.template import Template

    Pricing = Callable[[Endpoint, Mapping[str, Any]], "Priced | None"]

MEMORY = 10_000
"""Distinct checked values remembered per parameter; beyond that they are checked again."""
WARNINGS_KEPT = 200


class Priced(Protocol):
    """A price in nano-dollars."""

    @property
    def typical_nano(self) -> int:
        """What a call usually costs."""

    @property
    def worst_nano(self) -> int:
        """The most it may cost."""


@dataclass(slots=True)
class Varying:
    """A parameter whose value differs from row to row."""

    name: str
    clean: Callable[[str], str]
    """From the text to what is sent."""
    render: Callable[[Sequence[str]], str]
    """From a row's cells to the text."""
    render_all: Callable[[Sequence[Sequence[str]]], Iterable[str]]
    """From the columns of many rows to their texts."""
    columns: tuple[str, ...]
    mixed: tuple[tuple[str, int], ...]
    """Columns that are only a part of the text, and their places: such a cell may be empty, and the text is not."""
    required: bool
    image: bool
    plain: bool
    """Text without a list of values or further rules: nothing to check but that it is there."""
    memory: dict[str, tuple[Any, str]]


class Binding:
    """One step and one manifest's columns.  Raises RecipeError when the step cannot work for any row."""

    def __init__(self, step: Step, columns: Sequence[str], warnings: Counter[str], price_of: Pricing) -> None:
        self.step = step
        self.endpoint: Endpoint = endpoints.get(step.endpoint)
        self.warnings = warnings
        self.constants: dict[str, Any] = {}
        self.varying: list[Varying] = []
        templates = step.templates()
        for name, value in step.params.items():
            if name not in self.endpoint.fields:
                raise self._wrong(name, f"no such parameter{nearest(name, list(self.endpoint.fields))}")
            template = templates.get(name)
            if template is not None and not template.constant:
                self.varying.append(self._bind(name, template, columns))
            elif str(value).strip() or name in self.endpoint.required:
                self.constants[name] = self._constant(name, template.parts[0] if template else value)
        named = {*self.constants, *(part.name for part in self.varying)}
        self._require(named, columns)
        self.varying.sort(key=lambda part: part.name)
        self.images = tuple(name for name in self.endpoint.images if name in named)
        """The parameters that are images, as far as the step names them."""
        self.pieces = self._pieces()
        self.salt = f"{self.endpoint.slug}\n".encode()
        """What stands before a body where it is hashed."""
        self._first_empty: dict[tuple[str, str], int] = {}
        self._price_of = price_of
        self._prices: dict[tuple[Any, ...], tuple[int | None, int | None]] = {}
        varies = {part.name for part in self.varying} & set(self.endpoint.priced_by)
        self.one_price = None if varies else self.price({})
        """(typical, worst) where every row costs the same."""

    def checked(self, part: Varying, text: str) -> tuple[Any, str]:
        """The value that *text* is sent as, and its JSON; raises BadParameters."""
        known = part.memory.get(text)
        if known is None:
            value, warnings = self.endpoint.check(part.name, text)
            self._warn(warnings)
            known = (value, encode(value))
            if len(part.memory) < MEMORY:
                part.memory[text] = known
        return known

    def note_empty(self, part: Varying, column: str, row: int) -> None:
        """Warn that *column* leaves a gap in a text that is sent all the same."""
        first = self._first_empty.setdefault((part.name, column), row)
        self._warn([f"{part.name}: column {column!r} is empty where the text needs it, first in row {first}"])

    def price(self, params: Mapping[str, Any]) -> tuple[int | None, int | None]:
        """(typical, worst) of a call with *params* and the constants, in nano-dollars; None when unknown."""
        signature = tuple([params.get(name) for name in self.endpoint.priced_by])
        if signature not in self._prices:
            price = self._price_of(self.endpoint, {**self.constants, **params})
            worth = (price.typical_nano, price.worst_nano) if price else (None, None)
            if len(self._prices) >= MEMORY:
                return worth
            self._prices[signature] = worth
        return self._prices[signature]

    def fingerprint(self, content: str, key: str) -> bytes:
        """What identifies the body *content* (`wish.fingerprint`), and the row where each is to be paid for itself."""
        if self.step.dedupe:  # `wish.fingerprint` without its general case: a million rows pass here
            return sha256(self.salt + content.encode("utf-8", "surrogatepass")).digest()[:FINGERPRINT_BYTES]
        return fingerprint(self.endpoint.slug, content, self.step.name, key)

    def _pieces(self) -> list[tuple[bool, str]]:
        """The body as fixed text and holes: [(False, '{"image":'), (True, "image"), (False, ',"seed":1}')]."""
        names = sorted([*self.constants, *(part.name for part in self.varying)])
        pieces: list[tuple[bool, str]] = []
        fixed = "{"
        for number, name in enumerate(names):
            fixed += f"{',' if number else ''}{quote(name)}:"
            if name in self.constants:
                fixed += encode(self.constants[name])
            else:
                pieces += [(False, fixed), (True, name)]
                fixed = ""
        return [*pieces, (False, fixed + "}")]

    def _bind(self, name: str, template: Template, columns: Sequence[str]) -> Varying:
        try:
            render = template.bind(columns)
            render_all = template.bind_columns(columns)
        except RecipeError as error:
            raise RecipeError(f"step {self.step.name!r}, {name}: {error}", hint=error.hint) from error
        info = self.endpoint.fields[name]
        return Varying(
            name=name,
            clean=image_of if name in self.endpoint.images else text_of,
            render=render,
            render_all=render_all,
            columns=template.columns,
            mixed=template.mixed(columns),
            required=name in self.endpoint.required,
            image=name in self.endpoint.images,
            plain=_is_plain(info.annotation, info.metadata),
            memory={},
        )

    def _constant(self, name: str, value: Any) -> Any:
        try:
            clean, warnings = self.endpoint.check(name, self.endpoint.cleaned(name, value))
        except BadParameters as error:
            raise self._wrong(name, error.problems[0].reason) from error
        self._warn(warnings)
        return clean

    def _require(self, given: set[str], columns: Sequence[str]) -> None:
        missing = [name for name in self.endpoint.required if name not in given]
        if missing:
            raise RecipeError(
                f"step {self.step.name!r}: {self.endpoint.slug} needs {', '.join(missing)}",
                hint=f'add params.{missing[0]} = "..." to the step, or --set {missing[0]}=...;'
                f" the columns are: {', '.join(columns)}",
            )

    def _warn(self, warnings: list[str]) -> None:
        for warning in warnings:
            text = f"step {self.step.name!r}: {warning}"
            if text in self.warnings or len(self.warnings) < WARNINGS_KEPT:
                self.warnings[text] += 1

    def _wrong(self, name: str, reason: str) -> RecipeError:
        return RecipeError(
            f"step {self.step.name!r}, {name}: {reason}",
            hint=f"`photobatch endpoints {self.endpoint.slug}` lists parameters and values",
        )


def _is_plain(annotation: Any, metadata: Sequence[Any]) -> bool:
    known = {"AfterValidator", "ImageField"}  # `filled` is the only AfterValidator of text without a list
    return (
        annotation is str
        and all(type(mark).__name__ in known for mark in metadata)
        and not any(isinstance(mark, OneOf) for mark in metadata)
        and all(isinstance(mark, ImageField) or getattr(mark.func, "__name__", "") == "filled" for mark in metadata)
    )
