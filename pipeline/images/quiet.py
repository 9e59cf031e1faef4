"""Keep Pillow's warnings about odd metadata from our terminal, in any number of threads.

``warnings.catch_warnings`` swaps a list that all threads share, so two threads that use it together can leave the
wrong filters behind.  Here the first one in sets the filter and the last one out takes it away.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.Lock()
_inside = 0
_filters = warnings.catch_warnings()


@contextmanager
def pillow_is_quiet() -> Iterator[None]:
    """Ignore warnings that come from Pillow's own modules while any thread is inside."""
    global _inside, _filters  # noqa: PLW0603  # one count per process is the point
    with _lock:
        _inside += 1
        if _inside == 1:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _filters.__exit__(None, None, None)
