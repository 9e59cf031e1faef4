"""What memory the C library of this process gives back to the system.

For the commands alone: a program that imports `pipeline` decides that for itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's ``mallopt``, as <malloc.h> numbers them."""
KEPT_BYTES = 64 << 20
LARGE_BYTES = 16 << 20
"""A decoded megapixel takes 4 MB; glibc would take each such block from the system anew and give it back at once,
and every page of it costs a fault: a WebP of that size took 10.7 ms instead of 4.3."""


def keep_blocks() -> None:
    """Let blocks for images be used again, up to KEPT_BYTES of them; other C libraries keep their own ways."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(TRIM_THRESHOLD, KEPT_BYTES)
