"""stdin, stdout and stderr as a command may rely on them: open, able to show any text, deaf to a reader that left.

Knows nothing of what is printed.  Call `steady` before anything else opens a file.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

UNSHOWN = "photobatch.unshown"
"""How text is encoded that the encoding of a stream does not have."""
STDERR = 2
STAND_INS = {
    **dict.fromkeys("━█▇", "#"),
    **dict.fromkeys("─", "-"),
    **dict(zip("▁▂▃▄▅▆", "._-=+*", strict=True)),
    "…": "...",
}
"""For what we draw ourselves; anything else is escaped as JSON does it."""


def steady() -> None:
    """Make the standard streams of this process safe to use, whatever it was started with."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        _open_missing(number, name)
    codecs.register_error(UNSHOWN, _unshown)
    sys.stdout = _patient(sys.stdout)
    sys.stderr = _patient(sys.stderr)


def _open_missing(number: int, name: str) -> None:
    """Open the null device for a descriptor that is closed: else the next file or socket would get its number."""
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, number)  # a child may inherit it
        if null != number:
            os.close(null)
    if getattr(sys, name) is None:
        mode = "r" if name == "stdin" else "w"
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  # lives as long as we do


def _patient(stream: TextIO) -> TextIO:
    """*stream* that takes any text; when it is no terminal, also after its reader has gone."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # somebody captures what we say
    stream.reconfigure(errors=UNSHOWN)
    try:
        number = stream.fileno()
    except io.UnsupportedOperation:
        return stream
    if stream.isatty():
        return stream
    stream.flush()
    raw = _Pipe(number, "w", closefd=False)
    return io.TextIOWrapper(
        raw if stream.write_through else io.BufferedWriter(raw),  # type: ignore[type-var]  # as `python -u` does
        encoding=stream.encoding,
        errors=UNSHOWN,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class Unwritable(OSError):
    """What is behind a standard stream takes nothing more: a full disk, for instance."""


class _Pipe(io.FileIO):
    """Goes on into nowhere when nobody reads any more, as in `… | head -1`: a run under way must not end by that."""

    def write(self, data: bytes) -> int:  # type: ignore[override]  # any buffer
        """Write *data* to whoever still reads."""
        try:
            return super().write(data)
        except BrokenPipeError:
            pass
        except OSError as error:
            name = "standard error" if self.fileno() == STDERR else "standard output"
            raise Unwritable(f"{name} cannot be written: {error.strerror or error}") from error
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)
        return super().write(data)


def _unshown(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for a character that the encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00]), error.start + 1  # a byte of a file's name, as Python keeps them
    return STAND_INS.get(char) or _escaped(char), error.start + 1


def _escaped(char: str) -> str:
    pairs = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pairs[at : at + 4]}" for at in range(0, len(pairs), 4))
