"""Durations and times of day as people write them: ``90s``, ``15m``, ``4h``, ``06:00``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from pipeline.errors import RecipeError

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)", re.IGNORECASE)
CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def moment(text: str, now: datetime) -> float:
    """The Unix time that *text* means, seen from *now* (local time): a duration from now, or the next such time of day.

    Raises RecipeError.
    """
    words = text.strip()
    if found := CLOCK.fullmatch(words):
        hour, minute = int(found[1]), int(found[2])
        if hour < 24 and minute < 60:  # noqa: PLR2004  # a day's hours, an hour's minutes
            then = time_of_day(now, hour, minute)
            return (then if then > now else time_of_day(now, hour, minute, days=1)).timestamp()
    return now.timestamp() + seconds(words, name="--deadline")


def time_of_day(local: datetime, hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    """When clocks show that time on the day of *local*, or *days* later, also when they are changed before.

    `datetime.astimezone` gives an offset instead of a zone; of its own, the system knows when it changes.
    """
    shown = local.replace(hour=hour, minute=minute, second=0, microsecond=0, tzinfo=None) + timedelta(days=days)
    is_system = isinstance(local.tzinfo, timezone) and local.astimezone().utcoffset() == local.utcoffset()
    return shown.astimezone() if is_system else shown.replace(tzinfo=local.tzinfo)


def seconds(text: str, *, name: str) -> float:
    """The length of a duration; *name* is what the user calls it.  Raises RecipeError."""
    if found := DURATION.fullmatch(text.strip()):
        return float(found[1]) * SECONDS[found[2].lower()]
    raise RecipeError(f"{name} {text!r} is no duration", hint="write 90s, 15m, 4h or a time of day such as 06:00")
