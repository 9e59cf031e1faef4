"""The way back: a shop's own import file with the new image URLs.

Where the manifest is that platform's export, it is written again with its image cells replaced and every other cell
byte for byte as it was.  Otherwise a minimal import file of the platform is made, or, with ``csv``, the manifest plus
one column ``photobatch_image``.

| to | made anew with the columns | imported with |
|---|---|---|
| shopify | Handle, Title, Image Src, Image Position | Products > Import, "Overwrite products with matching handles" |
| woocommerce | SKU, Name, Images | Products > Import, "Update existing products" |
| merchant | id, title, image_link, additional_image_link | a supplemental feed (tabs when the file is .tsv or .txt) |
| csv | all of the manifest, photobatch_image | anything |

Knows nothing about the ledger: what came out for a key is asked of the caller.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Any

from pipeline.destination import complete, named_by_user
from pipeline.errors import InputError, ManifestError
from pipeline.manifest import columns as names
from pipeline.manifest.delimited import DelimitedReader
from pipeline.manifest.folder import FolderReader
from pipeline.manifest.keys import choose_key
from pipeline.manifest.products import ProductReader
from pipeline.manifest.replacing import append_column, replace_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.manifest.opening import Manifest
    from pipeline.task import Row

TARGETS = ("shopify", "woocommerce", "merchant", "csv")
NEW_COLUMN = "photobatch_image"
MARK_CHARACTERS = 10
"""So many that ten thousand names without a letter still get different handles."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export has written."""

    path: Path
    in_place: bool
    """True when the original file was kept and only image cells were replaced, or one column appended."""
    with_new_image: int
    """Rows of the manifest (product images) whose new image went in."""
    without: int
    """Rows that have no output: their images stay as they were, or are left out of a file made anew."""
    changed: int = 0
    """Rows with an output of another image than they name now: it was not used."""
    marked: int = 0
    """Products whose handle had to be told apart from that of another one."""


@dataclass(slots=True)
class Ledgered:
    """The outputs by manifest row, counted."""

    outputs: Callable[[str, Row], Sequence[str]]
    key_of: Callable[[Row], str]
    with_new_image: int = 0
    without: int = 0

    def __call__(self, row: Row) -> Sequence[str]:
        """New image URLs of one manifest row."""
        found = self.outputs(self.key_of(row), row)
        if found:
            self.with_new_image += 1
        else:
            self.without += 1
        return found


def export(
    manifest: Manifest,
    outputs: Callable[[str, Row], Sequence[str]],
    *,
    to: str,
    destination: Path,
    key_of: Callable[[Row], str] | None = None,
) -> Exported:
    """Write *destination*, the import file of platform *to*, with the URLs that *outputs* gives for each key and row.

    *key_of* says how the run named a row of *manifest*; by default as ``choose_key`` does.  The file appears when it
    is complete; an older one is replaced, the manifest itself never.
    """
    if to not in TARGETS:
        raise InputError(f"--to {to}: unknown", hint=f"known are {', '.join(TARGETS)}")
    _refuse_overwriting(manifest, destination)
    new = Ledgered(outputs, key_of or _default_key(manifest))
    in_place = _in_place(manifest, to)
    marked = 0
    with _complete_or_absent(destination) as file:
        if in_place:
            _edit(manifest, to, new, file)
        elif to == "csv":
            _whole(manifest, new, file)
        else:
            marked = _minimal(manifest, to, new, file, destination)
    return Exported(destination, in_place, new.with_new_image, new.without, marked=marked)


def _refuse_overwriting(manifest: Manifest, destination: Path) -> None:
    source = manifest.reader.source if isinstance(manifest.reader, ProductReader) else manifest.reader
    origin = getattr(source, "origin", None)
    if origin is not None and destination.exists() and destination.samefile(origin.path):
        raise InputError(f"{destination}: is the manifest itself", hint="choose another file with -o")


def _default_key(manifest: Manifest) -> Callable[[Row], str]:
    if isinstance(manifest.reader, ProductReader | FolderReader):
        return lambda row: row.cells[0]
    index = choose_key(manifest).index
    return lambda row: row.cells[index]


def _in_place(manifest: Manifest, to: str) -> bool:
    reader = manifest.reader
    if to == "csv":
        return isinstance(_source(reader), DelimitedReader)
    return (
        isinstance(reader, ProductReader) and reader.platform.name == to and isinstance(reader.source, DelimitedReader)
    )


def _source(reader: object) -> object:
    return reader.source if isinstance(reader, ProductReader) else reader


@contextmanager
def _complete_or_absent(destination: Path) -> Iterator[IO[bytes]]:
    with named_by_user(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        with complete(destination) as aside, aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


def _edit(manifest: Manifest, to: str, new: Ledgered, file: IO[bytes]) -> None:
    source = _source(manifest.reader)
    assert isinstance(source, DelimitedReader)  # _in_place saw to it
    if to == "csv":
        append_column(manifest.reader, source, new, NEW_COLUMN, file)
    else:
        assert isinstance(manifest.reader, ProductReader)
        replace_images(manifest.reader, source, new, file)


def _whole(manifest: Manifest, new: Ledgered, file: IO[bytes]) -> None:
    lines = _lines(file, ",")
    lines(names.distinct([*manifest.columns, NEW_COLUMN]))
    for row in manifest.rows():
        lines([*row.cells, ", ".join(new(row))])


def _minimal(manifest: Manifest, to: str, new: Ledgered, file: IO[bytes], destination: Path) -> int:
    """Write the products that have new images; returns for how many of them a handle had to be marked."""
    lines = _lines(file, "\t" if to == "merchant" and destination.suffix in {".tsv", ".txt"} else ",")
    lines(_HEADERS[to])
    products = _new_images(manifest, new)
    handles = _handles(products) if to == "shopify" else {}
    for name, (title, urls) in products.items():
        for record in _RECORDS[to](handles.get(name, name), title, urls) if urls else ():
            lines(record)
    return sum(handle != _handle(name) for name, handle in handles.items() if products[name][1])


def _lines(file: IO[bytes], delimiter: str) -> Callable[[Sequence[str]], Any]:
    class _Utf8:
        @staticmethod
        def write(text: str) -> None:
            file.write(text.encode())

    return csv.writer(_Utf8(), delimiter=delimiter).writerow


def _new_images(manifest: Manifest, new: Ledgered) -> dict[str, tuple[str, list[str]]]:
    """Title and new image URLs of every product; held in memory, a product's rows may come in several places."""
    found: dict[str, tuple[str, list[str]]] = {}
    for name, title, row in _named_rows(manifest, new):
        urls = [url.replace(",", "%2C") for url in new(row)]
        found.setdefault(name, (title, []))[1].extend(urls)
    if not new.with_new_image:
        raise ManifestError(f"{manifest.name}: no row has an output yet", hint="`photobatch run` makes what is missing")
    return found


def _named_rows(manifest: Manifest, new: Ledgered) -> Iterator[tuple[str, str, Row]]:
    reader = manifest.reader
    if isinstance(reader, ProductReader):
        for product in reader.products():
            for picture in product.pictures:
                yield product.name, product.title, reader.row(product, picture)
        return
    title = next((i for c in ("title", "name") if (i := names.find(manifest.columns, c)) is not None), None)
    for row in manifest.rows():
        key = new.key_of(row)
        yield key, row.cells[title] if title is not None else key, row


def _handle(name: str) -> str:
    """*name* as Shopify writes it in addresses; empty when nothing of it can stand there."""
    return re.sub(r"[^\w]+", "-", name.lower()).strip("-")


def _handles(names: Iterable[str]) -> dict[str, str]:
    """A handle of its own for each name: an import makes one product of rows that share one.

    A mark depends on nothing but its name, so the next export has the same, however the rows are sorted.
    """
    plain = {name: _handle(name) for name in names}
    shared = Counter(plain.values())
    return {
        name: handle if handle and (handle == name or shared[handle] == 1) else _marked(name, handle)
        for name, handle in plain.items()
    }


def _marked(name: str, handle: str) -> str:
    mark = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:MARK_CHARACTERS]
    return f"{handle or 'product'}-{mark}"


def _shopify(handle: str, title: str, urls: Sequence[str]) -> Iterator[list[str]]:
    for n, url in enumerate(urls, start=1):
        yield [handle, title if n == 1 else "", url, str(n)]


def _woocommerce(name: str, title: str, urls: Sequence[str]) -> Iterator[list[str]]:
    yield [name, title, ", ".join(urls)]


def _merchant(name: str, title: str, urls: Sequence[str]) -> Iterator[list[str]]:
    yield [name, title, urls[0], ",".join(urls[1:11])]  # Google takes ten further images


_HEADERS = {
    "shopify": ("Handle", "Title", "Image Src", "Image Position"),
    "woocommerce": ("SKU", "Name", "Images"),
    "merchant": ("id", "title", "image_link", "additional_image_link"),
}
_RECORDS = {"shopify": _shopify, "woocommerce": _woocommerce, "merchant": _merchant}
