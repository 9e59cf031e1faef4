"""Reading a task's own words: how far it is, and its answer when it is finished.  Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from pipeline.provider.charges import seconds
from pipeline.task import Accepted, Answer

if TYPE_CHECKING:
    from pipeline.provider.charges import Charges
    from pipeline.provider.hosts import Hosts
    from pipeline.task import Picture

REQUEST_ID = re.compile(rb'"request_id"\s*:\s*"([\x21\x23-\x5b\x5d-\x7e]{1,200})"')
"""A request id with both its quotes: whole, even where the rest of the body is lost."""


DONE = frozenset({"COMPLETED", "COMPLETE", "SUCCEEDED", "SUCCESS", "DONE", "FINISHED"})
FAILED = frozenset({"FAILED", "FAILURE", "FAIL"})
TROUBLED = frozenset({"ERROR", "CANCELLED", "CANCELED"})
"""Words of a task, or of the answer itself: a server in trouble says them of its own fault."""
BROKEN = FAILED | TROUBLED
WAITING = frozenset({"QUEUED", "IN_QUEUE", "PENDING", "ACCEPTED", "STARTING", "RUNNING", "PROCESSING", "IN_PROGRESS"})


class Progress(Enum):
    """How far a task is."""

    UNFINISHED = "unfinished"
    FINISHED = "finished"
    FAILED = "failed"
    TROUBLED = "troubled"
    """It failed, or the answer about it did: asked again, it may be under way."""


def progress_of(document: Any) -> Progress | None:
    """Read the status of a task; None when *document* names none.  Unknown words mean that it goes on."""
    word = _status(document)
    if not word:
        return None
    if word in DONE:
        return Progress.FINISHED
    if word in TROUBLED:
        return Progress.TROUBLED
    return Progress.FAILED if word in FAILED else Progress.UNFINISHED


def says_broken(document: Any) -> bool:
    """Tell whether *document*, the answer to a paid request, says that nothing came of it."""
    return _status(document) in BROKEN


def waits(document: Any) -> bool:
    """Tell whether *document* says plainly that its task is not finished."""
    return _status(document) in WAITING


def told_latency_s(document: Any) -> float | None:
    """Give the seconds from submit to result that ``metrics`` states; None when it does not."""
    metrics = document.get("metrics") if isinstance(document, dict) else None
    return seconds(metrics.get("total_time")) if isinstance(metrics, dict) else None


def _status(document: Any) -> str:
    word = document.get("status") if isinstance(document, dict) else None
    return word.strip().upper() if isinstance(word, str) else ""


def accepted_of(request_id: str, document: Any, hosts: Hosts) -> Accepted:
    """Give what to follow; addresses on other hosts are dropped, because the key would travel there."""
    told = document if isinstance(document, dict) else {}

    def ours(name: str) -> str | None:
        url = told.get(name)
        return url if isinstance(url, str) and hosts.is_api(url) else None

    return Accepted(request_id, ours("status_url"), ours("response_url"))


def answer_of(pictures: tuple[Picture, ...], charges: Charges, request_id: str | None = None) -> Answer:
    """Put an answer together; *request_id* is the one we already know."""
    return Answer(
        pictures=pictures,
        request_id=request_id or charges.request_id,
        billed_nano=charges.billed_nano,
        remaining_nano=charges.remaining_nano,
        seed=charges.seed,
    )


def request_id_in(body: bytes) -> str | None:
    """Give the request id that stands whole in *body*, which may be cut anywhere."""
    found = REQUEST_ID.search(body)
    return found.group(1).decode() if found else None
