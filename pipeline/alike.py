"""Many plain rows at one step, column by column: in a third of the time that one after the other takes.

Plain rows fill every parameter and every column of its text, and name images on the web that stand for themselves;
where one of them is not plain, all take the long way (`boundstep`), and the result is the same.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from pipeline.cells import texts_of
from pipeline.endpoints import BadParameters
from pipeline.wish import FINGERPRINT_BYTES, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.binding import Binding, Varying

    Plain = Callable[[Sequence[str]], bool]
    """Whether all of these images are web addresses that stand for themselves."""


@dataclass(frozen=True, slots=True)
class Alike:
    """What many rows ask of one step: what they share, and lists with one entry per row.  Money in nano-dollars."""

    step: str
    endpoint: str
    estimate_nano: int | None
    reserve_nano: int | None
    fingerprints: list[bytes]
    bodies: list[str]
    """Canonical JSON of the parameters as sent."""
    sources: list[str]
    """The first image of each."""


class AlikeRows:
    """A step tied to a manifest's columns, for many rows at once."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._shape = "".join("%s" if is_name else piece.replace("%", "%%") for is_name, piece in binding.pieces)
        self._able = bool(binding.one_price and binding.varying and binding.images and binding.step.dedupe)

    def ask(self, table: Sequence[Sequence[str]], plain: Plain) -> Alike | None:
        """What the rows ask whose cells *table* holds column by column; None when one of them is not plain."""
        binding = self._binding
        price = binding.one_price
        if price is None or not self._able:
            return None
        count = len(table[0])
        texts: dict[str, list[str]] = {}
        values = []
        for part in binding.varying:
            texts[part.name] = column = _texts(part, table)
            encoded = self._encoded(part, column)
            if encoded is None or not all(all(map(str.strip, table[at])) for _, at in part.mixed):
                return None
            values.append(encoded)
        images = [texts.get(name) or [binding.constants[name]] for name in binding.images]
        if not all(map(plain, images)):
            return None
        bodies = list(map(self._shape.__mod__, zip(*values, strict=True)))
        salt = binding.salt
        return Alike(
            binding.step.name,
            binding.endpoint.slug,
            *price,
            [sha256(salt + body.encode("utf-8", "surrogatepass")).digest()[:FINGERPRINT_BYTES] for body in bodies],
            bodies,
            images[0] if len(images[0]) == count else images[0] * count,
        )

    def _encoded(self, part: Varying, texts: list[str]) -> list[str] | None:
        """The JSON of *texts*; None where one is missing or cannot be sent."""
        if not all(texts):
            return None
        if part.plain:
            return list(map(quote, texts))
        try:
            return [self._binding.checked(part, text)[1] for text in texts]
        except BadParameters:
            return None


def _texts(part: Varying, table: Sequence[Sequence[str]]) -> list[str]:
    texts = part.render_all(table)
    return list(map(str.strip, texts)) if part.image else texts_of(texts)
