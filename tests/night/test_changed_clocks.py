"""Times of day in the nights in which clocks are changed."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.caps import night_began
from pipeline.durations import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

BERLIN = ZoneInfo("Europe/Berlin")
AUTUMN = (2026, 10, 24, 22, 0)
SPRING = (2027, 3, 27, 22, 0)


def berlin(*parts: Any) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)


@pytest.fixture(params=["zone", "offset"])
def now(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives a local time with its zone, or as `astimezone` gives it where the system is in that zone."""
    if request.param == "zone":
        yield berlin
        return
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot change its zone for a test")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield lambda *parts: berlin(*parts).astimezone()
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("evening", "morning"), [(AUTUMN, (2026, 10, 25, 6, 0)), (SPRING, (2027, 3, 28, 6, 0))])
def test_six_in_the_morning_is_what_the_clock_will_show(now: Any, evening: Any, morning: Any) -> None:
    assert moment("06:00", now(*evening)) == berlin(*morning).timestamp()


@pytest.mark.parametrize("started", [AUTUMN, (2026, 10, 25, 1, 0), (2026, 10, 25, 8, 0)])
def test_a_night_in_which_clocks_are_changed_has_one_noon(now: Any, started: Any) -> None:
    assert night_began(now(*started)) == berlin(2026, 10, 24, 12, 0).timestamp()
