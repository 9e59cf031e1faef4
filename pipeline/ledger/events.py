"""What is told to the ledger about a call: what is meant, how it ended, what it cost; and why it may not be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import ErrorClass
from pipeline.wish import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.errors import CallError
    from pipeline.task import Task


class AlreadyPaid(Exception):
    """Another task with the same body was paid, or is at risk: this one must not be sent."""


class NotOpen(Exception):
    """The task is no longer planned: somebody else settled it."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sent."""

    task: Task
    run_id: str
    at: float
    seed: int | None
    held_nano: int
    reservation: str | None
    sent: Mapping[str, str] = field(default_factory=dict)
    """By parameter, the address that an image is sent as, where the task names it otherwise."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a call ended without an output."""

    error_class: ErrorClass
    error: str
    http_status: int | None
    at: float

    @classmethod
    def of(cls, error: CallError, at: float, *, before: str = "") -> Verdict:
        """The verdict that a failed call comes to; with the body's first bytes when it was no image."""
        text = f"{before}{error}"
        if error.error_class is ErrorClass.BAD_OUTPUT and error.body_start and error.body_start not in text:
            text = f"{text}; it begins with {error.body_start!r}"
        text = text.encode("utf-8", "replace").decode()  # half a character has no place in a ledger
        return cls(error.error_class, text, error.http_status, at)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider said about a finished call."""

    at: float
    billed_nano: int | None
    request_id: str | None
    seed: int | None
    latency_s: float | None
    signature: str | None = None
    """Of the parameters that drive the price; None: do not learn from this bill."""


def kept(sent: Mapping[str, str] | None) -> str | None:
    """The addresses of `Intent.sent` as an attempt keeps them; None when there are none."""
    return encode(sent) if sent else None
