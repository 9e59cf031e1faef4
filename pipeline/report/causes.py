"""Failures grouped by cause, and what to do about each.

Two errors have one cause when they differ only in what names a row, a file, an id or a number.  Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256

from pipeline.caps import Limit

MOST = 200
"""Causes that are told apart; what comes later is grouped by its class alone."""
LONGEST = 300

_ROW = re.compile(r"^row \d+(, column [^:]*)?: ")
_SAME = re.compile(r"^the same call failed: ")
_BODY = re.compile(r"; it begins with .*")
_QUOTED = re.compile(r"(?<!\w)'[^']*'|\"[^\"]*\"")
_ADDRESS = re.compile(r"(?:https?|s3|gs|az)://[^\s,;]\S*|(?:[A-Za-z]:)?(?:[\\/][^\s:\\/]+){2,}")
_ID = re.compile(r"\b(?=[0-9a-f-]*\d)[0-9a-f]{8}[0-9a-f-]*\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)(?<!HTTP )(?<!answers )\d+(?:[.,]\d+)*(?!\d|://)")
"""Not the status of an answer, nor a part of s3://: they belong to the cause."""

REMEDIES: dict[str, str] = {
    "bad_request": "The parameters are wrong for this endpoint. Correct the recipe or the row and run the manifest "
    "again: only changed tasks are sent.",
    "bad_key": "Set SEGMIND_API_KEY to a valid key, then `photobatch resume`.",
    "forbidden": "The account may not use this endpoint. Ask the provider for access, then `photobatch resume`.",
    "not_found": "The endpoint or an image address does not exist. Correct it in recipe or manifest and run again.",
    "no_credits": "Top up the account or raise its spend limit, then `photobatch resume`: what was not sent is open.",
    "rejected": "The provider refused the content, or a parameter: the error says which. Change prompt, picture or "
    "recipe, or reject it in the report with other parameters.",
    "retired": "The provider took the endpoint out of service. Choose another endpoint in the recipe.",
    "inference_failed": "The model failed on this input and billed nothing. Reject it in the report with "
    "changed parameters, or `photobatch resume --only inference_failed`.",
    "rate_limited": "Too many calls at once; nothing was billed. `photobatch resume` takes these up again.",
    "server_error": "A fault at the provider; nothing was billed. `photobatch resume` takes these up again.",
    "gateway": "The provider's gateway was down; nothing was billed. `photobatch resume` takes these up again.",
    "timeout": "No answer in time. `photobatch resume` takes these up again.",
    "connection": "The network failed before anything was sent. `photobatch resume` takes these up again.",
    "bad_output": "The call was billed, but what came back is no usable image. Reject it in the report to have it made "
    "anew, and ask the provider for a refund.",
    "bad_input": "The photo cannot be used as it is. Replace the file or the address and run the manifest again.",
    "cap": "The cap was reached. Raise --cap and `photobatch resume`.",
    "deadline": "The deadline came first. `photobatch resume` goes on.",
    "interrupted": "The run was cut off. `photobatch resume` finishes what is open.",
    "lost": "The call was billed and its result is gone. `photobatch resume --only lost` pays for it once more.",
}
"""What to do, by the ledger's error class."""
STOPS: dict[str, str] = {
    "cap": REMEDIES["cap"],
    "deadline": REMEDIES["deadline"],
    "interrupted": REMEDIES["interrupted"],
    "account": "Correct the key, the permission or the credits, then `photobatch resume`.",
    "failures": "Correct what failed most, or wait until the provider is there again, then `photobatch resume`.",
    "connection": "Nothing was sent. Is this computer online? Then `photobatch resume`.",
    "storage": "Make room, or the folder reachable, then `photobatch resume`.",
}
"""What to do, by what stopped a run."""
CAPS: dict[str, str] = {
    Limit.FOLDER: REMEDIES["cap"],
    Limit.SHARED: "The shared cap was reached. Raise --cap, with the same --cap-file, and `photobatch resume`.",
    Limit.NIGHT: "The night's cap was reached. The next night goes on; or raise it: "
    "`photobatch nightly JOB.toml --cap-night USD`.",
    Limit.MONTH: "The month's cap was reached. The next month goes on; or raise cap_month in the job file, then "
    "`photobatch nightly JOB.toml`.",
}
"""What to do, by the cap that stopped a run."""
IN_DOUBT = (
    "Sent, but no answer came: perhaps billed, so never sent again by itself. "
    "`photobatch settle` asks the provider's history."
)
PUT_OFF = "Accepted, but its output could not be fetched. `photobatch resume` asks for it again, at no cost."
UNKNOWN = "See the error, correct its cause and run again."


@dataclass
class Cause:
    """Tasks that are not done for one reason."""

    id: str
    """The same for the same cause, in every report."""
    state: str
    error_class: str
    message: str
    """What their errors have in common, with … where they differ."""
    example: str
    remedy: str
    count: int = 0
    endpoints: dict[str, int] = field(default_factory=dict)


class Causes:
    """Groups errors as they come; `of` returns the id of a task's cause."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Cause] = {}

    @property
    def found(self) -> list[Cause]:
        """Every cause so far."""
        return list(self._found.values())

    def of(self, state: str, endpoint: str, error_class: str | None, error: str | None) -> str:
        """Id of the cause; counts the task."""
        text = " ".join((error or "").split())
        place = (state, error_class or "", pattern(text))
        if place not in self._found and len(self._found) >= MOST:
            place = (state, error_class or "", "…")
        if place not in self._found:
            known_by = sha256("\n".join(place).encode("utf-8", "replace")).hexdigest()[:12]
            self._found[place] = Cause(known_by, *place, example=text[:LONGEST], remedy=remedy(state, error_class))
        cause = self._found[place]
        cause.count += 1
        cause.endpoints[endpoint] = cause.endpoints.get(endpoint, 0) + 1
        return cause.id


def remedy(state: str, error_class: str | None) -> str:
    """What to do about a task in *state* that has *error_class*."""
    if state == "in_doubt":
        return IN_DOUBT
    if state == "submitted":
        return PUT_OFF
    return REMEDIES.get(error_class or "", UNKNOWN)


def pattern(error: str) -> str:
    """*error* without what names a row, a file, an id or a number, and without what the provider sent."""
    text = _BODY.sub("", _SAME.sub("", _ROW.sub("", error)))
    for part in (_QUOTED, _ADDRESS, _ID, _NUMBER):
        text = part.sub("…", text)
    return text[:LONGEST] or "no message"
