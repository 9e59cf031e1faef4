"""What an answer other than success means: one table from status and text to our error classes.

Pure: its table test is the documentation.  Knows nothing of sockets; texts come in without the key.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.errors import CallError, ErrorClass
from pipeline.provider.moments import delay_s, moment, reset_time
from pipeline.provider.results import says_broken
from pipeline.provider.wording import parsed, start_of, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_STATUS = {
    401: ErrorClass.BAD_KEY,
    402: ErrorClass.NO_CREDITS,
    403: ErrorClass.FORBIDDEN,
    404: ErrorClass.NOT_FOUND,
    406: ErrorClass.REJECTED,
    408: ErrorClass.GATEWAY,
    410: ErrorClass.RETIRED,
    429: ErrorClass.RATE_LIMITED,
    502: ErrorClass.GATEWAY,
    503: ErrorClass.GATEWAY,
    504: ErrorClass.GATEWAY,
    **dict.fromkeys(range(520, 525), ErrorClass.GATEWAY),
}
"""Statuses that mean the same whatever the text; 520-524 are those of the gateway's own proxy."""

UNSURE = frozenset({408, 520, 524})
"""A proxy had no answer from the server behind it: a call may have been carried out, and billed."""

CREDITS = re.compile(
    r"\bcredits?\b|\bbalance\b|\bspend(?:ing)?[ _-]*(?:limit|cap)\b|\bbudget\b|\bquota\b", re.IGNORECASE
)
"""Words of a 406 that is about money.  A bare "limit" is not: "scale exceeds the limit" is about a parameter."""

RESETS = ("x-rate-limit-reset-at-utc", "x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset")

SKEW_S = 2.0
"""``Date`` has whole seconds: below this the clocks are taken as equal."""


def refusal(status: int, text: str, headers: Mapping[str, str], *, now: float) -> CallError:
    """Give the error that an answer with *status* other than 2xx means; *now* is our Unix time.

    It never has a request id, whatever the headers say: nothing was billed, and there is nothing to fetch; unless
    the status is one of UNSURE, which is no answer.
    """
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and says_broken(parsed(text)):
        return failure(status, text)
    return CallError(
        _message(status, text, headers),
        _class_of(status, text),
        http_status=status,
        answered=status not in UNSURE,
        retry_after_s=_retry_after_s(headers, now),
        reset_at=_reset_at(headers, now),
        body_start=start_of(text),
    )


def failure(status: int, text: str, request_id: str | None = None) -> CallError:
    """Give the error of a task that was run and failed; the provider does not charge for it."""
    return CallError(
        f"the endpoint ran and failed: {words_of(text) or 'it did not say why'}",
        ErrorClass.INFERENCE_FAILED,
        http_status=status,
        body_start=start_of(text),
        request_id=request_id,
    )


def _class_of(status: int, text: str) -> ErrorClass:
    if status == HTTPStatus.NOT_ACCEPTABLE and CREDITS.search(words_of(text)):
        return ErrorClass.NO_CREDITS
    if status in BY_STATUS:
        return BY_STATUS[status]
    return ErrorClass.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ErrorClass.BAD_REQUEST


def _message(status: int, text: str, headers: Mapping[str, str]) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        host = _host(headers.get("Location", ""))
        return f"HTTP {status}: redirected to {host}; redirects are not followed because they would carry the key"
    return f"HTTP {status}: {words_of(text) or _phrase(status)}"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "another path"
    except ValueError:
        return "no URL"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no explanation"


def _retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    value = headers.get("Retry-After")
    return None if value is None else delay_s(value, _server_now(headers, now))


def _reset_at(headers: Mapping[str, str], now: float) -> float | None:
    """Give the reset in our own clock's time, however wrong our clock is."""
    value = next((headers[name] for name in RESETS if name in headers), None)
    there = _server_now(headers, now)
    reset = None if value is None else reset_time(value, there)
    return None if reset is None else reset - there + now


def _server_now(headers: Mapping[str, str], now: float) -> float:
    date = moment(headers.get("Date"))
    return date.unix if date and abs(date.unix - now) > SKEW_S else now
