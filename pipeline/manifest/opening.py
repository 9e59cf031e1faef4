"""From whatever the user names to a :class:`Manifest`: the way through origins, formats and platforms.

Owns the order of decisions.  Each decision itself lives in the module named after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.errors import ManifestError
from pipeline.manifest import columns as names
from pipeline.manifest import origin as origins
from pipeline.manifest.delimited import open_delimited
from pipeline.manifest.exports import Demands, as_export
from pipeline.manifest.feed import open_feed
from pipeline.manifest.folder import FolderReader, open_folder
from pipeline.manifest.formats import Format, recognise
from pipeline.manifest.frame import open_frame
from pipeline.manifest.jsonlines import open_json
from pipeline.manifest.notices import Notices
from pipeline.manifest.parquet import open_parquet
from pipeline.manifest.reader import Wishes
from pipeline.paths import local_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.manifest.origin import Origin
    from pipeline.manifest.reader import Reader
    from pipeline.task import Row

BATCH_ROWS = 1000


@dataclass(frozen=True)
class Manifest:
    """A description of a source of rows; nothing is held, so it can be read as often as asked.

    ``notes`` say what was recognised and why, ``warnings`` what is doubtful; both grow while rows are read.
    """

    name: str
    folder: Path | None
    """What relative image paths are relative to; None when the source has no folder."""
    reader: Reader
    notices: Notices
    limit: int | None = None
    """Only so many rows are read."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Distinct column names without padding, in the source's own spelling."""
        return self.reader.columns

    @property
    def notes(self) -> list[str]:
        """What was recognised, and why."""
        return self.notices.notes

    @property
    def warnings(self) -> list[str]:
        """What is doubtful."""
        return self.notices.warnings

    def batches(self, size: int = BATCH_ROWS) -> Iterator[list[Row]]:
        """Rows in order, at most *size* at a time, read in bounded memory."""
        left = self.limit
        if left is None:
            yield from self.reader.batches(size)
            return
        for batch in self.reader.batches(max(1, min(size, left))):
            yield batch[:left]
            left -= len(batch)
            if left <= 0:
                return

    def rows(self) -> Iterator[Row]:
        """Rows in order, one at a time."""
        for batch in self.batches():
            yield from batch

    def column(self, name: str) -> int:
        """Index of column *name*; ManifestError with the nearest name when there is none."""
        index = names.find(self.columns, name)
        if index is None:
            near = names.nearest(self.columns, name)
            raise ManifestError(
                f'{self.name}: has no column "{name}"',
                hint=f'did you mean "{near}"?' if near else f"its columns are {', '.join(self.columns)}",
            )
        return index


def open_manifest(
    source: Any,
    *,
    encoding: str | None = None,
    encoding_errors: str = "strict",
    delimiter: str | None = None,
    platform: str | None = None,
    images: str | Path | None = None,
    image_base_url: str | None = None,
    limit: int | None = None,
    open_remote: Callable[[str], BinaryIO] | None = None,
) -> Manifest:
    """Recognise *source* and read its header.

    *source* is a path, an address (read through *open_remote*), a folder of images, a pandas DataFrame, an open
    binary file, or ``-`` for standard input.  *images* is the separate sku-to-image file of Magento 2.
    Raises ManifestError, naming the file and the remedy, for everything that cannot be read.
    """
    notices = Notices()
    wishes = Wishes(encoding, encoding_errors, delimiter, limit)
    second = _table(images, Wishes(encoding, encoding_errors), Notices(), open_remote) if images is not None else None
    table = _table(source, wishes, notices, open_remote)
    demands = Demands(platform, image_base_url, second.reader if second else None)
    if not isinstance(table.reader, FolderReader):
        table = replace(table, reader=as_export(table.reader, demands, table.name, notices))
    return replace(table, limit=limit)


def _table(source: Any, wishes: Wishes, notices: Notices, open_remote: Callable[[str], BinaryIO] | None) -> Manifest:
    """*source* as it stands, before any platform is recognised."""
    if hasattr(source, "to_pandas"):  # a polars frame, an Arrow table
        source = source.to_pandas()
    if type(source).__name__ == "DataFrame":
        return Manifest("data frame", None, open_frame(source, notices), notices)
    origin = _origin(source, open_remote)
    if origin.path.is_dir():
        return Manifest(origin.name, origin.path, open_folder(origin.path, origin.name, notices), notices)
    return Manifest(origin.name, origin.folder, _reader(origin, wishes, notices), notices)


def _origin(source: Any, open_remote: Callable[[str], BinaryIO] | None) -> Origin:
    if hasattr(source, "read"):
        return origins.spooled(source, str(getattr(source, "name", "<file>")))
    if isinstance(source, str) and not source.strip():
        raise ManifestError(
            "the name of the manifest, or of its images file, is empty",
            hint="is a variable not set? The current folder is .",
        )
    if source == "-":
        return origins.stdin()
    if isinstance(source, str) and origins.is_remote(source):
        return origins.remote(source, open_remote)
    return origins.local(local_path(source), str(source))


def _reader(origin: Origin, wishes: Wishes, notices: Notices) -> Reader:
    match recognise(origin, wishes.encoding):
        case Format.PARQUET:
            return open_parquet(origin, notices)
        case Format.JSON_LINES:
            return open_json(origin, wishes, notices, array=False)
        case Format.JSON_ARRAY:
            return open_json(origin, wishes, notices, array=True)
        case Format.FEED:
            return open_feed(origin, wishes.limit, notices)
        case Format.DELIMITED:
            return open_delimited(origin, wishes, notices)
