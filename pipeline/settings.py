"""How to run, in the words of the command line's flags: checked once, here, and turned into a run's orders.

Owns the flags' names and units for Python.  Knows neither the command line nor a run.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pipeline.caps import Limit, night_began
from pipeline.durations import moment, seconds
from pipeline.errors import RecipeError
from pipeline.money import nano, nano_up
from pipeline.orders import SETTLE_AFTER_S, Orders, Period, Pool
from pipeline.policy import Patience
from pipeline.provider import Backoff, Timeouts
from pipeline.tally import FailureLimit
from pipeline.target import REAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.caps import Caps
    from pipeline.target import Target


@dataclass(frozen=True)
class Settings:
    """How to run, in the flags' words and units: USD, calls per minute, Unix time."""

    base_url: str | None = None
    sandbox: bool = False
    api: Literal["queue", "sync"] = "queue"
    cap_usd: float | None = None
    cap_file: Path | None = None
    caps: Caps | None = None
    """Those of the job that the folder belongs to; None: as the folder remembers."""
    rpm: float | None = None
    concurrency: int | None = None
    max_failures: str | None = None
    deadline: float | None = None
    preflight: bool = True
    send: bool = True
    settle_after_s: float = SETTLE_AFTER_S
    full_decode: bool = True
    ai_label: bool = True
    images_to: str | None = None
    name: str | None = None
    prune: bool = False
    assume_price: Mapping[str, float] = field(default_factory=dict)
    api_key: str | None = field(default=None, repr=False)
    prices_cache: Path | None = None
    sandbox_options: Any = None
    patience: Patience = field(default_factory=Patience)
    timeouts: Timeouts = field(default_factory=Timeouts)
    backoff: Backoff = field(default_factory=Backoff)
    """Of free requests; `patience` is that of paid ones."""

    def __post_init__(self) -> None:
        _positive("cap_usd", self.cap_usd, zero=True)
        _positive("rpm", self.rpm, zero=True)
        _positive("concurrency", self.concurrency)
        if self.api not in ("queue", "sync"):
            raise RecipeError(f"there is no API {self.api!r}", hint="use queue or sync")
        if self.cap_file is not None and self.cap_usd is None:
            raise RecipeError("--cap-file needs the cap itself", hint="add --cap USD")

    @property
    def assumed_nano(self) -> dict[str, int]:
        """Assumed prices in nano-dollars."""
        return {slug: nano_up(usd) for slug, usd in self.assume_price.items()}

    def holding(self, remembered: Caps | None) -> Caps | None:
        """Which caps of a job hold, with what the folder has *remembered* of them."""
        if self.caps is not None or remembered is None:
            return self.caps
        return remembered.beside(cap=self.cap_usd is not None, cap_file=self.cap_file is not None)

    def orders(self, out: Path, target: Target, command: str, *, caps: Caps | None, now: datetime) -> Orders:
        """These settings as a run takes them that begins *now*, under the job's *caps*.

        The hosts follow once an embedded sandbox has started.
        """
        orders = Orders(
            out=out,
            key=self.api_key,
            provider=target.name,
            base_url=target.base_url,
            api=self.api,
            cap_nano=None if self.cap_usd is None or self.cap_file is not None else nano(self.cap_usd),
            pool=self._pool(target, caps, now),
            period=None if caps is None or caps.night_usd is None else Period(nano(caps.night_usd), night_began(now)),
            caps=self.caps,
            per_minute=self.rpm,
            concurrency=self.concurrency,
            failures=FailureLimit.parse(self.max_failures),
            deadline=self.deadline,
            preflight=self.preflight,
            send=self.send,
            settle_after_s=self.settle_after_s,
            full_decode=self.full_decode,
            ai_label=self.ai_label,
            images_to=self.images_to,
            naming=self.name,
            prune=self.prune,
            assumed_nano=self.assumed_nano,
            patience=self.patience,
            timeouts=self.timeouts,
            backoff=self.backoff,
            prices_cache=self.prices_cache,
            command=command,
        )
        return orders if target.hosts is None else replace(orders, hosts=target.hosts)

    def _pool(self, target: Target, caps: Caps | None, now: datetime) -> Pool | None:
        """The cap that is shared through a file: the one that was asked for, else that of the month."""
        if self.cap_file is not None and self.cap_usd is not None:
            return Pool(self.cap_file, nano(self.cap_usd))
        if caps is None or caps.month_usd is None:
            return None
        file = caps.month_file(now, apart="" if target.name == REAL else target.name)
        return Pool(file, nano(caps.month_usd), Limit.MONTH)


def with_key(settings: Settings) -> Settings:
    """*settings* with the key from the environment when they have none."""
    return replace(settings, api_key=settings.api_key or os.environ.get("SEGMIND_API_KEY") or None)


READING = frozenset(
    {
        "key",
        "limit",
        "platform",
        "images",
        "encoding",
        "encoding_errors",
        "delimiter",
        "image_base_url",
        "allow_private",
        "check_images",
    }
)


SWITCHES = frozenset({"no_preflight", "no_ai_label", "no_full_decode"})


def from_flags(flags: Mapping[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """Flags that say how to run, and flags that say how to read; raises RecipeError for an unknown one.

    ``no_preflight=True`` is the command line's word for ``preflight=False``; durations may be text: ``"4h"``.
    """
    flags = {
        name.removeprefix("no_") if name in SWITCHES else name: not value if name in SWITCHES else value
        for name, value in flags.items()
    }
    if isinstance(flags.get("deadline"), str):
        flags["deadline"] = moment(flags["deadline"], datetime.now().astimezone())
    if "settle_after" in flags:
        age = flags.pop("settle_after")
        flags["settle_after_s"] = seconds(age, name="settle_after") if isinstance(age, str) else age
    known: Iterable[str] = Settings.__dataclass_fields__
    unknown = [name for name in flags if name not in known and name not in READING]
    if unknown:
        from pipeline.endpoints.parameters import nearest  # pydantic comes with it: only for an error

        names = [*known, *sorted(READING)]
        near = f"; did you mean {unknown[0]}_usd?" if f"{unknown[0]}_usd" in names else nearest(unknown[0], names)
        raise RecipeError(f"there is no flag {unknown[0]!r}{near}", hint=f"known: {', '.join(names)}")
    reading = {name: value for name, value in flags.items() if name in READING}
    return Settings(**{name: value for name, value in flags.items() if name not in READING}), reading


def _positive(name: str, value: float | None, *, zero: bool = False) -> None:
    if value is not None and (not math.isfinite(value) or value < 0 or (value == 0 and not zero)):
        raise RecipeError(f"{name} must be {'0 or more' if zero else 'more than 0'}, not {value}")
