"""CSV and TSV: delimiter, header and row widths.

Every row must be as wide as the header.  Empty cells beyond it (a trailing delimiter) are dropped; anything else is
refused with both widths, a short row too: exporters write every cell, so a short row is a record torn in two or a
file cut off, and padding it would put text into the wrong columns of a paid call.

Owns dialects and widths.  Knows nothing about what the columns mean.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.manifest import columns as names
from pipeline.manifest import keycells, text
from pipeline.manifest.quick import QuickRecords
from pipeline.manifest.records import Records
from pipeline.task import Row

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Iterator

    from pipeline.manifest.notices import Notices
    from pipeline.manifest.origin import Origin
    from pipeline.manifest.reader import Wishes
    from pipeline.manifest.text import Encoding

DELIMITERS = ",;\t|"
_NAMED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SPELLED = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "bar": "|"}
_row = partial(tuple.__new__, Row)
"""A Row of (number, cells), without the frame of Python that its own constructor costs a million times."""
_HEADER_CHARS = 1 << 18
_SEP_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?([,;\t|]*)[\r\n]+", re.IGNORECASE)
"""Saved again, it is a row like others: filled up with the delimiters that then count."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the bytes of one file become records."""

    encoding: Encoding
    delimiter: str
    skip_lines: int
    """Lines before the header: Excel's ``sep=`` line."""


@dataclass(frozen=True)
class DelimitedReader:
    """A delimited text file whose header has been read."""

    origin: Origin
    dialect: Dialect
    columns: tuple[str, ...]
    header_width: int
    """Header cells including trailing nameless ones."""
    notices: Notices

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows in file order, at most *size* at a time."""
        with self.origin.open() as binary, self.dialect.encoding.open(binary) as lines:
            try:
                yield from self._batches(lines, size)
            except UnicodeDecodeError as error:
                raise undecodable(self.origin, self.dialect) from error

    def _batches(self, lines: io.TextIOWrapper, size: int) -> Iterator[list[Row]]:
        guarded = keycells.guarded(self.columns)
        empty = True
        for batch in self._rows(lines, size):
            empty = False
            yield keycells.restored(batch, guarded, self.columns, self.notices)
        if empty:
            self.notices.warn(f"{self.origin.name}: has a header but no rows")

    def _rows(self, lines: io.TextIOWrapper, size: int) -> Iterator[list[Row]]:
        """Quickly as long as that goes well, then carefully."""
        _skip(self.dialect, lines)
        quick = QuickRecords(lines, self.dialect.delimiter)
        found = quick.take(1)  # the header
        while found:
            first = quick.count
            found = quick.take(size, self.header_width, len(self.columns))
            if found:
                yield list(map(_row, zip(range(first, quick.count), map(tuple, found), strict=True)))
        if found is None:
            yield from self._carefully(quick, size)

    def _carefully(self, quick: QuickRecords, size: int) -> Iterator[list[Row]]:
        rest = quick.rest()
        records = _records(self.origin, self.dialect, self.notices, rest, line=quick.line, count=quick.count)
        rows = iter(records)
        if not quick.count:
            next(rows, None)  # the header
        width = len(self.columns)
        batch: list[Row] = []
        for cells in rows:
            fitting = cells if len(cells) == width else self._fit(cells, records)
            batch.append(Row(records.count - 1, tuple(fitting)))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _fit(self, cells: list[str], records: Records) -> list[str]:
        """Bring a row of another width to the header's, or refuse it."""
        width = len(self.columns)
        if len(cells) < width:
            raise self._ragged(cells, records)
        beyond = "".join(cells[width:]).strip()
        if beyond and len(cells) > self.header_width:
            raise self._ragged(cells, records)
        if beyond:
            self.notices.warn(
                f"{self.origin.name}: {records.place} has text beyond the last named column; it is not used"
            )
        return cells[:width]

    def _ragged(self, cells: list[str], records: Records) -> ManifestError:
        width = self.header_width
        remedy = (
            "quote the cells that hold a delimiter or a line break"
            if len(cells) > width
            else "it may be torn in two by an unquoted line break, or cut off"
        )
        return ManifestError(
            f"{self.origin.name}: {records.place} has {len(cells)} cells, the header has {width}",
            hint=f"{remedy}; the delimiter is taken to be {_name(self.dialect.delimiter)} (--delimiter C changes that)",
        )


def open_delimited(origin: Origin, wishes: Wishes, notices: Notices) -> DelimitedReader:
    """Read the header of *origin* and settle how the rest is to be read."""
    encoding = text.decide(origin, wishes.encoding, wishes.encoding_errors)
    head, skip_lines, said = _head(origin, encoding)
    dialect = Dialect(encoding, _delimiter(wishes.delimiter) or said or _counted(head), skip_lines)
    header = _header(origin, dialect, notices)
    _refuse_headerless(origin, header)
    named = _without_nameless_tail(header)
    notices.note(f"encoding {encoding.reason}, delimiter {_name(dialect.delimiter)}, {len(named)} columns")
    columns = names.clean(named)
    for raw, column in zip(named, columns, strict=True):
        if (name := raw.strip().lstrip("\ufeff").strip()) and name != column:
            notices.note(f'two columns are called "{name}": the first is {{{name}}}, another is {{{column}}}')
    return DelimitedReader(origin, dialect, columns, len(header), notices)


def undecodable(origin: Origin, dialect: Dialect) -> ManifestError:
    """The error that names the first byte that is no text, and its row."""
    codec = dialect.encoding.codec
    bad = text.first_undecodable(origin, codec)
    row = _row_at(text.lines_before(origin, codec, bad.offset), dialect)
    return ManifestError(
        f"{origin.name}: byte {bad.offset} (0x{bad.value:02x}) in {row} is not valid {codec}",
        hint=text.remedy(codec),
    )


def _skip(dialect: Dialect, lines: io.TextIOWrapper) -> None:
    for _ in range(dialect.skip_lines):
        lines.readline()


def _records(
    origin: Origin, dialect: Dialect, notices: Notices, lines: Iterable[str], *, line: int = 0, count: int = 0
) -> Records:
    mend_nul = dialect.encoding.errors == "replace"
    line += dialect.skip_lines
    return Records(lines, dialect.delimiter, origin.name, notices, mend_nul=mend_nul, line=line, count=count)


def _head(origin: Origin, encoding: Encoding) -> tuple[str, int, str | None]:
    """The beginning of the text behind a ``sep=`` line, how many lines that line is, and what it says."""
    with origin.open() as binary, text.Encoding(encoding.codec, "replace", "").open(binary) as lines:
        start = lines.read(_HEADER_CHARS)
    said = _SEP_LINE.match(start)
    return (start[said.end() :], 1, (said[2] or said[1])[0]) if said else (start, 0, None)


def _counted(head: str) -> str:
    """The delimiter that occurs most often in the header, outside quotes.

    A header without any is one column: tab is then taken, because a list of URLs holds commas but never tabs.
    """
    unquoted = re.sub(r'"[^"]*"', "", head.lstrip("\ufeff\r\n \t"))
    header = re.split(r"[\r\n]", unquoted, maxsplit=1)[0]
    best = max(DELIMITERS, key=header.count)
    return best if header.count(best) else "\t"


def _delimiter(given: str | None) -> str | None:
    if given is None:
        return None
    spelled = _SPELLED.get(given.lower(), given)
    if len(spelled) != 1 or spelled in '"\r\n':
        raise ManifestError(f"--delimiter {given!r}: must be one character", hint="for example ';' or tab")
    return spelled


def _header(origin: Origin, dialect: Dialect, notices: Notices) -> list[str]:
    with origin.open() as binary, dialect.encoding.open(binary) as lines:
        try:
            _skip(dialect, lines)
            header = next(iter(_records(origin, dialect, notices, lines)), None)
        except UnicodeDecodeError as error:
            raise undecodable(origin, dialect) from error
        if header is None:
            raise ManifestError(f"{origin.name}: is empty", hint="the first line must name the columns")
        return header


def _refuse_headerless(origin: Origin, header: list[str]) -> None:
    data = next((cell for cell in header if "://" in cell), None)
    if data is not None:
        raise ManifestError(
            f"{origin.name}: the first line holds data ({data[:60]}), not column names",
            hint="add a first line that names the columns, for example: sku,image_url",
        )


def _without_nameless_tail(header: list[str]) -> list[str]:
    width = len(header)
    while width > 1 and not header[width - 1].strip():
        width -= 1
    return header[:width]


def _row_at(lines: Iterator[str], dialect: Dialect) -> str:
    records = csv.reader(islice(lines, dialect.skip_lines, None), delimiter=dialect.delimiter)
    rows = sum(1 for cells in records if "".join(cells).strip())
    return f"row {rows - 1}" if rows > 1 else "the header"


def _name(delimiter: str) -> str:
    return _NAMED.get(delimiter, repr(delimiter))
