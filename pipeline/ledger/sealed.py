"""Reading a ledger where nothing may be written: on a disk that is mounted read-only, in somebody else's folder.

SQLite shares a write-ahead log through a third file, ``-shm``, which it has to make first.  Where it is missing and
cannot be made, nobody has the ledger open: the main file may be read as one that does not change.  Only what a killed
run left in the log takes a copy of both.  Knows files, never tables.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from pipeline.errors import FolderError

if TYPE_CHECKING:
    from pathlib import PurePath


def connect(path: Path, *, writable: bool | None = None) -> sqlite3.Connection:
    """Open the database at *path* to read it; raises FolderError when its log cannot be read, and sqlite3.Error.

    ``writable``: whether files can be made beside it; None: ask.
    """
    writable = os.access(path.parent, os.W_OK) if writable is None else writable
    log, shared = (path.with_name(f"{path.name}-{part}") for part in ("wal", "shm"))
    if writable or shared.exists() or not path.exists():
        return _open(f"{address(path.absolute())}?mode=ro")
    if not (log.exists() and log.stat().st_size):
        return _open(f"{address(path.absolute())}?mode=ro&immutable=1")
    try:
        return _copied(path, log)
    except OSError as error:
        raise FolderError(
            f"{path.parent} is read-only, and a run was cut off in it: {log.name} cannot be copied to look into it:"
            f" {error.strerror or error}",
            hint="make the folder writable, or the file readable and some room for temporary files",
        ) from error


def address(path: PurePath) -> str:
    """*path*, which is absolute, as SQLite takes it: without a host, as which `as_uri` names the server of a share."""
    place = path.as_posix()
    return f"file://{'' if place.startswith('/') else '/'}{quote_from_bytes(os.fsencode(place), safe='/:')}"


def _copied(path: Path, log: Path) -> sqlite3.Connection:
    """A temporary database, gone when it is closed, with all that *path* and its *log* hold."""
    with tempfile.TemporaryDirectory(prefix="photobatch-look-") as name:
        copy = Path(name) / path.name
        for source in (path, log):
            shutil.copyfile(source, copy.with_name(source.name))
        with contextlib.closing(sqlite3.connect(copy)) as whole:
            whole.execute("PRAGMA journal_mode = DELETE")  # the mode is copied as well, and no temporary one has a log
            db = _open("")
            whole.backup(db)
    return db


def _open(place: str) -> sqlite3.Connection:
    return sqlite3.connect(place, uri=bool(place), isolation_level=None)
