"""A shop's export as product images: one row per image of each product.

All platforms are read in one way, by their descriptions: rows of one product are taken together, its image cells
taken apart, every distinct image becomes a row with ``key, title, image_url, image_n`` before the original columns.
A product without an image stays, as one row with an empty ``image_url``.

Streams: only the product at hand is held, and what must be known of all (names, handles that come again) as hashes.
Knows nothing about file formats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING

from pipeline.cells import image_of
from pipeline.manifest import columns as names
from pipeline.manifest import references
from pipeline.manifest.identity import Identities
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.manifest.notices import Notices
    from pipeline.manifest.platforms.platform import Layout, Platform
    from pipeline.manifest.reader import Reader

DERIVED = ("key", "title", "image_url", "image_n")
_LOCAL_HOSTS = ("http://localhost", "https://localhost", "http://127.0.0.1", "https://127.0.0.1")
_SOURCE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of a product: one row of the manifest."""

    key: str
    url: str
    """Empty for a product without an image."""
    n: int
    """From 1 within its product; 0 without an image."""
    row: Row
    """The source's row, with the cells that all rows of the product share filled in."""


@dataclass(frozen=True, slots=True)
class Product:
    """Adjacent source rows that are one product, and the images first seen in them."""

    name: str
    title: str
    rows: tuple[Row, ...]
    pictures: tuple[Picture, ...]
    keys: Mapping[str, str]
    """Image URL to key, for every image of the product seen so far."""


@dataclass(slots=True)
class _Memory:
    """What must be remembered of a product whose rows come in several places."""

    name: str
    shared: dict[int, str]
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProductReader:
    """A reader of product images above the reader of a platform's file."""

    source: Reader
    platform: Platform
    layout: Layout
    base_url: str
    more_images: Mapping[str, Sequence[str]]
    """Images from a second file, by the product's first key."""
    notices: Notices

    @property
    def columns(self) -> tuple[str, ...]:
        """The derived columns, then the source's; a source column of the same name becomes ``title.1``."""
        return names.distinct([*DERIVED, *self.source.columns])

    def batches(self, size: int) -> Iterator[list[Row]]:
        """One row per product image, at most *size* at a time; ``number`` is the source row's."""
        rows = (self.row(product, picture) for product in self.products() for picture in product.pictures)
        while batch := list(islice(rows, size)):
            yield batch

    def products(self) -> Iterator[Product]:
        """Every run of rows that is one product, in file order."""
        scattered: dict[str, _Memory] = {}
        for rows in self._runs():
            group = self._group(rows[0])
            if group and hash(group) in self._identities.scattered:
                yield self._continued(rows, group, scattered)
            else:
                yield self._product(rows, self._remembered(rows), keep_bare=True)

    @property
    def by_row(self) -> bool:
        """Whether a product read so far is named by nothing but its row."""
        return self._identities.by_row

    @staticmethod
    def row(product: Product, picture: Picture) -> Row:
        """The manifest's row of one picture."""
        return Row(picture.row.number, (picture.key, product.title, picture.url, str(picture.n), *picture.row.cells))

    def is_scattered(self, product: Product) -> bool:
        """True when rows of *product* come in several places of the file."""
        group = self._group(product.rows[0])
        return bool(group) and hash(group) in self._identities.scattered

    def raw_references(self, cell: str) -> list[str]:
        """The image references in one cell, as they stand there."""
        return references.split(cell, self.platform.separators)

    def unescaped(self, reference: str) -> str:
        """What a reference says, without the platform's escapes."""
        return reference.replace("\\,", ",") if self.platform.escaped_comma else reference

    def url(self, reference: str) -> str:
        """What *reference* stands for."""
        return references.absolute(reference, self.base_url)

    def _continued(self, rows: tuple[Row, ...], group: str, scattered: dict[str, _Memory]) -> Product:
        first = group not in scattered
        memory = scattered[group] if not first else scattered.setdefault(group, self._remembered(rows))
        return self._product(rows, memory, keep_bare=first and hash(group) not in self._identities.pictured)

    def _remembered(self, rows: tuple[Row, ...]) -> _Memory:
        shared = {i: next((row.cells[i] for row in rows if row.cells[i]), "") for i in self.layout.filled}
        return _Memory(self._identities.name(self._candidates(rows), rows[0].number), shared)

    def _product(self, rows: tuple[Row, ...], memory: _Memory, *, keep_bare: bool) -> Product:
        filled = [self._filled(row, memory.shared) for row in rows]
        title = next((row.cells[i] for i in self.layout.titles for row in filled if row.cells[i]), "")
        pictures = []
        for url, row in self._images(filled):
            if url not in memory.keys:
                n = len(memory.keys) + 1
                memory.keys[url] = self._identities.key(memory.name, n)
                pictures.append(Picture(memory.keys[url], url, n, row))
        if not memory.keys and keep_bare:
            pictures.append(Picture(memory.name, "", 0, filled[0]))
        return Product(memory.name, title, rows, tuple(pictures), memory.keys)

    def _filled(self, row: Row, shared: dict[int, str]) -> Row:
        missing = {i: text for i, text in shared.items() if text and not row.cells[i]}
        if not missing:
            return row
        return Row(row.number, tuple([missing.get(i, cell) for i, cell in enumerate(row.cells)]))

    def _images(self, rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
        """Image URLs with their rows: the main image's column through all rows first, then the next column."""
        for i in self.layout.images:
            for row in rows:
                for reference in self.raw_references(row.cells[i]):
                    yield self._checked(self.unescaped(reference)), row
        for reference in self.more_images.get(self._first_key(rows[0]), ()):
            yield self._checked(reference), rows[0]

    def _checked(self, reference: str) -> str:
        url = self.url(reference)
        if references.is_relative(url):
            self.notices.warn(
                "image references are relative (such as "
                f"{self._first('relative', url)}): they are looked for beside the manifest;"
                " when they are on the web, give --image-base-url"
            )
        elif url.startswith(_LOCAL_HOSTS):
            self.notices.warn(
                f"images are on localhost (such as {self._first('local', url)}), which the provider cannot reach"
            )
        return url

    def _first(self, kind: str, url: str) -> str:
        return self._examples.setdefault(kind, url)

    @cached_property
    def _examples(self) -> dict[str, str]:
        return {}

    def _runs(self) -> Iterator[tuple[Row, ...]]:
        """Adjacent rows with the same group value; a row without one stands alone."""
        run: list[Row] = []
        for row in chain.from_iterable(self.source.batches(_SOURCE_BATCH)):
            if run and not (self._group(row) and self._group(row) == self._group(run[0])):
                yield tuple(run)
                run = []
            run.append(row)
        if run:
            yield tuple(run)

    def _group(self, row: Row) -> str:
        return self._first_key(row) if self.platform.grouped else ""

    def _first_key(self, row: Row) -> str:
        return row.cells[self.layout.keys[0]].strip() if self.layout.keys else ""

    def _candidates(self, rows: tuple[Row, ...]) -> list[str]:
        """The product's identifiers, best first, its title last; a group is identified by nothing but its value."""
        found = [rows[0].cells[i].strip() for i in (*self.layout.keys, *self.layout.titles)]
        return [found[0], *[""] * (len(found) - 1)] if self._group(rows[0]) else found

    @cached_property
    def _identities(self) -> Identities:
        """One look over the whole source, before the first product is named."""
        identities = Identities(
            len(self.layout.keys) + len(self.layout.titles), grouped=self.platform.grouped and bool(self.layout.keys)
        )
        unmatched = set(self.more_images)
        for rows in self._runs():
            key = self._first_key(rows[0])
            unmatched.discard(key)
            pictured = key in self.more_images or any(
                image_of(row.cells[i]) for row in rows for i in self.layout.images
            )
            identities.add(self._candidates(rows), pictured=pictured)
        identities.settle()
        if unmatched:
            self.notices.warn(f"the images file names products that are not in the manifest, such as {min(unmatched)}")
        return identities
