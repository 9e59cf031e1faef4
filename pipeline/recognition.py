"""What the provider's history proves about a call without an answer.

A call is recognised by its body: by the seed that was drawn for it where the endpoint has one, else by every
parameter, images by the address that they were sent as, and by its time.  A history may leave out, shorten and
rewrite what was sent: a call is another one only where a value that is there really differs.  Pure; knows no ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pipeline import endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.task import Remembered

CLOCKS_DIFFER_S = 12 * 3600.0
"""How far from our intent the provider may date a call.  A clock in the wrong time zone is common, and a call that is
not recognised would be paid again; of several equal ones the nearest counts."""
CLOCKS_AGREE_S = 60.0
"""How far two clocks that are both right may be apart: one that nobody sets drifts by a minute in some weeks.  Only
beyond that does the provider's time say which of two calls came first."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An attempt in doubt."""

    attempt: int
    task: int
    endpoint: str
    params: Mapping[str, Any]
    seed: int | None
    intent_at: float
    sent: Mapping[str, str] = field(default_factory=dict)
    """By parameter, the address that an image was sent as, as `addresses` gives it; without those nobody knows."""


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has it: it is fetched, or its end is awaited."""

    request_id: str


@dataclass(frozen=True, slots=True)
class NotBilled:
    """It failed there, or it never arrived: open again."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell yet."""


def addresses(endpoint: str, params: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, str]:
    """Give the addresses that images of *params* are sent as in *body*, where those are not the same.

    Of an object in a bucket without its signature, which lets anybody read it and changes with every attempt.
    """
    return {
        name: _unsigned(body[name]) if _in_bucket(params[name]) else body[name]
        for name in endpoints.get(endpoint).images
        if isinstance(params.get(name), str) and body[name] != params[name]
    }


def recognise(doubtful: Doubtful, remembered: Remembered) -> bool | None:
    """Whether *remembered* is the call that *doubtful* made; None when it says too little to tell."""
    endpoint = endpoints.get(doubtful.endpoint)
    body = remembered.body if isinstance(remembered.body, dict) else {}
    drawn = endpoint.seed is not None and doubtful.seed is not None
    if endpoint.seed is not None and drawn and (told := body.get(endpoint.seed[0])) is not None:
        return _same(told, doubtful.seed)
    if _slug(remembered.endpoint) not in ("", _slug(doubtful.endpoint)):
        return False
    at = remembered.created_at
    if at is not None and abs(at - doubtful.intent_at) > CLOCKS_DIFFER_S:
        return False
    signs = {
        _same_image(body.get(name), doubtful, name)
        if name in endpoint.images
        else _same(body.get(name), value, listed=endpoint.choices(name) is not None)
        for name, value in doubtful.params.items()
    }
    if False in signs:
        return False
    return None if drawn or None in signs else True


def verdict(
    doubtful: Doubtful,
    history: Sequence[Remembered],
    *,
    known: Mapping[str, tuple[int, float]],
    now: float,
    settle_after_s: float,
) -> Found | NotBilled | Unknown:
    """What *history* says of *doubtful*; ``known``: by request id, number and intent of the attempt it belongs to."""
    seen = [(recognise(doubtful, each), each) for each in history if each.request_id not in known]
    paid = [each for ours, each in seen if ours and each.status != "FAILED"]
    if paid:
        nearest = min(paid, key=lambda each: abs((each.created_at or doubtful.intent_at) - doubtful.intent_at))
        return Found(nearest.request_id)
    perhaps_ours = any(ours is None and each.status != "FAILED" for ours, each in seen)
    failed = [each for ours, each in seen if ours and each.status == "FAILED" and _its_failure(each, doubtful, now)]
    if failed and (doubtful.seed is not None or not perhaps_ours):
        return NotBilled(f"the provider's history says it failed: {failed[0].error or failed[0].request_id}")
    later = any(_later(each, doubtful, known.get(each.request_id), now) for each in history)
    if not perhaps_ours and (later or now - doubtful.intent_at >= settle_after_s):
        return NotBilled("the provider's history does not know it: it never arrived")
    return Unknown()


def _its_failure(entry: Remembered, doubtful: Doubtful, now: float) -> bool:
    """Whether *entry*, which is like *doubtful*, is no equal call that failed earlier; the drawn seed is proof."""
    return doubtful.seed is not None or _dated(entry, doubtful.intent_at - CLOCKS_AGREE_S, now)


def _later(entry: Remembered, doubtful: Doubtful, ours: tuple[int, float] | None, now: float) -> bool:
    """Whether *entry* was asked for after *doubtful*: by our own count and clock where it is *ours*."""
    if ours is not None:
        attempt, intent_at = ours
        return attempt > doubtful.attempt and intent_at >= doubtful.intent_at
    return _dated(entry, doubtful.intent_at + CLOCKS_AGREE_S, now)


def _dated(entry: Remembered, since: float, now: float) -> bool:
    """Whether *entry* is dated after *since*; a time to come tells that the clocks differ, and nothing else."""
    return entry.created_at is not None and since <= entry.created_at <= now + CLOCKS_AGREE_S


def _same(theirs: Any, ours: Any, *, listed: bool = False) -> bool | None:
    """Whether the provider kept *ours* as *theirs*; None when that is missing, or perhaps shortened or rewritten.

    ``listed``: it is one of a list of values, which may be written as the list has them.
    """
    if theirs == ours:
        return True
    if not isinstance(theirs, int | float | str) or not str(theirs).strip():
        return None
    numbers = _number(theirs), _number(ours)
    if None not in numbers:
        return numbers[0] == numbers[1]
    said, meant = (str(value).strip().casefold() for value in (theirs, ours))
    if listed or isinstance(ours, bool):
        return said == meant
    return None if meant.startswith(said.rstrip(".\N{HORIZONTAL ELLIPSIS}")) else False


def _same_image(theirs: Any, doubtful: Doubtful, name: str) -> bool | None:
    """The same of an image: a history may keep none, and a file's address is known only where it was kept."""
    location = doubtful.params[name]
    sent = doubtful.sent.get(name, location)
    if not _is_web(sent) or not _is_web(theirs):
        return None
    theirs = _unsigned(theirs) if _in_bucket(location) else theirs
    if theirs == sent:
        return True
    return False if _same(unquote(theirs), unquote(sent)) is False else None


def _is_web(address: Any) -> bool:
    return isinstance(address, str) and address.lower().startswith(("http://", "https://"))


def _in_bucket(location: str) -> bool:
    return "://" in location and not _is_web(location) and location[:5].lower() != "data:"


def _unsigned(address: str) -> str:
    return address.partition("?")[0]


def _slug(name: str) -> str:
    return "-".join(name.strip().lower().replace("_", " ").split())


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return None
