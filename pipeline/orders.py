"""How a run is to be done, who watches it, and what it looks like while it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.caps import Caps, Limit
from pipeline.money import usd
from pipeline.planned import IN_FLIGHT_QUEUE
from pipeline.policy import Patience
from pipeline.provider import Backoff, Hosts, Timeouts
from pipeline.stop import INTERRUPTED
from pipeline.tally import FailureLimit

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.crew import Crew
    from pipeline.planned import Plan
    from pipeline.tally import Tally
    from pipeline.tools import Tools

IN_FLIGHT_SYNC = 64
SETTLE_AFTER_S = 300.0
"""Age after which a call that the provider's history does not know was certainly not made."""


LEAST_FREE_BYTES = 300_000_000
"""Free space below which no new call is made: what is in flight must still find room."""


@dataclass(frozen=True, slots=True)
class Period:
    """A cap over a stretch of time: never more than ``cap_nano`` for calls sent since ``since`` (Unix time)."""

    cap_nano: int
    since: float


@dataclass(frozen=True, slots=True)
class Pool:
    """A cap that all who name ``file`` share."""

    file: Path
    cap_nano: int
    limit: Limit = Limit.SHARED


@dataclass(frozen=True)
class Orders:
    """Where to, on whose account, how fast, and within which bounds.  Money in nano-dollars, times in Unix seconds."""

    out: Path
    key: str | None = field(default=None, repr=False)
    hosts: Hosts = field(default_factory=Hosts.real)
    provider: str = "segmind"
    """What the folder calls its provider; results of two providers never mix."""
    base_url: str = ""
    api: Literal["queue", "sync"] = "queue"
    cap_nano: int | None = None
    """Over the folder."""
    pool: Pool | None = None
    period: Period | None = None
    """A second cap, over the current night for instance."""
    caps: Caps | None = None
    """Those of the job, for the folder to remember; period and pool are what they come to now."""
    per_minute: float | None = None
    """Ceiling of the rate; 0: no limit; None: start at 60 and learn."""
    concurrency: int | None = None
    failures: FailureLimit = field(default_factory=lambda: FailureLimit.parse(None))
    deadline: float | None = None
    """Unix time by which every call must be finished."""
    preflight: bool = True
    """Check all rows and the account before the first call."""
    send: bool = True
    """False: settle and fetch only, send nothing that costs money."""
    settle_after_s: float = SETTLE_AFTER_S
    full_decode: bool = True
    ai_label: bool = True
    images_to: str | None = None
    """A place in object storage that gets the outputs as well; None: as the folder remembers."""
    naming: str | None = None
    """Template of the outputs' names; None: as the folder remembers."""
    assumed_nano: dict[str, int] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    timeouts: Timeouts = field(default_factory=Timeouts)
    backoff: Backoff = field(default_factory=Backoff)
    """Of free requests."""
    prices_cache: Path | None = None
    prune: bool = False
    """Move outputs of rows that left the manifest to ``superseded/``."""
    least_free_bytes: int = LEAST_FREE_BYTES
    command: str = "run"

    @property
    def least_cap_nano(self) -> int | None:
        """The lower of the folder's own cap and the shared one, for the summary."""
        pooled = None if self.pool is None else self.pool.cap_nano
        return min((nano for nano in (self.cap_nano, pooled) if nano is not None), default=None)

    @property
    def caps_usd(self) -> dict[str, float]:
        """The caps over a night and over a month, for the summary."""
        found = {} if self.period is None else {"cap_usd": usd(self.period.cap_nano)}
        if self.pool is not None and self.pool.limit is Limit.MONTH:
            found["cap_month_usd"] = usd(self.pool.cap_nano)
        return found

    @property
    def in_flight(self) -> int:
        """Calls under way at most."""
        return self.concurrency or (IN_FLIGHT_QUEUE if self.api == "queue" else IN_FLIGHT_SYNC)


@dataclass
class Working:
    """A run under way, for those who watch and steer it."""

    run_id: str
    tools: Tools
    tally: Tally
    crew: Crew
    began: float
    open_at_start: int

    def interrupt(self) -> None:
        """Take no new calls, finish what is in flight."""
        self.tools.stop_run(INTERRUPTED)


class Watcher:
    """Who watches a run; every method may be overridden, none needs to be."""

    def say(self, text: str) -> None:
        """Something worth a line."""

    def planning(self, rows: int) -> None:
        """So many rows were read.  Called on another thread."""

    def looking(self, images: int) -> None:
        """So many remote images were looked at."""

    def planned(self, plan: Plan) -> None:
        """The plan stands."""

    def working(self, state: Working) -> None:
        """Calls begin; *state* changes under the watcher's eyes until `finished`."""

    def finished(self, summary: dict[str, Any]) -> None:
        """The run ended."""

    def close(self) -> None:
        """Nothing more comes, whatever ended the run."""


class Watchers(Watcher):
    """Several who watch one run."""

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = watchers

    def say(self, text: str) -> None:
        """Something worth a line."""
        for each in self._watchers:
            each.say(text)

    def planning(self, rows: int) -> None:
        """So many rows were read.  Called on another thread."""
        for each in self._watchers:
            each.planning(rows)

    def looking(self, images: int) -> None:
        """So many remote images were looked at."""
        for each in self._watchers:
            each.looking(images)

    def planned(self, plan: Plan) -> None:
        """The plan stands."""
        for each in self._watchers:
            each.planned(plan)

    def working(self, state: Working) -> None:
        """Calls begin."""
        for each in self._watchers:
            each.working(state)

    def finished(self, summary: dict[str, Any]) -> None:
        """The run ended."""
        for each in self._watchers:
            each.finished(summary)

    def close(self) -> None:
        """Nothing more comes, whatever ended the run."""
        for each in self._watchers:
            each.close()
