"""What the rest of the pipeline sees of a provider: its methods, its time limits, its say in pacing.

Owns the shapes only; `queue`, `sync` and any stand-in fill them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.errors import CallError
    from pipeline.task import Accepted, Answer, Picture, Remembered


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each part of an exchange may take, in seconds, and how large an output may be."""

    connect_s: float = 10.0
    """Until a connection stands, TLS included."""
    answer_s: float = 60.0
    """Until a queue submit or a GET is answered in full."""
    blocking_s: float = 300.0
    """Until a blocking call is answered in full: the slowest of the five endpoints takes 70 s on average."""
    task_s: float = 900.0
    """The whole wait for a submitted task, cold boots of several minutes included."""
    fetch_s: float = 120.0
    """Until one output is downloaded, or one input uploaded."""
    max_output_bytes: int = 100_000_000


class Pacing(Protocol):
    """The throttle's say in free requests."""

    async def before_poll(self) -> None:
        """Return when the next GET may be sent to the API host."""

    def polled(self) -> None:
        """Take note that the status of a task is asked for."""

    def limited(self, error: CallError) -> None:
        """Take note that the API host answered a free request with 429."""


class Unpaced:
    """No throttle: every free request may start at once."""

    async def before_poll(self) -> None:
        """Return at once."""

    def polled(self) -> None:
        """Take no note."""

    def limited(self, error: CallError) -> None:
        """Take no note."""


class Provider(Protocol):
    """Somebody who makes pictures for money.  Every failure is a CallError."""

    @property
    def name(self) -> str:
        """What the ledger calls this provider."""

    async def submit(self, endpoint: str, body: Mapping[str, Any]) -> Accepted | Answer:
        """Send *body* to *endpoint*: exactly one request, which may cost money.  Never repeated here."""

    async def wait(self, endpoint: str, accepted: Accepted, *, submitted_s_ago: float = 0.0) -> Answer:
        """Wait until *accepted* is finished.  Free; repeated as often as needed within ``Timeouts.task_s``."""

    async def fetch(self, picture: Picture) -> bytes:
        """Give the bytes of one output.  Free; decodes no image."""

    async def upload(self, data: bytes, content_type: str) -> str:
        """Store an input image and give its URL.  Free."""

    async def balance(self) -> int:
        """Give what the account can spend, in nano-dollars.  Free."""

    async def history(self, endpoint: str, since: float, until: float) -> list[Remembered]:
        """Give the provider's memory of *endpoint* between two Unix times, at least; one entry per request."""

    async def remembered(self, request_id: str) -> Remembered | None:
        """Give the provider's memory of one request; None when it has none."""

    def hide(self, text: str) -> str:
        """Give *text* without the key."""

    async def close(self) -> None:
        """Close every connection."""
