"""New image URLs in an original file, everything else as it was.

Owns how each platform takes them: in the cell of the image they replace; where a platform packs several in one cell,
further ones beside it; where it has one row per image (Shopify), further ones as image rows behind the product.

Knows nothing about files beyond ``verbatim.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from pipeline.manifest import columns as names
from pipeline.manifest.products import ProductReader
from pipeline.manifest.verbatim import RawRecord, Verbatim, verbatim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.manifest.delimited import DelimitedReader
    from pipeline.manifest.products import Product
    from pipeline.manifest.reader import Reader
    from pipeline.task import Row

_ONE_IMAGE_PER_ROW = frozenset({"shopify"})
_POSITION = "image position"


@dataclass(slots=True)
class _Rewriter:
    """A file on its way from *raw* to *file*."""

    raw: Verbatim
    file: IO[bytes]
    records: Iterator[RawRecord]

    def write(self, text: str) -> None:
        self.file.write(text.encode(self.raw.view))

    def put(self, record: RawRecord) -> None:
        self.write(record.text(self.raw.dialect.delimiter))

    def next_record(self) -> RawRecord:
        """The next record with text in it; blank ones before it go through as they are."""
        for record in self.records:
            if not self.raw.is_blank(record):
                return record
            self.put(record)
        raise self.raw.origin.changed()

    def rest(self) -> None:
        for record in self.records:
            self.put(record)


def replace_images(
    reader: ProductReader, source: DelimitedReader, new: Callable[[Row], Sequence[str]], file: IO[bytes]
) -> None:
    """Write *source* to *file* with the images of *reader*'s products replaced by *new* ones."""
    raw = verbatim(source.origin, source.dialect)
    with raw.open() as (prefix, records):
        out = _Rewriter(raw, file, records)
        out.write(prefix)
        header = out.next_record()
        out.put(header)
        exchange = _Exchange(reader, raw, new)
        for product in reader.products():
            exchange.learn(product)
            originals = []
            for row in product.rows:
                originals.append(out.next_record())
                out.put(exchange.replaced(originals[-1], row))
            for extra in exchange.further(product, originals, header.end or "\n"):
                out.put(extra)
        out.rest()


@dataclass(slots=True)
class _Exchange:
    """Which new URLs take the place of which image."""

    reader: ProductReader
    raw: Verbatim
    new: Callable[[Row], Sequence[str]]
    urls: dict[str, Sequence[str]] = field(default_factory=dict)
    """New URLs by the old one, of the product at hand."""
    scattered: dict[str, dict[str, Sequence[str]]] = field(default_factory=dict)
    """The same for products whose rows come in several places."""

    @property
    def one_per_row(self) -> bool:
        return self.reader.platform.name in _ONE_IMAGE_PER_ROW

    def learn(self, product: Product) -> None:
        self.urls = {p.url: self.new(self.reader.row(product, p)) for p in product.pictures if p.url}
        if self.reader.is_scattered(product):
            self.urls = self.scattered.setdefault(product.name, {}) | self.urls
            self.scattered[product.name] = self.urls

    def replaced(self, record: RawRecord, row: Row) -> RawRecord:
        cells = list(record.cells)
        for i in self.reader.layout.images:
            if i < len(cells):
                before = self.raw.decoded(cells[i])
                if before != row.cells[i]:
                    raise self.raw.origin.changed()
                after = self._in_cell(before)
                if after != before:
                    cells[i] = self.raw.encoded(after, like=cells[i])
        return RawRecord(cells, record.end)

    def _in_cell(self, text: str) -> str:
        """*text* with each image reference in it exchanged, separators and blanks untouched."""
        result, at = [], 0
        for reference in self.reader.raw_references(text):
            found = text.index(reference, at)
            result += [text[at:found], self._instead_of(reference)]
            at = found + len(reference)
        return "".join([*result, text[at:]])

    def _instead_of(self, reference: str) -> str:
        found = self.urls.get(self.reader.url(self.reader.unescaped(reference)), ())
        if not found:
            return reference
        if self.one_per_row:
            return found[0]
        return ", ".join(url.replace(",", "%2C") for url in found)

    def further(self, product: Product, originals: Sequence[RawRecord], end: str) -> Iterator[RawRecord]:
        """Rows for the second and further outputs of each image, where a row holds only one."""
        extra = [url for p in product.pictures for url in self.urls.get(p.url, ())[1:]] if self.one_per_row else []
        if not extra:
            return
        layout, columns = self.reader.layout, self.reader.source.columns
        position = names.find(columns, _POSITION)
        last = max((self._number(record, position) for record in originals), default=0)
        if not originals[-1].end:
            yield RawRecord([], end)  # the file's last line was not ended
        for n, url in enumerate(extra, start=last + 1):
            cells = [""] * len(originals[-1].cells)
            cells[layout.keys[0]] = originals[0].cells[layout.keys[0]]
            cells[layout.images[0]] = self.raw.encoded(url, like="")
            if position is not None:
                cells[position] = str(n)
            yield RawRecord(cells, end)

    def _number(self, record: RawRecord, position: int | None) -> int:
        text = self.raw.decoded(record.cells[position]).strip() if position is not None else ""
        return int(text) if text.isdecimal() else 0


def append_column(
    reader: Reader, source: DelimitedReader, new: Callable[[Row], Sequence[str]], column: str, file: IO[bytes]
) -> None:
    """Write *source* to *file* with one more column: the new URLs of each row, a row's images joined by ``", "``.

    A column of that name from an earlier export is written again instead.
    """
    raw = verbatim(source.origin, source.dialect)
    place = names.find(source.columns, column)
    with raw.open() as (prefix, records):
        out = _Rewriter(raw, file, records)
        out.write(prefix)
        header = out.next_record()
        out.put(header if place is not None else _with_cell(header, source.header_width, None, column))
        for urls in _by_source_row(reader, new):
            record = out.next_record()
            cell = raw.encoded(", ".join(urls), like="")
            out.put(_with_cell(record, source.header_width, place, cell))
        out.rest()


def _with_cell(record: RawRecord, width: int, place: int | None, cell: str) -> RawRecord:
    cells = [*record.cells, *[""] * (width - len(record.cells))][:width]
    if place is None:
        return RawRecord([*cells, cell], record.end)
    cells[place] = cell
    return RawRecord(cells, record.end)


def _by_source_row(reader: Reader, new: Callable[[Row], Sequence[str]]) -> Iterator[list[str]]:
    """New URLs of every row of the original file, in order."""
    if not isinstance(reader, ProductReader):
        for batch in reader.batches(1000):
            for row in batch:
                yield list(new(row))
        return
    for product in reader.products():
        urls: dict[int, list[str]] = {}
        for picture in product.pictures:
            urls.setdefault(picture.row.number, []).extend(new(reader.row(product, picture)))
        for row in product.rows:
            yield urls.get(row.number, [])
