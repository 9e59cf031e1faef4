"""The frozen values that travel through the pipeline: rows, tasks, answers.

One word per idea: a *manifest* has *rows*; a *recipe* has *steps*; one row at one step is a *task*, which is one
paid call; each time it is sent is an *attempt*; what comes back is its *output*.  Knows nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(StrEnum):
    """States of a task, as the ledger and every report name them."""

    PLANNED = "planned"
    INTENT = "intent"
    SUBMITTED = "submitted"
    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    INVALID = "invalid"


"""States in which money may have been spent without a result: they hold their reservation."""


class Row(NamedTuple):
    """One row of a manifest: its cells as text, in the order of the manifest's columns.

    ``number`` counts data rows of the source from 1 (the header is not counted).  A tuple because a million of them
    are made per plan: a frozen dataclass costs a tenth of the reading time.
    """

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One paid call to be made: one row at one step, with every parameter as it will be sent.

    ``params`` still names images as the row did (URL or path).
    ``fingerprint`` identifies the body: equal fingerprints would send equal bodies.
    """

    id: int
    key: str
    step: str
    endpoint: str
    params: dict[str, Any]
    fingerprint: bytes
    estimate_nano: int | None
    """Typical price; None when the endpoint has no known price."""
    reserve_nano: int | None
    """Worst-case price of this parameter signature; None when unknown."""
    request_id: str | None = None
    """Set when the provider has already accepted the task: fetch it, never send it again."""
    attempt_id: int | None = None
    """The attempt that was accepted, together with ``request_id``."""
    submitted_at: float | None = None
    """Unix time of that acceptance."""
    out_of_date: bool = False
    """True when the row asked for something else meanwhile: fetch what was paid, into ``superseded/``."""
    replaces: int | None = None
    """The task whose output gives way to this one's."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image that the provider made: a URL to fetch, or the bytes themselves."""

    url: str | None = None
    data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the task: from now on it can be fetched, and must not be sent again."""

    request_id: str
    status_url: str | None = None
    response_url: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished call: the pictures and what the provider said about them."""

    pictures: tuple[Picture, ...]
    request_id: str | None = None
    billed_nano: int | None = None
    """What was charged; None when the provider did not say."""
    remaining_nano: int | None = None
    """The account's balance after this call; None when the provider did not say."""
    seed: int | None = None

    def without(self, sent: Iterable[object]) -> Answer:
        """The same without pictures that are among what was *sent*: an answer may repeat its input."""
        if all(picture.url is None for picture in self.pictures):
            return self
        echoes = {value for value in sent if isinstance(value, str)}
        return replace(self, pictures=tuple(each for each in self.pictures if each.url not in echoes))


@dataclass(frozen=True, slots=True)
class Remembered:
    """One line of the provider's own request history."""

    request_id: str
    endpoint: str
    status: str
    """COMPLETED, FAILED or PENDING, upper case."""
    body: Any
    """What was sent, as the provider kept it: a dict, or its text when it could not be read as one."""
    billed_nano: int | None
    pictures: tuple[Picture, ...]
    created_at: float | None
    """Unix time; None when the history did not say."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class SavedImage:
    """One output as it stands on disk."""

    path: str
    """Relative to the result folder, with forward slashes."""
    size_bytes: int
    sha256: str
    width: int
    height: int
    content_type: str
    ai_label: bool = False
    """Whether the file carries the IPTC DigitalSourceType mark."""
