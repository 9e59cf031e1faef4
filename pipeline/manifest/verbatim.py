"""A delimited file as the exact text of its cells, quotes, line ends and byte-order mark included.

What is not replaced is written back byte for byte.  Where the encoding allows it the bytes are viewed as latin-1, so
that even bytes that are not valid in the file's own encoding come back as they were.

Knows nothing about what the cells mean.
"""

from __future__ import annotations

import codecs
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.manifest.delimited import undecodable
from pipeline.manifest.text import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.manifest.delimited import Dialect
    from pipeline.manifest.origin import Origin

_ONE_BYTE_VIEW = re.compile(r"utf-8(-sig)?|ascii|cp125\d|cp437|cp850|iso8859-\d+|mac-.*|koi8-.*")
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record: its cells as they stand in the file, and what ends it."""

    cells: list[str]
    end: str

    def text(self, delimiter: str) -> str:
        """The record as it stands in the file."""
        return delimiter.join(self.cells) + self.end


@dataclass(frozen=True, slots=True)
class Verbatim:
    """How one file is taken apart and put together again."""

    origin: Origin
    dialect: Dialect
    view: str
    """The codec through which the bytes are seen; it loses nothing."""

    @contextmanager
    def open(self) -> Iterator[tuple[str, Iterator[RawRecord]]]:
        """What stands before the header (byte-order mark, ``sep=`` line), and all records from the header on."""
        with self.origin.open() as binary, Encoding(self.view, "strict", "").open(binary) as lines:
            try:
                yield self._taken_apart(lines)
            except UnicodeDecodeError as error:  # was read with replacements
                raise ManifestError(
                    f"{undecodable(self.origin, self.dialect)}; it cannot be written back as it was",
                    hint="mend that row, or save the file as UTF-8, where such bytes are no obstacle",
                ) from error

    def decoded(self, raw: str) -> str:
        """The text that a raw cell stands for."""
        return self._unquoted(self._from_view(raw))

    def encoded(self, text: str, like: str) -> str:
        """*text* as a raw cell, quoted when the raw cell *like* was or when it must be."""
        delimiter = self.dialect.delimiter
        if like.startswith('"') or any(c in text for c in (delimiter, '"', "\r", "\n")):
            text = '"' + text.replace('"', '""') + '"'
        if self.view != "latin-1":
            return text
        return text.encode(self._codec, "replace").decode("latin-1")

    def is_blank(self, record: RawRecord) -> bool:
        """True for a record that the reader skips."""
        if self.decoded(record.cells[0]).strip():
            return False
        return not "".join(map(self.decoded, record.cells)).strip()

    @property
    def _codec(self) -> str:
        return self.dialect.encoding.codec.removesuffix("-sig")

    def _from_view(self, raw: str) -> str:
        return raw.encode("latin-1").decode(self._codec, "replace") if self.view == "latin-1" else raw

    @staticmethod
    def _unquoted(text: str) -> str:
        if not text.startswith('"'):
            return text
        quoted = re.match(r'"((?:[^"]|"")*)"?', text)
        assert quoted is not None  # the pattern matches every text that begins with a quote
        return quoted[1].replace('""', '"') + text[quoted.end() :]

    def _taken_apart(self, lines: Iterator[str]) -> tuple[str, Iterator[RawRecord]]:
        first = next(lines, "")
        if self.dialect.skip_lines:
            return first, self._records("", lines)
        mark = next((m for m in ("\ufeff", "\u00ef\u00bb\u00bf") if first.startswith(m)), "")
        return mark, self._records(first[len(mark) :], lines)

    def _records(self, first: str, lines: Iterator[str]) -> Iterator[RawRecord]:
        plain = re.compile(rf"[^{re.escape(self.dialect.delimiter)}\r\n]*")
        line = first or next(lines, "")
        while line:
            yield self._record(line, lines, plain)
            line = next(lines, "")

    def _record(self, text: str, lines: Iterator[str], plain: re.Pattern[str]) -> RawRecord:
        cells, at = [], 0
        while True:
            start = at
            if text.startswith('"', at):
                text, at = _behind_quote(text, at + 1, lines)
            found = plain.match(text, at)
            assert found is not None  # it matches the empty text too
            at = found.end()
            cells.append(text[start:at])
            if not text.startswith(self.dialect.delimiter, at):
                return RawRecord(cells, text[at:])
            at += 1


def _behind_quote(text: str, at: int, lines: Iterator[str]) -> tuple[str, int]:
    """The text, with as many further lines as the quoted cell needs, and where its closing quote ends."""
    while True:
        found = text.find('"', at)
        if found < 0:
            more = next(lines, "")
            if not more:
                return text, len(text)
            at = len(text)
            text += more
        elif text.startswith('""', found):
            at = found + 2
        else:
            return text, found + 1


def verbatim(origin: Origin, dialect: Dialect) -> Verbatim:
    """Choose the lossless view of *origin*."""
    head = origin.head(4)
    wide = next((codec for mark, codec in _WIDE if head.startswith(mark)), None)
    codec = dialect.encoding.codec
    return Verbatim(origin, dialect, wide or ("latin-1" if _ONE_BYTE_VIEW.fullmatch(codec) else codec))
