"""Which format a file has, by its content first and its name second.

An extension lies often enough (a Parquet file named ``.csv``, a login page saved as ``export.csv``); the first bytes
do not.  Owns the refusals of what is no manifest.  Reads nothing but the head.
"""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError

if TYPE_CHECKING:
    from pipeline.manifest.origin import Origin

HEAD_BYTES = 1 << 16


class Format(StrEnum):
    """What can be read."""

    DELIMITED = "delimited text"
    PARQUET = "Parquet"
    JSON_LINES = "JSON lines"
    JSON_ARRAY = "JSON array"
    FEED = "XML feed"


_SAVE_AS_CSV = "open it in the program that made it and save it as CSV (UTF-8)"
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "an Excel, OpenDocument or zip file", f"{_SAVE_AS_CSV}; unpack a zip first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)", _SAVE_AS_CSV),
    (b"%PDF", "a PDF", "ask for the catalogue as CSV"),
    (b"\xff\xd8\xff", "a JPEG image", "give the folder it lies in: every image in a folder is a row"),
    (b"\x89PNG", "a PNG image", "give the folder it lies in: every image in a folder is a row"),
    (b"ARROW1", "an Arrow or Feather file", "save it as Parquet: df.to_parquet('catalog.parquet')"),
    (b"BZh", "compressed with bzip2", "unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it, or pack it with gzip"),
    (b"SQLite format 3", "a SQLite database", "export the table as CSV"),
)
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")
_STRAY_BYTES = 3
_BINARY_SHARE = 0.05
_WIDE_SHARE = 0.2


def recognise(origin: Origin, encoding: str | None) -> Format:
    """Name the format of *origin*; ManifestError when it is empty or no manifest at all."""
    head = origin.head(HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    for magic, what, remedy in _REFUSED:
        if head.startswith(magic):
            raise ManifestError(f"{origin.name}: is {what}, not a manifest", hint=remedy)
    if not head.lstrip(codecs.BOM_UTF8).strip(b" \t\r\n\0"):
        raise ManifestError(f"{origin.name}: is empty", hint="the first line must name the columns")
    if encoding is None and not head.startswith(_WIDE_MARKS):
        _refuse_binary(origin, head)
    return _by_first_sign(origin, _sample(head))


def _sample(head: bytes) -> str:
    codec = "utf-16" if head.startswith(_WIDE_MARKS) else "utf-8-sig"
    return head.decode(codec, errors="replace").replace("\0", "").lstrip()


def _by_first_sign(origin: Origin, start: str) -> Format:
    if start.startswith("<"):
        return _markup(origin, start)
    if start.startswith("{"):
        return Format.JSON_LINES
    if re.match(r"\[\s*([{\]]|$)", start):
        return Format.JSON_ARRAY
    return Format.DELIMITED


def _markup(origin: Origin, start: str) -> Format:
    if re.search(r"<!doctype html|<html|<head|<body", start[:2000], re.IGNORECASE):
        raise ManifestError(
            f"{origin.name}: is a web page (HTML), perhaps a login page saved under that name",
            hint="log in, download the export again, and look at the file before using it",
        )
    return Format.FEED


def _refuse_binary(origin: Origin, head: bytes) -> None:
    start = head[:4096]
    if start.count(0) > _WIDE_SHARE * len(start) and len(start) >= 4:  # noqa: PLR2004  # two characters at least
        order = "le" if start[1::2].count(0) >= start[0::2].count(0) else "be"
        raise ManifestError(
            f"{origin.name}: looks like UTF-16 without a byte-order mark, or is a binary file",
            hint=f"if it is text, add --encoding utf-16-{order}",
        )
    if len(_CONTROL.findall(start)) > max(_STRAY_BYTES, _BINARY_SHARE * len(start)):
        raise ManifestError(
            f"{origin.name}: is a binary file of an unknown kind, not a manifest",
            hint="a manifest is CSV, TSV, Parquet, JSON lines or a Google Merchant feed",
        )
