"""What one row asks of one step: checked, priced and fingerprinted.

Pure: what identifies an image's content comes in as a function.  Many plain rows at once are `alike`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.cells import image_of
from pipeline.endpoints import BadParameters
from pipeline.errors import ErrorClass
from pipeline.task import Row, State
from pipeline.wish import BadImage, Wish, encode, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.binding import Binding, Varying

    Identify = Callable[[str], tuple[str, str]]
    """From an image as the row names it to (where it is found later, what its content is known by)."""


class BoundStep:
    """A step tied to a manifest's columns, row by row."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.constants = binding.constants
        self.varying = binding.varying
        self._step = binding.step.name
        self._slug = binding.endpoint.slug

    def wish(self, key: str, row: Row, identify: Identify) -> Wish | None:
        """What *row* asks of this step, or None when it names no image."""
        values: dict[str, str] = {}
        params: dict[str, Any] = {}
        whole = True
        for part in self.varying:
            text = part.clean(part.render(row.cells))
            if not text:
                if part.image and part.required:
                    return None
                if part.required:
                    return self._invalid(key, row, part, "is empty")
                whole = False
                continue
            for column, at in part.mixed:
                if not row.cells[at].strip():
                    self.binding.note_empty(part, column, row.number)
            if part.plain:
                params[part.name] = text
                values[part.name] = quote(text)
                continue
            try:
                params[part.name], values[part.name] = self.binding.checked(part, text)
            except BadParameters as error:
                return self._invalid(key, row, part, error.problems[0].reason)
        body = self._body(params, values, whole=whole)
        return self._planned(key, row, params, body, identify)

    def fixed_images(self) -> Iterator[str]:
        """The images that the recipe names for every row."""
        for name in self.binding.images:
            if isinstance(ref := self.constants.get(name), str):
                yield ref

    def image_refs(self, row: Row) -> Iterator[str]:
        """The images that *row* names, as it names them."""
        for part in self.varying:
            if part.image:
                yield image_of(part.render(row.cells))

    def _planned(self, key: str, row: Row, params: dict[str, Any], body: str, identify: Identify) -> Wish:
        source: str | None = None
        found: dict[str, str] = {}
        identities: dict[str, str] = {}
        local = False
        for name in self.binding.images:
            ref = params.get(name) or self.constants.get(name)
            if ref is None:
                continue
            source = source or ref
            local = local or not ref.startswith(("http://", "https://"))
            try:
                location, identity = identify(ref)
            except BadImage as error:
                part = next((v for v in self.varying if v.name == name), None)
                reason = str(error) if part else f"{name}, which the recipe names: {error}"
                return self._invalid(key, row, part, reason, error_class=ErrorClass.BAD_INPUT, source=source)
            if location != ref:
                found[name] = location
            if identity != ref:
                identities[name] = identity
        if found:
            body = encode({**self.constants, **params, **found})
        content = encode({**self.constants, **params, **identities}) if identities else body
        estimate, reserve = self.binding.one_price or self.binding.price(params)
        return Wish(
            key,
            self._step,
            self._slug,
            State.PLANNED.value,
            self.binding.fingerprint(content, key),
            body,
            estimate,
            reserve,
            source,
            local,
        )

    def _body(self, params: Mapping[str, Any], values: Mapping[str, str], *, whole: bool) -> str:
        if whole:
            return "".join([values[piece] if is_name else piece for is_name, piece in self.binding.pieces])
        return encode({**self.constants, **params})

    def _invalid(
        self,
        key: str,
        row: Row,
        part: Varying | None,
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
            self._step,
            self._slug,
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
