"""What the gate and a handler tell each other about the request that is being answered."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Exchange:
    """One request in the making."""

    request_id: str | None = None
    """Set by the handler: the job that it made or was asked for."""
    doomed: str = ""
    """Set by the gate when a fault lets the job fail: the error text."""


current: ContextVar[Exchange] = ContextVar("exchange")
"""Each request is answered in a context of its own."""
