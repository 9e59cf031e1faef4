"""Which name a product gets: its best identifier that is filled and its own.

SKUs are empty in 47 of 61 rows of one real export and repeated in others, so one look over all products settles
which values are usable.  It holds 64-bit hashes only: eight bytes a product and identifier.

Knows nothing about images, files or platforms.
"""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERED = re.compile(r".+-\d+")


class Identities:
    """The identifiers of all products: first ``add`` every product, then ``settle``, then ask for names."""

    def __init__(self, candidates: int, *, grouped: bool) -> None:
        self._seen = [array("q") for _ in range(candidates)]
        self._grouped = grouped
        self._with_image = array("q")
        self._numbered: set[int] = set()
        self._unusable: list[frozenset[int]] = []
        self.scattered: frozenset[int] = frozenset()
        """Hashes of the first identifiers whose rows come in several places, where that means the same product."""
        self.pictured: frozenset[int] = frozenset()
        """Those of them that have an image in any place."""
        self.by_row = False
        """Whether a product had to be named by its row."""

    def add(self, candidates: Sequence[str], *, pictured: bool) -> None:
        """Remember one product's identifiers, best first."""
        for seen, value in zip(self._seen, candidates, strict=True):
            if value:
                seen.append(hash(value))
                if _NUMBERED.fullmatch(value):
                    self._numbered.add(hash(value))
        if self._grouped and pictured and candidates[0]:
            self._with_image.append(hash(candidates[0]))

    def settle(self) -> None:
        """Work out which values stand for one product only; a value of a better column is taken."""
        import numpy as np

        taken = np.empty(0, np.int64)
        for n, seen in enumerate(self._seen):
            values, counts = np.unique(np.frombuffer(seen, np.int64), return_counts=True)
            repeated = frozenset(values[counts > 1].tolist())
            if self._grouped and n == 0:
                self.scattered = repeated
                self.pictured = repeated & frozenset(self._with_image)
                repeated = frozenset()
            shared = np.intersect1d(values, taken, assume_unique=True)
            self._unusable.append(repeated | frozenset(shared.tolist()))
            taken = np.union1d(taken, values)
        self._seen, self._with_image = [], array("q")

    def name(self, candidates: Sequence[str], number: int) -> str:
        """The name of a product: its first identifier that no other has, else its row."""
        for value, unusable in zip(candidates, self._unusable, strict=True):
            if value and hash(value) not in unusable:
                return value
        self.by_row = True
        return f"row-{number}"

    def key(self, name: str, n: int) -> str:
        """The key of a product's *n*-th image, from 1; never the name of another product (``mug-2`` may be one)."""
        key = name if n == 1 else f"{name}-{n}"
        while n > 1 and hash(key) in self._numbered:
            key = f"{key[: -len(str(n))]}-{n}"
        return key
