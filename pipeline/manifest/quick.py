"""Records of delimited text many at a time, as long as none of them needs a closer look.

Plain files are most files: no NUL, no quote left open, every record as wide as the header.  Those are read in half the
time of `records`, which looks at every line; at the first thing that is not plain it takes over, from the first
record that was not handed out.
"""

from __future__ import annotations

import csv
from collections import deque
from itertools import chain, islice
from typing import TYPE_CHECKING

from pipeline.manifest.records import CELL_LIMIT_CHARS
from pipeline.manifest.swallowed import swallowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

CHUNK_CHARS = 1 << 18
"""Lines are fetched so many characters at a time."""
MOST_CHUNKS = 16
"""A batch ends early when its lines take more."""
AT_ONCE = 100


class _NotPlain(Exception):
    """A line that needs a closer look."""


class QuickRecords:
    """The records of one text.  ``count`` of them, blank ones not counted, were handed out by `take`."""

    def __init__(self, text: TextIO, delimiter: str, *, chunk_chars: int = CHUNK_CHARS) -> None:
        self.count = 0
        self.line = 0
        """Lines in the records that were handed out."""
        self._text = text
        self._delimiter = delimiter
        self._chunk_chars = chunk_chars
        self._kept: deque[list[str]] = deque()
        """Lines that may have to be looked at again, from line ``_kept_from`` on."""
        self._kept_from = 0
        csv.field_size_limit(CELL_LIMIT_CHARS)
        self._reader = csv.reader(chain.from_iterable(self._chunks()), delimiter=delimiter, strict=True)

    def take(self, size: int, width: int | None = None, used: int | None = None) -> list[list[str]] | None:
        """The records among the next *size* that have any text in them.

        Each is *width* cells wide, of which the first *used* are given and the others are blank.  An empty list at
        the end; None where `rest` must be looked at more closely.
        """
        found: list[list[str]] = []
        while not found:
            self._forget()
            try:
                batch = self._next(size)
            except (csv.Error, _NotPlain):
                return None
            if not batch:
                return []
            found = [cells for cells in batch if cells and (cells[0].strip() or "".join(cells).strip())]
            long = self._reader.line_num - self.line > len(batch)  # some record has several lines
            if long and any(swallowed(cells, self._delimiter) is not None for cells in found):
                return None
            if width is not None and any(len(cells) != width for cells in found):
                return None
            if used != width:
                if any("".join(cells[used:]).strip() for cells in found):
                    return None
                found = [cells[:used] for cells in found]
            self.line = self._reader.line_num
        self.count += len(found)
        return found

    def rest(self) -> Iterator[str]:
        """The lines behind the records that were handed out."""
        return chain(islice(chain.from_iterable(self._kept), self.line - self._kept_from, None), self._text)

    def _next(self, size: int) -> list[list[str]]:
        """Up to *size* records; fewer where they are long: their lines are kept beside them."""
        batch: list[list[str]] = []
        while len(batch) < size and len(self._kept) <= MOST_CHUNKS:
            some = list(islice(self._reader, min(size - len(batch), AT_ONCE)))
            batch += some
            if not some:
                break
        return batch

    def _chunks(self) -> Iterator[list[str]]:
        while lines := self._text.readlines(self._chunk_chars):
            self._kept.append(lines)
            if "\0" in "".join(lines):
                raise _NotPlain
            yield lines

    def _forget(self) -> None:
        while self._kept and self._kept_from + len(self._kept[0]) <= self.line:
            self._kept_from += len(self._kept.popleft())
