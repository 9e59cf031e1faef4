"""Which caps there are, and those of a job: its folder remembers them for whoever works on it later.

Pure.  Money in USD as the job file has it; a night lasts from noon to noon.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.durations import time_of_day

if TYPE_CHECKING:
    from datetime import datetime

NOON = 12
NAME = "caps"
"""Under which name the ledger keeps them."""
CAP = "cap_usd"
"""Under which name it keeps the cap that the last run was given."""


class Limit(StrEnum):
    """Which of several caps."""

    FOLDER = "folder"
    NIGHT = "night"
    MONTH = "month"
    SHARED = "shared"

    @property
    def named(self) -> str:
        """In words, after "the"."""
        match self:
            case Limit.FOLDER:
                return "cap"
            case Limit.SHARED:
                return "shared cap"
            case _:
                return f"{self}'s cap"


@dataclass(frozen=True, slots=True)
class Caps:
    """What a job may spend.  None: no such cap."""

    job: str
    """The job file, for messages."""
    night_usd: float | None = None
    month_usd: float | None = None
    file: str = ""
    """Where the months are counted; each in a file of its own beside it."""

    def __str__(self) -> str:
        found = ((self.night_usd, "night"), (self.month_usd, "month"))
        return " and ".join(f"${usd:,.2f} a {word}" for usd, word in found if usd is not None)

    def __bool__(self) -> bool:
        return (self.night_usd, self.month_usd) != (None, None)

    def beside(self, *, cap: bool, cap_file: bool) -> Caps:
        """What holds of them when the user names a cap, or a file to share one: a month's file misses no money else."""
        return replace(
            self,
            night_usd=None if cap else self.night_usd,
            month_usd=None if cap_file else self.month_usd,
        )

    def month_file(self, local: datetime, *, apart: str = "") -> Path:
        """Where the month of *local* is counted; ``apart`` names a provider whose money is not real."""
        named = Path(self.file)
        return named.with_name(f"{named.stem}-{local:%Y-%m}{f'-{apart}' if apart else ''}{named.suffix}")

    def as_text(self) -> str:
        """For the ledger."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Caps:
        """The same back; later releases may have noted more."""
        known = {name: value for name, value in json.loads(text).items() if name in cls.__dataclass_fields__}
        return cls(**known)


def night_began(local: datetime) -> float:
    """The last noon before *local*, as Unix time: a night that is started twice has one cap."""
    noon = time_of_day(local, NOON)
    return (noon if noon <= local else time_of_day(local, NOON, days=-1)).timestamp()
