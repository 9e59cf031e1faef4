"""Bytes to text without guessing: UTF-8, or UTF-16/32 by byte-order mark, or what the user names.

Statistical guessing is unsafe here: on real exports it called UTF-8 with stray cp1252 bytes "iso8859_2", and a
guessed letter goes into a paid prompt.  So what is not valid is refused, with its byte offset.

Knows nothing about rows.
"""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from pipeline.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.manifest.origin import Origin

BLOCK_BYTES = 1 << 16
ERROR_HANDLERS = ("strict", "replace")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
"""Byte-order marks, the codec that takes each off, and the one that it stands for."""
_NEED_MARK = frozenset({"utf-16", "utf-32"})


@dataclass(frozen=True, slots=True)
class Encoding:
    """How bytes become text, and why so."""

    codec: str
    errors: str
    reason: str

    def open(self, binary: BinaryIO) -> io.TextIOWrapper:
        """Text of *binary* with its line ends untouched."""
        return io.TextIOWrapper(binary, encoding=self.codec, errors=self.errors, newline="")


def decide(origin: Origin, encoding: str | None, errors: str) -> Encoding:
    """Settle the encoding by the user's word, else by the byte-order mark, else strict UTF-8."""
    if errors not in ERROR_HANDLERS:
        raise ManifestError(f"--encoding-errors {errors}: unknown", hint=f"use one of {', '.join(ERROR_HANDLERS)}")
    head = origin.head(4)
    marked, meant = next((found for mark, *found in _MARKS if head.startswith(mark)), (None, None))
    if encoding is None:
        reason = f"{marked} by its byte-order mark" if marked else "utf-8"
        return Encoding(marked or "utf-8", errors, reason)
    codec = _known(encoding)
    if marked is None and codec in _NEED_MARK:
        raise ManifestError(
            f"{origin.name}: does not begin with a byte-order mark, so {codec} does not say which byte comes first",
            hint=f"add --encoding {codec}-le, or {codec}-be",
        )
    if marked is not None and codec not in {marked, meant}:  # no accident: every accent in it would be paid for wrong
        raise ManifestError(
            f"{origin.name}: begins with the byte-order mark of {meant}, but --encoding says {codec}",
            hint="leave --encoding out; should single bytes be no text then, add --encoding-errors replace",
        )
    if codec == "utf-8" and marked == "utf-8-sig":
        codec = "utf-8-sig"
    return Encoding(codec, errors, f"{codec} as asked")


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # refuses codecs that are not text encodings, such as base64
    except (LookupError, UnicodeError) as error:
        raise ManifestError(
            f"--encoding {encoding}: no such encoding", hint="for example utf-8, cp1252, iso-8859-15, utf-16-le"
        ) from error
    return name


def remedy(codec: str) -> str:
    """What to do about bytes that are no text in *codec*."""
    replaced = "--encoding-errors replace reads it with \N{REPLACEMENT CHARACTER} in place of such bytes"
    if codec == "utf-8":
        return f"if the file comes from an old Windows program, add --encoding cp1252; {replaced}"
    return f"the file is damaged or cut short, or in another encoding: fetch it again, or save it as UTF-8; {replaced}"


@dataclass(frozen=True, slots=True)
class Undecodable:
    """The first byte that is not text in the expected encoding."""

    offset: int
    value: int


def first_undecodable(origin: Origin, codec: str) -> Undecodable:
    """Byte offset (in the decompressed file) at which decoding with *codec* fails; call only when it does."""
    plain = "utf-8" if codec == "utf-8-sig" else codec  # the -sig decoder counts from behind the mark
    decoder = codecs.getincrementaldecoder(plain)("strict")
    with origin.open() as file:
        start = 0
        while True:
            block = file.read(BLOCK_BYTES)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return Undecodable(start - held + error.start, error.object[error.start])
            if not block:  # every byte decodes now: the file was mended between the two looks
                return Undecodable(start, 0)
            start += len(block)


def lines_before(origin: Origin, codec: str, offset: int) -> Iterator[str]:
    """The text lines that begin before byte *offset*, the last one cut there."""
    with origin.open() as file:
        kept = _Capped(file, offset)
        with io.TextIOWrapper(io.BufferedReader(kept), encoding=codec, errors="replace", newline="") as text:
            yield from text


class _Capped(io.RawIOBase):
    """A file that ends after *size* bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        block = self._file.read(min(len(buffer), self._left))
        buffer[: len(block)] = block
        self._left -= len(block)
        return len(block)
