"""Google Merchant feeds in XML: an RSS ``item`` or an Atom ``entry`` is one row.

Names lose their namespace (``g:image_link`` is ``image_link``); a repeated element is joined with ``", "``, but where
two namespaces have a name, Google's counts.  Markup inside a text is taken off.  As with JSON lines, the columns are
all names that occur, so the file is read once before its rows are.
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
from pipeline.manifest.reader import named_by
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.manifest.notices import Notices
    from pipeline.manifest.origin import Origin

_ROW_ELEMENTS = frozenset({"item", "entry"})
_GOOGLE = "{http://base.google.com/"
_INLINE = frozenset({"a", "b", "em", "font", "i", "s", "small", "span", "strong", "sub", "sup", "u"})
_MARKUP = _INLINE | {"br", "div", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "table", "td", "th", "tr", "ul"}


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
    """Gather the names that occur in the items of *origin*, of which *limit* will be asked for."""
    found: dict[str, None] = {}
    count = 0
    for item in named_by(_items(origin), limit):
        count += 1
        found.update(dict.fromkeys(item))
    if not found:
        raise ManifestError(
            f"{origin.name}: is XML without any <item> or <entry>",
            hint="XML can be read as a Google Merchant feed (RSS or Atom); export anything else as CSV",
        )
    count = min(count, limit or count)
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
        except (LookupError, ValueError) as error:  # an encoding of several bytes, or of no such name
            raise ManifestError(
                f"{origin.name}: its first line names an encoding that XML is not read in ({error})",
                hint='save it as UTF-8 (iconv -f OLD -t UTF-8), with encoding="UTF-8" in the first line',
            ) from error
        except RecursionError as error:
            raise ManifestError(f"{origin.name}: elements are nested too deeply for a feed") from error


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
    ranks: dict[str, int] = {}
    own = item.tag.rpartition("}")[0]
    for child in item:
        name, value, rank = _name(child), _value(child), _rank(child, own)
        if not value or rank > ranks.get(name, rank):
            cells.setdefault(name, "")
        elif rank == ranks.get(name):
            cells[name] = f"{cells[name]}, {value}"
        else:
            cells[name], ranks[name] = value, rank
    return cells


def _rank(child: ET.Element, own: str) -> int:
    """Google's names before the feed's *own*, and those before what other vocabularies call so."""
    if child.tag.startswith(_GOOGLE):
        return 0
    return 1 if child.tag.rpartition("}")[0] == own else 2


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: ET.Element) -> str:
    if _is_marked_up(element):
        return _without_markup(element)
    if len(element):
        return json.dumps(_cells(element), ensure_ascii=False)
    return (element.text or element.get("href") or "").strip()


def _is_marked_up(element: ET.Element) -> bool:
    """True for text with elements in it, rather than elements that have names of their own."""
    texts = [element.text, *(child.tail for child in element)]
    return len(element) > 0 and (
        any(text and text.strip() for text in texts) or all(_name(child) in _MARKUP for child in element)
    )


def _without_markup(element: ET.Element) -> str:
    for inner in element.iter():
        if _name(inner) not in _INLINE:  # a paragraph, a line: words do not grow together over its ends
            inner.text, inner.tail = f" {inner.text or ''} ", f" {inner.tail or ''}"
    return " ".join("".join(element.itertext()).split())
