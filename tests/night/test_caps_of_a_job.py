"""The caps of a job hold for everybody who works on its folder, and every dollar is in the file of its month."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from pipeline.api import conduct
from pipeline.capfile import CapFile
from pipeline.caps import Caps, Limit
from pipeline.inspection import reading
from pipeline.orders import Watcher
from pipeline.report.terminal import render_status
from pipeline.sandbox import SANDBOX_KEY
from pipeline.settings import Settings
from pipeline.wanted import Wanted

if TYPE_CHECKING:
    from conftest import Night  # type: ignore[import-not-found]  # a fixture's type

ONE = """
[recipe]
key = "{sku}"
[[step]]
name = "mood"
endpoint = "ic-light"
params.subject_image = "{image}"
params.prompt = "{title}"
"""


class Ear(Watcher):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


async def stopped(night: Night, money: str) -> dict[str, Any]:
    """A night whose caps leave some of six calls open."""
    night.catalogue([(f"P{n}", f"thing {n}", night.photo("one.png", "red")) for n in range(6)])
    summary: dict[str, Any] = await night.work(f"[money]\n{money}", recipe=ONE)
    assert (summary["stopped_by"], 0 < summary["tasks"]["open"] < 6) == ("cap", True)
    return summary


async def by_hand(night: Night, command: str, **settings: Any) -> tuple[dict[str, Any], list[str]]:
    """Somebody works on the folder: the summary, and what was said."""
    ear = Ear()
    asked = Settings(base_url=night.base_url, api_key=SANDBOX_KEY, rpm=0, send=command != "settle", **settings)
    wanted = None if command != "run" else Wanted(night.home / "catalog.csv", night.job(recipe=ONE).recipe)
    return await conduct(asked, night.out, wanted, command=command, watcher=ear, clock=night.clock), ear.said


def counted_nano(file: Path) -> int:
    free, held, _ = CapFile(file, 0, "judge").standing_now()
    return -free - held


def month(night: Night) -> Path:
    return Path(night.out / "cap-2026-03-sandbox.db")


@pytest.mark.parametrize("command", ["resume", "run", "settle"])
async def test_the_months_cap_holds_for_every_command(night: Night, command: str) -> None:
    first = await stopped(night, "cap_month = 0.15\n")
    assert first["this_run"]["cap_reached"] == "month"
    assert re.search(r"the month's cap is reached: \$0\.1\d+ of \$0\.1500 used, ", first["message"])
    bills = night.bills

    summary, said = await by_hand(night, command)

    assert (night.bills, summary["cost"]["cap_usd"]) == (bills, 0.15)
    assert said[0] == f"the caps of {night.job_file} hold here too: $0.15 a month"


async def test_what_is_resumed_is_counted_in_the_file_of_the_month(night: Night) -> None:
    await stopped(night, "cap_night = 0.15\ncap_month = 9.0\n")
    night.clock.tomorrow()

    summary, _ = await by_hand(night, "resume")

    assert summary["this_run"]["done"] > 0
    assert counted_nano(month(night)) == night.sandbox.billed_nano <= 300_000_000


async def test_the_nights_cap_gives_way_to_a_cap_by_hand_and_the_months_does_not(night: Night) -> None:
    first = await stopped(night, "cap_night = 0.15\ncap_month = 0.2\n")
    assert first["this_run"]["cap_reached"] == "night"
    assert (await by_hand(night, "resume"))[0]["this_run"]["done"] == 0

    summary, said = await by_hand(night, "resume", cap_usd=5.0)

    assert (summary["this_run"]["done"] > 0, summary["this_run"]["cap_reached"]) == (True, "month")
    assert counted_nano(month(night)) == night.sandbox.billed_nano <= 200_000_000
    assert said[0].endswith(": $0.20 a month")


async def test_another_cap_file_is_taken_at_its_word(night: Night) -> None:
    await stopped(night, "cap_month = 0.15\n")
    bills, other = night.sandbox.billed_nano, night.home / "other.db"

    summary, said = await by_hand(night, "resume", cap_usd=5.0, cap_file=other)

    assert (summary["exit_code"], any("hold" in text for text in said)) == (0, False)
    assert counted_nano(other) == night.sandbox.billed_nano - bills


@pytest.mark.parametrize(
    ("money", "advice"),
    [("cap_night = 0.15\n", "nightly JOB.toml --cap-night"), ("cap_month = 0.15\n", "raise cap_month in the job file")],
)
async def test_status_says_which_cap_to_raise(night: Night, money: str, advice: str) -> None:
    await stopped(night, money)
    out = StringIO()
    with reading(night.out) as db:
        Console(file=out, width=300).print(render_status(db))

    assert advice in out.getvalue()


def test_caps_are_read_back_also_when_a_later_release_noted_more() -> None:
    caps = Caps("shop.toml", 5.0, None, "cap.db")

    assert Caps.from_text(caps.as_text()) == caps
    assert Caps.from_text('{"job": "shop.toml", "week_usd": 7}') == Caps("shop.toml")
    assert [each.named for each in Limit] == ["cap", "night's cap", "month's cap", "shared cap"]
