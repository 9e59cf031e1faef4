"""Parquet files, streamed row group by row group in flat memory.

Owns the way from Arrow types to text.  Columns of raw bytes (embedded images) are not read at all.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import ManifestError
from pipeline.manifest import columns as names
from pipeline.manifest import keycells
from pipeline.manifest.origin import GZIP_MAGIC
from pipeline.manifest.values import as_text, short_float_texts
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pipeline.manifest.notices import Notices
    from pipeline.manifest.origin import Origin

# Without this buffer, and with threads, memory grows with the number of row groups (511 instead of 203 MB at 10M rows).
_BUFFER_BYTES = 1 << 20
_UNREADABLE = (ValueError, OverflowError, LookupError, NotImplementedError)
"""What Python and Arrow raise for bytes that are no text, dates beyond the year 9999, zones that nobody knows."""


@dataclass(frozen=True)
class ParquetReader:
    """A Parquet file whose schema has been read."""

    origin: Origin
    columns: tuple[str, ...]
    bytes_columns: frozenset[int]
    notices: Notices

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows in file order, at most *size* at a time."""
        number = 0
        guarded = keycells.guarded(self.columns)
        with _opened(self.origin) as file:
            wanted = [n for i, n in enumerate(file.schema_arrow.names) if i not in self.bytes_columns]
            for batch in _reading(self.origin, file, size, wanted):
                texts = self._texts(batch, number)
                rows = [Row(n, cells) for n, cells in enumerate(zip(*texts, strict=True), start=number + 1)]
                number += len(rows)
                yield keycells.restored(rows, guarded, self.columns, self.notices)

    def _texts(self, batch: pa.RecordBatch, before: int) -> list[list[str]]:
        read = iter(batch.columns)
        return [
            [""] * batch.num_rows if i in self.bytes_columns else self._text(i, next(read), before)
            for i in range(len(self.columns))
        ]

    def _text(self, index: int, column: pa.Array, before: int) -> list[str]:
        try:
            return _texts(column)
        except _UNREADABLE as error:
            row = before + 1 + next(n for n in range(len(column)) if not _is_readable(column.slice(n, 1)))
            no_text = isinstance(error, UnicodeDecodeError)  # the column began with text
            what = "bytes that are no text" if no_text else f"a value that has no text ({error})"
            raise ManifestError(
                f'{self.origin.name}: row {row}: column "{self.columns[index]}" holds {what}',
                hint="write the file without this column, or with its text in UTF-8",
            ) from error


def open_parquet(origin: Origin, notices: Notices) -> ParquetReader:
    """Read the schema of *origin*."""
    with _opened(origin) as file:
        schema = file.schema_arrow
        if len(set(schema.names)) < len(schema.names):
            raise ManifestError(
                f"{origin.name}: two columns have the same name", hint="rename one of them and write the file again"
            )
        columns = names.clean(schema.names)
        skipped = frozenset(
            i for i, f in enumerate(schema) if _holds_bytes(f.type) and not _is_text(origin, file, f.name)
        )
        notices.note(f"Parquet, {file.metadata.num_rows:,} rows, {len(columns)} columns")
    for i in sorted(skipped):
        notices.warn(f'{origin.name}: column "{columns[i]}" holds bytes, not text; it is read as empty')
    return ParquetReader(origin, columns, skipped, notices)


@contextmanager
def _opened(origin: Origin) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with origin.whole() as raw:
            if raw.read(2) == GZIP_MAGIC:
                raise ManifestError(
                    f"{origin.name}: is a gzip-compressed Parquet file", hint="unpack it with gunzip first"
                )
            with pq.ParquetFile(origin.path, buffer_size=_BUFFER_BYTES) as file:
                yield file
    except (pa.ArrowException, OSError) as error:
        raise _damaged(origin, error) from error


def _reading(origin: Origin, file: Any, size: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    try:
        yield from file.iter_batches(batch_size=size, columns=columns, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(origin, error) from error


def _damaged(origin: Origin, error: Exception) -> ManifestError:
    return ManifestError(
        f"{origin.name}: is a damaged Parquet file ({str(error).splitlines()[0]})",
        hint="it may be cut short: fetch or write it again",
    )


def _holds_bytes(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    if t.is_dictionary(kind):
        return _holds_bytes(kind.value_type)
    if t.is_struct(kind):
        return any(_holds_bytes(kind.field(i).type) for i in range(kind.num_fields))
    if t.is_map(kind):
        return _holds_bytes(kind.key_type) or _holds_bytes(kind.item_type)
    if t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind):
        return _holds_bytes(kind.value_type)
    plain = t.is_binary(kind) or t.is_large_binary(kind) or t.is_fixed_size_binary(kind)
    return bool(plain or t.is_binary_view(kind))


def _is_text(origin: Origin, file: Any, column: str) -> bool:
    """True when a bytes column holds UTF-8: some writers never mark their strings as text."""
    first = next(_reading(origin, file, 100, [column]), None)
    return first is not None and _is_readable(first.column(0)) and "\0" not in "".join(_texts(first.column(0)))


def _is_readable(column: pa.Array) -> bool:
    try:
        _texts(column)
    except _UNREADABLE:
        return False
    return True


def _texts(column: pa.Array) -> list[str]:
    import pyarrow as pa
    import pyarrow.types as t

    kind = column.type
    if t.is_dictionary(kind):
        return _texts(column.dictionary_decode())
    if t.is_null(kind):
        return [""] * len(column)
    if t.is_integer(kind) or t.is_boolean(kind):
        return _texts(column.cast(pa.string()))
    if t.is_string(kind) or t.is_large_string(kind):
        return list(column.fill_null("").to_pylist())
    if t.is_float32(kind) or t.is_float16(kind):
        return short_float_texts(column.to_numpy(zero_copy_only=False))
    if t.is_timestamp(kind):  # Python's datetime ends at microseconds
        column = column.cast(pa.timestamp("us" if kind.unit == "ns" else kind.unit, _zone(kind)), safe=False)
    return [as_text(dict(v) if t.is_map(kind) and v is not None else v) for v in _values(column)]


def _zone(kind: pa.DataType) -> str | None:
    """UTC for an offset: Arrow takes that from the first row.  The name of a place stays, if it is one."""
    import pyarrow as pa

    if kind.tz is None:
        return None
    if kind.tz[0] in "+-":
        return "UTC"
    try:
        pa.lib.string_to_tzinfo(kind.tz)
    except _UNREADABLE:
        return "UTC"
    return str(kind.tz)


def _values(column: pa.Array) -> list[Any]:
    """Python's values; in place of those that it has none for, such as the year 10000, Arrow's text."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        raise
    except _UNREADABLE:
        return [_value(each) for each in column]


def _value(each: pa.Scalar) -> Any:
    """One of `_values`; a time with the T of ISO 8601."""
    import pyarrow as pa

    try:
        return each.as_py()
    except _UNREADABLE:
        return each.cast(pa.string()).as_py().replace(" ", "T", 1)
