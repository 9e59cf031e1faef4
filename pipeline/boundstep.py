"""A step tied to the columns of a manifest: what each row asks of it, checked, priced and fingerprinted.

A million rows pass through here before the first call, so constants are checked and encoded once per recipe, only
what varies is looked at per row, and plain rows are expanded column by column.  Pure: what identifies an image's
content comes in as a function.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Protocol

from pipeline import endpoints
from pipeline.endpoints import BadParameters, Endpoint
from pipeline.endpoints.parameters import ImageField, OneOf, nearest
from pipeline.errors import ErrorClass, RecipeError
from pipeline.task import Row, State
from pipeline.wish import FINGERPRINT_BYTES, BadImage, Wish, encode, fingerprint, quote

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline.recipe import Step
    from pipeline.template import Template

    Identify = Callable[[str], tuple[str, str]]
    """From an image as the row names it to (where it is found later, what its content is known by)."""
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


class _Unusual(Exception):
    """Rows that cannot be expanded together."""


@dataclass(slots=True)
class _Varying:
    """A parameter whose value differs from row to row."""

    name: str
    render: Callable[[Sequence[str]], str]
    columns: tuple[str, ...]
    required: bool
    image: bool
    plain: bool
    """Text without a list of values or further rules: nothing to check but that it is there."""
    memory: dict[str, tuple[Any, str]]


class BoundStep:
    """A step tied to a manifest's columns.  Raises RecipeError when the step cannot work for any row."""

    def __init__(self, step: Step, columns: Sequence[str], warnings: Counter[str], quote: Pricing) -> None:
        self.step = step
        self.quote = quote
        self.endpoint: Endpoint = endpoints.get(step.endpoint)
        self.warnings = warnings
        self.constants: dict[str, Any] = {}
        self.varying: list[_Varying] = []
        templates = step.templates()
        for name, value in step.params.items():
            if name not in self.endpoint.fields:
                raise self._wrong(name, f"no such parameter{nearest(name, list(self.endpoint.fields))}")
            template = templates.get(name)
            if template is not None and not template.constant:
                self.varying.append(self._bind(name, template, columns))
            elif value != "" or name in self.endpoint.required:
                self.constants[name] = self._constant(name, template.parts[0] if template else value)
        self._require(columns)
        self.varying.sort(key=lambda v: v.name)
        self._pieces = self._compile()
        self._shape = "".join("%s" if is_name else piece.replace("%", "%%") for is_name, piece in self._pieces)
        self._prices: dict[tuple[Any, ...], tuple[int | None, int | None]] = {}
        named = {*self.constants, *(v.name for v in self.varying)}
        self._images = tuple(name for name in self.endpoint.images if name in named)
        self._one_price = None if {v.name for v in self.varying} & set(self.endpoint.priced_by) else self._price({})
        self._salt = f"{self.endpoint.slug}\n".encode()

    def wish(self, key: str, row: Row, identify: Identify) -> Wish | None:
        """What *row* asks of this step, or None when it names no image."""
        values: dict[str, str] = {}
        params: dict[str, Any] = {}
        whole = True
        for part in self.varying:
            text = part.render(row.cells)
            if part.image:
                text = text.strip()
            if not text or text.isspace():
                if part.image and part.required:
                    return None
                if part.required:
                    return self._invalid(key, row, part, "is empty")
                whole = False
                continue
            if part.plain:
                params[part.name] = text
                values[part.name] = quote(text)
                continue
            try:
                params[part.name], values[part.name] = self._checked(part, text)
            except BadParameters as error:
                return self._invalid(key, row, part, error.problems[0].reason)
        body = self._body(params, values, whole=whole)
        return self._planned(key, row, params, body, identify)

    def together(self, keys: Sequence[str], rows: Sequence[Row], identify: Identify) -> list[Wish] | None:
        """`wish` for many rows, column by column; None when one of them needs a closer look."""
        price = self._one_price
        if price is None or not self.varying or not self._images or not self.step.dedupe:
            return None
        try:
            columns = {part.name: self._column(part, rows) for part in self.varying}
            refs = [columns[name][0] if name in columns else [self.constants[name]] for name in self._images]
            if not all(map(_is_plain_address, chain.from_iterable(refs), repeat(identify))):
                return None
        except (BadParameters, BadImage, _Unusual):
            return None
        bodies = map(self._shape.__mod__, zip(*(columns[part.name][1] for part in self.varying), strict=True))
        salt, step, slug, state = self._salt, self.step.name, self.endpoint.slug, State.PLANNED.value
        sources = refs[0] if len(refs[0]) == len(rows) else refs[0] * len(rows)
        return [
            Wish(
                key,
                step,
                slug,
                state,
                sha256(salt + body.encode("utf-8", "surrogatepass")).digest()[:FINGERPRINT_BYTES],
                body,
                *price,
                source,
                False,  # noqa: FBT003  # a field of a tuple
            )
            for key, body, source in zip(keys, bodies, sources, strict=True)
        ]

    def _column(self, part: _Varying, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        """The texts of one parameter and their JSON; raises _Unusual where one is missing, and BadParameters."""
        render = part.render
        texts = [render(row.cells) for row in rows]
        if part.image:
            texts = [text.strip() for text in texts]
        if not all(texts) or any(map(str.isspace, texts)):
            raise _Unusual
        if part.plain:
            return texts, list(map(quote, texts))
        return texts, [self._checked(part, text)[1] for text in texts]

    def fixed_images(self) -> Iterator[str]:
        """The images that the recipe names for every row."""
        for name in self.endpoint.images:
            if isinstance(ref := self.constants.get(name), str):
                yield ref

    def image_refs(self, row: Row) -> Iterator[str]:
        """The images that *row* names, as it names them."""
        for part in self.varying:
            if part.image:
                yield part.render(row.cells).strip()

    def _planned(self, key: str, row: Row, params: dict[str, Any], body: str, identify: Identify) -> Wish:
        source: str | None = None
        found: dict[str, str] = {}
        identities: dict[str, str] = {}
        local = False
        for name in self._images:
            ref = params.get(name) or self.constants.get(name)
            if ref is None:
                continue
            source = source or ref
            local = local or not ref.startswith(("http://", "https://"))
            try:
                location, identity = identify(ref)
            except BadImage as error:
                part = next((v for v in self.varying if v.name == name), None)
                return self._invalid(key, row, part, str(error), error_class=ErrorClass.BAD_INPUT, source=ref)
            if location != ref:
                found[name] = location
            if identity != ref:
                identities[name] = identity
        if found:
            body = encode({**self.constants, **params, **found})
        content = encode({**self.constants, **params, **identities}) if identities else body
        estimate, reserve = self._one_price or self._price(params)
        return Wish(
            key,
            self.step.name,
            self.endpoint.slug,
            State.PLANNED.value,
            self._fingerprint(content, key),
            body,
            estimate,
            reserve,
            source,
            local,
        )

    def _fingerprint(self, content: str, key: str) -> bytes:
        if self.step.dedupe:  # `fingerprint` without its general case: a million rows pass here
            return sha256(self._salt + content.encode("utf-8", "surrogatepass")).digest()[:FINGERPRINT_BYTES]
        return fingerprint(self.endpoint.slug, content, self.step.name, key)

    def _checked(self, part: _Varying, text: str) -> tuple[Any, str]:
        """The value as it is sent, and as JSON."""
        known = part.memory.get(text)
        if known is None:
            value, warnings = self.endpoint.check(part.name, text)
            self._warn(warnings)
            known = (value, encode(value))
            if len(part.memory) < MEMORY:
                part.memory[text] = known
        return known

    def _body(self, params: Mapping[str, Any], values: Mapping[str, str], *, whole: bool) -> str:
        if whole:
            return "".join([values[piece] if is_name else piece for is_name, piece in self._pieces])
        return encode({**self.constants, **params})

    def _compile(self) -> list[tuple[bool, str]]:
        """The body as fixed text and holes: [(False, '{"image":'), (True, "image"), (False, ',"seed":1}')]."""
        names = sorted([*self.constants, *(v.name for v in self.varying)])
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

    def _price(self, params: Mapping[str, Any]) -> tuple[int | None, int | None]:
        signature = tuple([params.get(name) for name in self.endpoint.priced_by])
        if signature not in self._prices:
            price = self.quote(self.endpoint, {**self.constants, **params})
            worth = (price.typical_nano, price.worst_nano) if price else (None, None)
            if len(self._prices) >= MEMORY:
                return worth
            self._prices[signature] = worth
        return self._prices[signature]

    def _bind(self, name: str, template: Template, columns: Sequence[str]) -> _Varying:
        try:
            render = template.bind(columns)
        except RecipeError as error:
            raise RecipeError(f"step {self.step.name!r}, {name}: {error}", hint=error.hint) from error
        info = self.endpoint.fields[name]
        return _Varying(
            name=name,
            render=render,
            columns=template.columns,
            required=name in self.endpoint.required,
            image=name in self.endpoint.images,
            plain=_is_plain(info.annotation, info.metadata),
            memory={},
        )

    def _constant(self, name: str, value: Any) -> Any:
        try:
            clean, warnings = self.endpoint.check(name, value)
        except BadParameters as error:
            raise self._wrong(name, error.problems[0].reason) from error
        self._warn(warnings)
        return clean

    def _require(self, columns: Sequence[str]) -> None:
        given = {*self.constants, *(v.name for v in self.varying)}
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

    def _invalid(
        self,
        key: str,
        row: Row,
        part: _Varying | None,
        reason: str,
        *,
        error_class: ErrorClass = ErrorClass.BAD_REQUEST,
        source: str | None = None,
    ) -> Wish:
        column = ", ".join(part.columns) if part else ""
        where = f"row {row.number}, column {column}" if column else f"row {row.number}"
        name = f"{part.name}: " if part else ""
        return Wish(
            key,
            self.step.name,
            self.endpoint.slug,
            State.INVALID.value,
            None,
            "{}",
            None,
            None,
            source,
            error_class is ErrorClass.BAD_INPUT,
            error_class.value,
            f"{where}: {name}{reason}",
            column or None,
        )


def _is_plain_address(ref: str, identify: Identify) -> bool:
    """Whether *ref* is a web address that stands for itself; raises BadImage."""
    return ref.startswith(("http://", "https://")) and identify(ref) == (ref, ref)


def _is_plain(annotation: Any, metadata: Sequence[Any]) -> bool:
    known = {"AfterValidator", "ImageField"}  # `filled` is the only AfterValidator of text without a list
    return (
        annotation is str
        and all(type(mark).__name__ in known for mark in metadata)
        and not any(isinstance(mark, OneOf) for mark in metadata)
        and all(isinstance(mark, ImageField) or getattr(mark.func, "__name__", "") == "filled" for mark in metadata)
    )
