"""JSON lines, and JSON arrays of a sane size: one object is one row.

Columns are all names that occur in any object, in order of appearance, so the file is read once before its rows
are.  Numbers keep the spelling they have in the file.  Knows nothing about what the names mean.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline.errors import ManifestError
from pipeline.manifest import columns as names
from pipeline.manifest import keycells, text
from pipeline.manifest.reader import named_by
from pipeline.manifest.values import Spelled, as_text
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.manifest.notices import Notices
    from pipeline.manifest.origin import Origin
    from pipeline.manifest.reader import Wishes
    from pipeline.manifest.text import Encoding

ARRAY_LIMIT_BYTES = 256 << 20


class _Ambiguous(dict[str, Any]):
    """An object in which a name stands twice, with two values."""

    name: str


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of *pairs*; of equal names the last counts, as everywhere, but two values for one are told."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    first = dict(reversed(pairs))
    doubtful = next((name for name, value in found.items() if value != first[name]), None)
    if doubtful is None:
        return found
    marked = _Ambiguous(found)
    marked.name = doubtful
    return marked


_decoded = json.JSONDecoder(object_pairs_hook=_object_of, parse_float=Spelled, parse_constant=lambda _word: None).decode
"""The value that a text of JSON stands for.  NaN and the infinities are no JSON: exporters write them for no value."""


@dataclass(frozen=True)
class JsonReader:
    """A JSON file whose names have been gathered."""

    origin: Origin
    encoding: Encoding
    array: bool
    names: tuple[str, ...]
    """The names as they stand in the objects; ``columns`` are the same, cleaned."""
    columns: tuple[str, ...]
    notices: Notices

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows in file order, at most *size* at a time."""
        objects = enumerate(_objects(self.origin, self.encoding, array=self.array), start=1)
        guarded = keycells.guarded(self.columns)
        while batch := [self._row(number, found) for number, found in islice(objects, size)]:
            yield keycells.restored(batch, guarded, self.columns, self.notices)

    def _row(self, number: int, found: dict[str, Any]) -> Row:
        get = found.get
        return Row(number, tuple([v if isinstance(v := get(name), str) else as_text(v) for name in self.names]))


def open_json(origin: Origin, wishes: Wishes, notices: Notices, *, array: bool) -> JsonReader:
    """Gather the names that occur in the objects of *origin*."""
    chosen = text.decide(origin, wishes.encoding, wishes.encoding_errors)
    found: dict[str, None] = {}
    count = 0
    for item in named_by(_objects(origin, chosen, array=array), wishes.limit):
        count += 1
        if not item.keys() <= found.keys():
            found.update(dict.fromkeys(item))
    kind = "JSON array" if array else "JSON lines"
    count = min(count, wishes.limit or count)
    notices.note(f"{kind}, encoding {chosen.reason}, {count:,} rows, {len(found)} columns")
    return JsonReader(origin, chosen, array, tuple(found), names.clean(found), notices)


def _objects(origin: Origin, encoding: Encoding, *, array: bool) -> Iterator[dict[str, Any]]:
    try:
        yield from _from_array(origin, encoding) if array else _from_lines(origin, encoding)
    except UnicodeDecodeError as error:
        bad = text.first_undecodable(origin, encoding.codec)
        raise ManifestError(
            f"{origin.name}: byte {bad.offset} (0x{bad.value:02x}) is not valid {encoding.codec}",
            hint=text.remedy(encoding.codec),
        ) from error


def _from_lines(origin: Origin, encoding: Encoding) -> Iterator[dict[str, Any]]:
    with origin.open() as binary, encoding.open(binary) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip("\ufeff \t\r\n"):
                yield _object(origin, line, f"line {number}")


def _object(origin: Origin, line: str, place: str) -> dict[str, Any]:
    try:
        found = _decoded(line)
    except (ValueError, RecursionError) as error:
        raise ManifestError(
            f"{origin.name}: {place} is not a whole JSON object ({error})",
            hint="each line must be one object; `jq -c . FILE` rewrites an indented file that way",
        ) from error
    return _as_object(origin, found, place)


def _from_array(origin: Origin, encoding: Encoding) -> Iterator[dict[str, Any]]:
    with origin.open() as binary, encoding.open(binary) as lines:
        body = lines.read(ARRAY_LIMIT_BYTES + 1)
    if len(body) > ARRAY_LIMIT_BYTES:
        raise ManifestError(
            f"{origin.name}: this JSON array is too large to be read at once",
            hint=f"make it JSON lines: jq -c '.[]' {origin.name} > catalog.jsonl",
        )
    try:
        items = _decoded(body.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ManifestError(
            f"{origin.name}: is not valid JSON ({error})", hint="it may be cut short: fetch it again"
        ) from error
    for number, item in enumerate(items, start=1):
        yield _as_object(origin, item, f"row {number}")


def _as_object(origin: Origin, found: Any, place: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ManifestError(
            f"{origin.name}: {place} is a JSON {type(found).__name__}, not an object",
            hint='each row must be an object such as {"sku": "A1", "image_url": "https://..."}',
        )
    if isinstance(found, _Ambiguous):
        raise ManifestError(
            f'{origin.name}: {place} has two values for "{found.name}"',
            hint="give one of them another name, or take it out",
        )
    return found
