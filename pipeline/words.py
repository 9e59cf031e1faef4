"""Words for messages."""

from __future__ import annotations


def many(count: int, noun: str) -> str:
    """``1 row``, ``2 rows``, ``40,000 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
