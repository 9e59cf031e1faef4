"""Which request gets which fault: a script of rules, and probabilities.  Pure deciding; nothing is sent here.

A plan is data (it comes as JSON through `POST /sandbox/faults` or from a file)::

    {"rules": [{"match": {"path": "/v2/ic-light", "method": "POST", "nth": 3}, "fault": "502", "times": 1}],
     "rates": {"429": 0.01, "drop-after": 0.005}, "seed": 7}

``match`` may name ``path`` (with ``*``), ``method``, ``kind`` (sync, submit, status, result, output, asset,
upload, credits, history, catalogue), ``endpoint``, ``body`` (parameters and their values) and ``nth`` (a number or a
list, counted from 1 over the requests that match the rest).  ``times`` is how often the rule strikes; without it
and without ``nth``, always.  ``after: true`` makes a status fault or a hang strike once the request has been
carried out (a job accepted and billed).  Every further name is an argument of the fault, see `ARGUMENTS`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from pipeline.endpoints.parameters import nearest
from pipeline.errors import InputError

MODEL = frozenset({"sync", "submit"})
POLL = frozenset({"status", "result"})
TALK = MODEL | POLL | {"upload", "credits", "history"}
ALL = TALK | {"output"}
IMAGE = frozenset({"sync", "output"})

KINDS = (*sorted(ALL), "asset", "catalogue", "unknown")
"""What a request can be, by its route."""

FAULTS: dict[str, frozenset[str]] = {
    "429": TALK,
    "500": ALL,
    "502": ALL,
    "503": ALL,
    "504": ALL,
    "401": TALK,
    "403": TALK,
    "410": MODEL,
    "406-credits": MODEL,
    "406-limit": MODEL,
    "406-parameter": MODEL,
    "422-failed": MODEL,
    "status": ALL,
    "slow": ALL,
    "cut": ALL,
    "wrong-type": ALL,
    "html": ALL,
    "empty": ALL,
    "not-json": ALL,
    "drop-before": ALL,
    "drop-after": ALL,
    "hang": ALL,
    "expired-record": POLL,
    "expired-output": frozenset({"output"}),
    "truncated-image": IMAGE,
    "not-an-image": IMAGE,
    "redirect": ALL,
}
"""Every fault, and the kinds of request that it strikes when it comes by probability."""

ARGUMENTS: dict[str, str] = {
    "after": "true: strike after the request was carried out",
    "delay_s": "slow: seconds until the answer starts (default 1); any other: seconds before the fault",
    "reset_s": "429: seconds until the window resets (default 1)",
    "status": "status, expired-output, redirect: the HTTP status",
    "body": "status: the JSON body; html, not-json, not-an-image: the text",
    "headers": "status: extra headers",
    "message": "422-failed and the status faults: the error text",
    "content_type": "wrong-type: what is sent instead",
    "location": "redirect: where to (default: the same path on the other name of this machine)",
    "at": "cut, truncated-image: the share of the body that is sent (below 1) or its bytes",
}
NUMBERS = ("delay_s", "reset_s", "status", "at")
_MATCH = ("path", "method", "kind", "endpoint", "body", "nth")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule can know of a request."""

    method: str
    path: str
    kind: str
    endpoint: str = ""
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to go wrong with one request."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any) -> Any:
        """The argument *name*."""
        return self.arguments.get(name, default)


@dataclass(slots=True)
class Rule:
    """One line of the script, with its count of matching requests and of strikes left."""

    fault: Fault
    path: str = "*"
    method: str = ""
    kind: str = ""
    endpoint: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    nth: frozenset[int] = frozenset()
    times: int | None = None
    matched: int = 0
    struck: int = 0

    def matches(self, seen: Seen) -> bool:
        """Count *seen* when it is meant, and say whether this rule would strike it."""
        if not self._means(seen):
            return False
        self.matched += 1
        return (self.times is None or self.struck < self.times) and (not self.nth or self.matched in self.nth)

    def _means(self, seen: Seen) -> bool:
        return (
            fnmatchcase(seen.path, self.path)
            and self.method in {"", seen.method}
            and self.kind in {"", seen.kind}
            and self.endpoint in {"", seen.endpoint}
            and all((seen.body or {}).get(name) == value for name, value in self.body.items())
        )


class FaultPlan:
    """The faults of a sandbox; an empty plan strikes nothing."""

    def __init__(
        self, rules: Iterable[Mapping[str, Any]] = (), rates: Mapping[str, float] | None = None, seed: int = 0
    ) -> None:
        self.rules = [_rule(one) for one in rules]
        self.rates = _rates(rates or {})
        self.needs_body = any(rule.body for rule in self.rules)
        self.idle = not self.rules and not self.rates
        self._random = random.Random(seed)  # noqa: S311 - a rehearsal must be repeatable, not secret

    def pick(self, seen: Seen) -> Fault | None:
        """The fault of the request *seen*; every rule counts it, the first that strikes wins."""
        ready = [rule for rule in self.rules if rule.matches(seen)]
        if not ready:
            return self._by_chance(seen.kind)
        ready[0].struck += 1
        return ready[0].fault

    def _by_chance(self, kind: str) -> Fault | None:
        if not self.rates:
            return None
        chance = self._random.random()
        for name, rate in self.rates.items():
            if kind in FAULTS[name]:
                if chance < rate:
                    return Fault(name)
                chance -= rate
        return None

    def as_json(self) -> dict[str, Any]:
        """The plan and how far it is, for `GET /sandbox/faults`."""
        rules = [
            {"fault": rule.fault.name, "path": rule.path, "matched": rule.matched, "struck": rule.struck}
            for rule in self.rules
        ]
        return {"rules": rules, "rates": self.rates}


def plan_from(data: Any) -> FaultPlan:
    """The plan that *data* (a list of rules, or an object with rules, rates, seed) describes; raises InputError."""
    if isinstance(data, list):
        return FaultPlan(data)
    if not isinstance(data, Mapping):
        raise InputError(f"a fault plan is a list of rules or an object, not {type(data).__name__}")
    _known("fault plan", data, ("rules", "rates", "seed"))
    return FaultPlan(data.get("rules", ()), data.get("rates"), int(data.get("seed", 0)))


def _rule(data: Any) -> Rule:
    if not isinstance(data, Mapping) or "fault" not in data:
        raise InputError(f"a fault rule is an object with at least a fault, not {data!r}")
    _known("fault rule", data, ("match", "fault", "times", *ARGUMENTS))
    name = str(data["fault"])
    _known("fault", [name], tuple(FAULTS))
    return Rule(fault=Fault(name, _arguments(data)), times=_times(data.get("times")), **_match(data.get("match", {})))


def _match(match: Any) -> dict[str, Any]:
    if not isinstance(match, Mapping):
        raise InputError(f"match is an object, not {match!r}")
    _known("match", match, _MATCH)
    if kind := str(match.get("kind", "")):
        _known("kind of request", [kind], KINDS)
    return {
        "path": str(match.get("path", "*")),
        "method": str(match.get("method", "")).upper(),
        "kind": kind,
        "endpoint": str(match.get("endpoint", "")),
        "body": dict(match.get("body", {})),
        "nth": _nth(match.get("nth", ())),
    }


def _arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    for name in NUMBERS:
        if name in data and not _is_number(data[name]):
            raise InputError(f"{name} of a fault is a number, not {data[name]!r}")
    return {name: value for name, value in data.items() if name in ARGUMENTS}


def _times(times: Any) -> int | None:
    if times is not None and (not isinstance(times, int) or times < 1):
        raise InputError(f"times is a whole number from 1, not {times!r}")
    return times


def _nth(value: Any) -> frozenset[int]:
    numbers = value if isinstance(value, list | tuple) else [value]
    if any(not isinstance(number, int) or number < 1 for number in numbers):
        raise InputError(f"nth counts from 1, not {value!r}")
    return frozenset(numbers)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _rates(rates: Mapping[str, float]) -> dict[str, float]:
    _known("fault rate", rates, tuple(FAULTS))
    for name, rate in rates.items():
        if not _is_number(rate) or rate > 1:
            raise InputError(f"the rate of fault {name} must be between 0 and 1, not {rate!r}")
    return {name: float(rate) for name, rate in rates.items() if rate}


def _known(what: str, names: Iterable[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise InputError(
                f"{what}: there is no {name!r}{nearest(str(name), list(known))}", hint=f"known: {', '.join(known)}"
            )
