"""What calls cost: the documented price, until the bills of a few calls say better.

Bills are kept per endpoint and price signature (the values of the parameters that drive the price): in the folder's
ledger, and as a prior for other folders in the user's cache.  The worst case is never below the documented one: a
cheap sample proves nothing about the next call.  An unknown price stays unknown, unless the user assumes one.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from pipeline import endpoints
from pipeline.money import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.endpoints import Endpoint
    from pipeline.endpoints.endpoint import Price
    from pipeline.task import Task

ENOUGH = 5
"""Bills of one signature after which their mean replaces the documented price."""
DRIFT = 0.2
"""Relative difference between bill and documented price that is worth telling."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The bills of one endpoint and price signature, in nano-dollars."""

    calls: int
    sum_nano: int
    least_nano: int
    most_nano: int

    @property
    def mean_nano(self) -> int:
        """Mean bill."""
        return round(self.sum_nano / self.calls)

    def with_(self, other: Seen) -> Seen:
        """Both together."""
        return Seen(
            self.calls + other.calls,
            self.sum_nano + other.sum_nano,
            min(self.least_nano, other.least_nano),
            max(self.most_nano, other.most_nano),
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """A price and where it comes from: ``page``, ``billed here``, ``billed before`` or ``assumed``."""

    typical_nano: int
    worst_nano: int
    source: str


Bills = dict[tuple[str, str], Seen]


MEMORY = 1000
"""Documented prices kept by signature: worked out once, not once per call."""


def signature(endpoint: Endpoint, params: Mapping[str, Any]) -> str:
    """The price signature as JSON text."""
    values = endpoint.signature(params)
    try:
        return orjson.dumps(values, default=str).decode()
    except orjson.JSONEncodeError:  # a number beyond 64 bits
        return json.dumps(values, default=str, ensure_ascii=False, separators=(",", ":"))


class PriceBook:
    """Quotes prices.  ``own`` are this folder's bills, ``prior`` those of earlier folders."""

    def __init__(self, own: Bills, prior: Bills, assumed: Mapping[str, int]) -> None:
        """``assumed``: nano-dollars per call that the user assumes for an endpoint, by slug."""
        self._own = own
        self._prior = prior
        self._assumed = assumed
        self._page: dict[tuple[str, str], Price | None] = {}
        self.used: dict[str, str] = {}
        """By endpoint, the source of its newest quote: the plan says it."""

    @property
    def bills(self) -> Bills:
        """This folder's bills."""
        return self._own

    def quote(self, endpoint: Endpoint, params: Mapping[str, Any]) -> Quote | None:
        """What a call with *params* costs; None when nobody knows."""
        return self._quote(endpoint, params, (endpoint.slug, signature(endpoint, params)))

    def _quote(self, endpoint: Endpoint, params: Mapping[str, Any], place: tuple[str, str]) -> Quote | None:
        price = self._documented(endpoint, params, place)
        for source, bills in (("billed here", self._own), ("billed before", self._prior)):
            seen = bills.get(place)
            if seen is not None and seen.calls >= ENOUGH:
                worst = max(seen.most_nano, price.worst_nano if price else seen.most_nano)
                return self._say(endpoint, Quote(seen.mean_nano, worst, source))
        if price is not None:
            return self._say(endpoint, Quote(price.typical_nano, price.worst_nano, "page"))
        if (nano := self._assumed.get(endpoint.slug)) is not None:
            return self._say(endpoint, Quote(nano, nano, "assumed"))
        return None

    def worst_nano(self, task: Task) -> int | None:
        """The most that *task* may cost, as it was planned when nothing newer is known; None when nobody knows."""
        endpoint = endpoints.get(task.endpoint)
        place = (endpoint.slug, signature(endpoint, task.params))
        quote = self._quote(endpoint, task.params, place)
        worst_nano = quote.worst_nano if quote else task.reserve_nano
        if worst_nano is None:
            return None  # a bill or two are no bound
        seen = self._own.get(place)
        return max(worst_nano, seen.most_nano if seen else 0)

    def billed(self, task: Task, billed_nano: int | None) -> str:
        """Take note of a bill, which counts from now on for the worst case as well; returns the price signature."""
        endpoint = endpoints.get(task.endpoint)
        text = signature(endpoint, task.params)
        if billed_nano is not None:
            place = (endpoint.slug, text)
            bill = Seen(1, billed_nano, billed_nano, billed_nano)
            self._own[place] = self._own[place].with_(bill) if place in self._own else bill
        return text

    def drifts(self) -> list[str]:
        """Sentences about endpoints whose bills differ from the page's price by more than DRIFT."""
        return [said for (slug, text), seen in sorted(self._own.items()) if (said := _drift(slug, text, seen))]

    def _documented(self, endpoint: Endpoint, params: Mapping[str, Any], place: tuple[str, str]) -> Price | None:
        if place not in self._page:
            if len(self._page) >= MEMORY:
                return endpoint.price_of(params)
            self._page[place] = endpoint.price_of(params)
        return self._page[place]

    def _say(self, endpoint: Endpoint, quote: Quote) -> Quote:
        self.used[endpoint.slug] = quote.source
        return quote


def _drift(slug: str, text: str, seen: Seen) -> str:
    endpoint = endpoints.every().get(slug)
    if endpoint is None or seen.calls < ENOUGH:
        return ""
    price = endpoint.price_of(dict(zip(endpoint.priced_by, json.loads(text), strict=True)))
    share = seen.mean_nano / price.typical_nano - 1 if price else 0.0
    if price is None or abs(share) <= DRIFT:
        return ""
    names = ", ".join(endpoint.priced_by)
    return (
        f"{slug} ({names} = {text}) was billed {show(seen.mean_nano)} on average over {seen.calls} calls,"
        f" {abs(share):.0%} {'above' if share > 0 else 'below'} the documented {show(price.typical_nano)}"
    )


def read_cache(path: Path) -> Bills:
    """The bills of earlier folders; nothing when there is no readable cache."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {(entry["endpoint"], entry["signature"]): Seen(*entry["seen"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a prior is a convenience: the documented price serves as well


def write_cache(path: Path, bills: Bills) -> None:
    """Replace the cache; a cache that cannot be written is done without."""
    known = {**read_cache(path), **bills}
    entries = [
        {"endpoint": slug, "signature": text, "seen": [seen.calls, seen.sum_nano, seen.least_nano, seen.most_nano]}
        for (slug, text), seen in sorted(known.items())
    ]
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".prices-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file)
        os.replace(name, path)  # noqa: PTH105  # Path.replace says the same; the pair reads better with mkstemp


def from_records(records: Iterable[tuple[str, str, int, int, int, int]]) -> Bills:
    """Bills from the ledger's table: endpoint, signature, calls, sum, least, most."""
    return {(slug, text): Seen(*numbers) for slug, text, *numbers in records}
