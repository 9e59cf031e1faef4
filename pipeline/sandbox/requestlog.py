"""Remember every request that was received, for `GET /sandbox/requests`.  Knows nothing of HTTP."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

DROPPED = 0
"""Status of a request whose connection was closed without an answer."""
KEPT = 100_000
"""Older entries are dropped; the counts stay."""


@dataclass(slots=True)
class Entry:
    """One request."""

    at: float
    """Unix time of its arrival."""
    method: str
    path: str
    kind: str
    key_sent: bool
    """Whether the client sent its key: it must not on outputs or after a redirect."""
    status: int | None = None
    """None: not answered yet, or the client left; DROPPED: the connection was closed."""
    fault: str | None = None
    request_id: str | None = None


class RequestLog:
    """The latest requests in the order of arrival, and counts of all."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self.counts: Counter[str] = Counter()

    def open(self, entry: Entry) -> Entry:
        """Note an arrival."""
        self.entries.append(entry)
        self.counts[entry.kind] += 1
        return entry

    def as_json(self) -> list[dict[str, Any]]:
        """Every entry that is kept."""
        return [asdict(entry) for entry in self.entries]
