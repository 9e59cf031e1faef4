"""How a job and its pictures cross the pipe between the sandbox and a worker: a length, then a pickle."""

from __future__ import annotations

import pickle
import struct

HEADER = struct.Struct(">Q")
"""Length of the pickle that follows, in bytes."""


def framed(value: object) -> bytes:
    """*value* as it crosses the pipe."""
    body = pickle.dumps(value)
    return HEADER.pack(len(body)) + body
