"""Tables that fit into any terminal: the least important columns are left out, names and money are never cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.measure import Measurement
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

KEPT = 99
"""Importance of a column that is never left out."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; of those that do not fit the least important goes first."""

    name: str
    importance: int = KEPT
    justify: Literal["left", "right"] = "right"
    wraps: bool = False
    """Whether its text may go on in the next line."""


class Fitted:
    """A table without lines, for rich to print."""

    def __init__(
        self, columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], *, header: str = "bold"
    ) -> None:
        self._columns = columns
        self._rows = rows
        self._header = header

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What fits into the width of *options*; rich calls it."""
        shown = list(range(len(self._columns)))
        unbounded = options.update(width=10_000, no_wrap=False, overflow="fold")
        while True:
            table = self._table(shown)
            least = min(shown, key=lambda at: self._columns[at].importance)
            fits = Measurement.get(console, unbounded, table).minimum <= options.max_width
            if fits or self._columns[least].importance == KEPT:
                break
            shown.remove(least)
        yield table if fits else self._table(shown, folds=True)

    def _table(self, shown: list[int], *, folds: bool = False) -> Table:
        table = Table(box=None, pad_edge=False, header_style=self._header)
        for at in shown:
            column = self._columns[at]
            rigid = not column.wraps and not folds
            width = max(cell_len(str(text)) for text in (column.name, *(row[at] for row in self._rows)))
            table.add_column(
                column.name,
                justify=column.justify,
                no_wrap=rigid,
                overflow="fold",
                min_width=width if rigid else None,
            )
        for row in self._rows:
            table.add_row(*(row[at] for at in shown))
        return table


def importance(values: Sequence[int], else_: int) -> int:
    """That of a column of counts: one that is zero everywhere goes before all others."""
    return else_ if any(values) else 0
