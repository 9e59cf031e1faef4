"""The one shape all formats are brought to: columns, and rows of text in batches."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from pipeline.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.task import Row

Item = TypeVar("Item")
AHEAD = 1000
"""So many items are looked at for the names in them, also where fewer rows are asked for."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says about how a text file is to be read; None leaves it to the file."""

    encoding: str | None = None
    encoding_errors: str = "strict"
    delimiter: str | None = None
    limit: int | None = None
    """Only so many rows will be asked for."""


def named_by(items: Iterable[Item], limit: int | None) -> Iterator[Item]:
    """Those of *items* whose names are a table's columns: all, or *limit* and some behind, as far as they are whole."""
    count = 0
    try:
        for item in islice(items, None if limit is None else max(limit, AHEAD)):
            count += 1
            yield item
    except ManifestError:
        if limit is None or count < limit:
            raise


class Reader(Protocol):
    """A table that can be read from its beginning as often as asked, in bounded memory."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Clean, distinct column names."""

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows in file order, at most *size* at a time; every row has ``len(columns)`` cells."""
