"""Words for messages."""

from __future__ import annotations


def reason(error: Exception) -> str:
    """Why a file could not be read or written, without the number that the system gives it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def many(count: int, noun: str) -> str:
    """``1 row``, ``2 rows``, ``40,000 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
