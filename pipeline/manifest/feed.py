"""Google Merchant feeds in XML: an RSS ``item`` or an Atom ``entry`` is one row.

Names lose their namespace (``g:image_link`` is ``image_link``); a repeated element is joined with ``", "``.  As with
JSON lines, the columns are all names that occur, so the file is read once before its rows are.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET  # documents with a DTD, the carrier of entity attacks, are refused
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from pipeline.errors import ManifestError
from pipeline.manifest import columns as names
from pipeline.manifest import keycells
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.manifest.notices import Notices
    from pipeline.manifest.origin import Origin

_ROW_ELEMENTS = frozenset({"item", "entry"})


@dataclass(frozen=True)
class FeedReader:
    """A feed whose names have been gathered."""

    origin: Origin
    columns: tuple[str, ...]
    names: tuple[str, ...]
    notices: Notices

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows in file order, at most *size* at a time."""
        items = enumerate(_items(self.origin), start=1)
        guarded = keycells.guarded(self.columns)
        while batch := [self._row(number, item) for number, item in islice(items, size)]:
            yield keycells.restored(batch, guarded, self.columns, self.notices)

    def _row(self, number: int, item: dict[str, str]) -> Row:
        return Row(number, tuple([item.get(name, "") for name in self.names]))


def open_feed(origin: Origin, limit: int | None, notices: Notices) -> FeedReader:
    """Gather the names that occur in the first *limit* items of *origin*."""
    found: dict[str, None] = {}
    count = 0
    for item in islice(_items(origin), limit):
        count += 1
        found.update(dict.fromkeys(item))
    if not found:
        raise ManifestError(
            f"{origin.name}: is XML without any <item> or <entry>",
            hint="XML can be read as a Google Merchant feed (RSS or Atom); export anything else as CSV",
        )
    notices.note(f"XML feed, {count:,} items, {len(found)} columns")
    return FeedReader(origin, names.clean(found), tuple(found), notices)


def _items(origin: Origin) -> Iterator[dict[str, str]]:
    with origin.open() as binary:
        try:
            yield from _parsed(origin, binary)
        except ET.ParseError as error:
            raise ManifestError(
                f"{origin.name}: is not well-formed XML ({error})", hint="it may be cut short: fetch it again"
            ) from error


def _parsed(origin: Origin, binary: BinaryIO) -> Iterator[dict[str, str]]:
    if b"<!DOCTYPE" in origin.head(1 << 16):
        raise ManifestError(
            f"{origin.name}: XML with a document type is not read", hint="remove the <!DOCTYPE ...> line"
        )
    above: list[ET.Element] = []
    for event, element in ET.iterparse(binary, events=("start", "end")):  # noqa: S314  # see the import
        if event == "start":
            above.append(element)
            continue
        above.pop()
        if _name(element) in _ROW_ELEMENTS:
            yield _cells(element)
            if above:
                above[-1].remove(element)  # a million items must not stay in memory


def _cells(item: ET.Element) -> dict[str, str]:
    cells: dict[str, str] = {}
    for child in item:
        name, value = _name(child), _value(child)
        cells[name] = f"{cells[name]}, {value}" if cells.get(name) and value else cells.get(name) or value
    return cells


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: ET.Element) -> str:
    if len(element):
        return json.dumps({_name(child): (child.text or "").strip() for child in element}, ensure_ascii=False)
    return (element.text or element.get("href") or "").strip()
