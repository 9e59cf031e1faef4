"""What can go wrong with an output: it is no image, or it cannot be stored."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pathlib import Path

_NO_ROOM = frozenset((errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)))


class BadOutput(PipelineError):
    """What arrived is no usable image.  The download may be repeated, never the payment."""

    def __init__(self, reason: str, body_start: str) -> None:
        super().__init__(f"the provider's output is unusable: {reason}")
        self.reason = reason
        """A clause for people: "it is an HTML page"."""
        self.body_start = body_start
        """The first bytes of what arrived, as printable text."""


class StorageError(PipelineError):
    """The result folder does not take or show an output; nothing stands half-written under a final name."""


class StorageFull(StorageError):
    """The disk, or the user's share of it, is full."""


def storage_error(error: OSError, place: Path) -> StorageError:
    """Translate what the operating system said about *place*."""
    if error.errno in _NO_ROOM:
        return StorageFull(
            f"no space left for outputs in {place}",
            hint="free some space, then run `resume`: what was paid for is fetched again without being paid again",
        )
    return StorageError(
        f"cannot write outputs in {place}: {error.strerror or error}",
        hint="make the folder writable, then run `resume`: what was paid for is fetched again without being paid again",
    )
