"""Put bytes under a final name durably and without ever overwriting a file.

The order is the design: write aside, sync the file, give it its final name only if that is free, sync the folder.
After a crash at any point a final name holds a whole file or does not exist.  Paths are plain strings: with
`pathlib` a small file cost a quarter more.  Knows nothing of images, keys or steps.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_NO_HARD_LINKS = frozenset((errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS))


def write_aside(data: bytes, folder: str, *, sync: bool) -> str:
    """Write *data* to a new file of *folder* and return its path; leaves no file behind when it fails."""
    aside = f"{folder}{os.sep}{secrets.token_hex(8)}.part"
    handle = os.open(aside, _NEW_FILE, 0o666)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        remove(aside)
        raise
    return aside


def remove(path: str) -> None:
    """Remove the file *path*, if that is possible."""
    with suppress(OSError):
        os.unlink(path)


def content(path: str) -> bytes:
    """What the file *path* holds."""
    with open(path, "rb") as file:
        return file.read()


def rename_if_free(source: str, target: str) -> None:
    """Rename *source* to *target*; FileExistsError when there is such a file, which then stays as it is."""
    if os.name == "nt":
        os.rename(source, target)  # refuses by itself
        return
    try:
        os.link(source, target)  # refuses by itself, where a POSIX rename would overwrite
    except OSError as error:
        if error.errno == errno.EXDEV:  # the user put images/ or superseded/ on a disk of its own
            rename_if_free(write_aside(content(source), os.path.dirname(target), sync=True), target)
            os.unlink(source)
            return
        if error.errno not in _NO_HARD_LINKS:
            raise
        # FAT and some network mounts have no hard links; the folder is locked, so nobody else comes in between.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "file exists", target) from error
        os.rename(source, target)
    else:
        os.unlink(source)


def make_folder(folder: str, *, sync: bool) -> bool:
    """Create *folder* durably, with its parents; False when it was there."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
        return False
    except FileNotFoundError:
        make_folder(os.path.dirname(folder), sync=sync)
        return make_folder(folder, sync=sync)
    if sync:
        sync_folder(os.path.dirname(folder) or os.curdir)
    return True


def sync_folder(folder: str) -> None:
    """Make the names in *folder* survive a power cut.  Windows offers no such call, and keeps names in its journal."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
