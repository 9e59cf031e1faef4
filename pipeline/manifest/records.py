"""Lines of delimited text to lists of cells, refusing what would shift or swallow data.

The standard library's ``csv`` reader does the splitting, and not pandas, because only it tells which line a record
began on and leaves a short or long row as it is: pandas pads, drops or re-indexes such rows, and cannot name them.

Owns quotes, NUL and the size of a cell.  Knows neither headers nor widths.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.manifest.swallowed import swallowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.manifest.notices import Notices

CELL_LIMIT_CHARS = 8_000_000
"""The longest cell.  Long enough for a photograph as a data URI; short enough that a quote which is never closed
is found after 8 MB and does not swallow a file of any size."""

_SENTINEL = "\x00end\x00"


class Records:
    """The records of one text, in order, with their place for messages.

    ``csv.field_size_limit`` belongs to the whole process; it is set here because its default (131,072) is below
    what product descriptions reach.
    """

    def __init__(
        self,
        text: Iterable[str],
        delimiter: str,
        name: str,
        notices: Notices,
        *,
        mend_nul: bool,
        line: int = 0,
        count: int = 0,
    ) -> None:
        """``line`` and ``count``: lines and records that stand before *text*."""
        self.count = count
        """Records read so far, blank ones not counted; the header counts as one."""
        self._before = line
        self._name = name
        self._delimiter = delimiter
        self._notices = notices
        self._mend_nul = mend_nul
        self._memory: list[str] = []
        csv.field_size_limit(CELL_LIMIT_CHARS)
        self._reader = csv.reader(self._remembered(text), delimiter=delimiter, strict=True)

    @property
    def line(self) -> int:
        """The line, from 1, on which the record at hand began."""
        return self._last_line - len(self._memory) + 1

    @property
    def _last_line(self) -> int:
        return self._before + self._reader.line_num

    @property
    def place(self) -> str:
        """The record at hand, for messages: data rows from 1, physical lines from 1."""
        row = self.count - 1
        return f"row {row} (line {self.line})" if row > 0 else f"the header (line {self.line})"

    def __iter__(self) -> Iterator[list[str]]:
        """Yield every record that has any text in it."""
        while True:
            self._memory.clear()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.count += 1
                yield self._mended(str(error))
                continue
            if cells and (cells[0].strip() or "".join(cells).strip()):
                self.count += 1
                if len(self._memory) > 1:
                    self._refuse_swallowed(cells)
                yield cells

    def _remembered(self, text: Iterable[str]) -> Iterator[str]:
        remember = self._memory.append
        for line in text:
            remember(line)
            yield self._without_nul(line) if "\0" in line else line

    def _without_nul(self, line: str) -> str:
        if self._mend_nul:
            self._notices.warn(f"{self._name}: NUL bytes were replaced, first on line {self._last_line + 1}")
            return line.replace("\0", "\ufffd")
        row = f"row {self.count}" if self.count else "the header"
        raise ManifestError(
            f"{self._name}: NUL byte in {row} (line {self._last_line + 1})",
            hint="the file is damaged, or UTF-16 (--encoding utf-16-le); --encoding-errors replace reads it anyway",
        )

    def _refuse_swallowed(self, cells: list[str]) -> None:
        place = swallowed(cells, self._delimiter)
        if place is not None:
            opened = f"the quote opened in cell {place + 1} on line {self._opened(cells[:place])}"
            raise ManifestError(
                f"{self._name}: {self.place}: {opened} is not closed before line {self._last_line}: "
                f"the cell holds other rows",
                hint='close it, or double it (""), or remove it; a cell that is meant to be so can be read from '
                "Parquet or JSON lines",
            )

    def _opened(self, before: list[str]) -> int:
        """The line on which the cell behind those *before* it begins."""
        return self.line + "".join(before).count("\n")

    def _mended(self, problem: str) -> list[str]:
        """Read a record that has text behind a closing quote, when nothing but that is wrong with it.

        Such a quote costs the cell its quotes but no boundary, as long as the record ends on its own line; over
        several lines it would be a guess where the record ends, and guesses cost money.
        """
        if "expected after" in problem and len(self._memory) == 1:
            lenient = list(csv.reader([*self._memory, _SENTINEL], delimiter=self._delimiter))
            if len(lenient) == 2 and lenient[1] == [_SENTINEL]:  # noqa: PLR2004  # the record and the sentinel
                self._notices.warn(
                    f'{self._name}: {self.place} has text behind a closing quote (inner quotes must be doubled: "")'
                )
                return lenient[0]
        raise self._unreadable(problem)

    def _unreadable(self, problem: str) -> ManifestError:
        cells = next(iter(csv.reader(self._clipped(), delimiter=self._delimiter)), [""])
        started = self._opened(cells[:-1])
        if "expected after" in problem:
            return ManifestError(
                f"{self._name}: {self.place}, line {self._last_line}: text behind a closing quote",
                hint=f'a quote before it is not closed, or quotes inside a cell are not doubled (""); '
                f"look at lines {started} to {self._last_line}",
            )
        if "unexpected end" in problem:
            what = "is never closed"
        elif started < self._last_line:
            what = f"is not closed within {CELL_LIMIT_CHARS:,} characters"
        else:
            return ManifestError(
                f"{self._name}: {self.place}: cell {len(cells)} is longer than {CELL_LIMIT_CHARS:,} characters",
                hint="give a large image as a file or an address, not in the cell itself",
            )
        return ManifestError(
            f"{self._name}: {self.place}: the quote opened in cell {len(cells)} on line {started} {what}",
            hint='close it, or double it (""), or remove it; then try again',
        )

    def _clipped(self) -> Iterator[str]:
        """The remembered lines, short of the size that would raise again."""
        left = CELL_LIMIT_CHARS - 1
        for line in self._memory:
            yield line[:left]
            left -= len(line)
            if left <= 0:
                return
