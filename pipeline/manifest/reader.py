"""The one shape all formats are brought to: columns, and rows of text in batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.task import Row


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says about how a text file is to be read; None leaves it to the file."""

    encoding: str | None = None
    encoding_errors: str = "strict"
    delimiter: str | None = None
    limit: int | None = None
    """Only so many rows will be asked for."""


class Reader(Protocol):
    """A table that can be read from its beginning as often as asked, in bounded memory."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Clean, distinct column names."""

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows in file order, at most *size* at a time; every row has ``len(columns)`` cells."""
