"""Explain: for every task what a run would do and why; and nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.nightly import wanted_of
from pipeline.explain import Line, Totals, explain
from pipeline.ledger import FILE, Ledger, decide
from pipeline.sandbox.faults import FaultPlan

if TYPE_CHECKING:
    from conftest import Night  # type: ignore[import-not-found]  # a fixture's type

    from pipeline.wanted import Wanted


def wanted(night: Night, recipe: str | None = None) -> Wanted:
    from dataclasses import replace

    job = night.job(recipe=recipe) if recipe else night.job()
    return replace(wanted_of(job), allow_private=True, check_images=False)


def told(night: Night, recipe: str | None = None) -> dict[tuple[str, str], Line]:
    return {(line.key, line.step): line for line in explain(wanted(night, recipe), night.out, clock=night.clock)}


async def settled(night: Night) -> None:
    night.catalogue([(f"P{n}", f"thing {n}", night.photo(f"{n}.png", colour)) for n, colour in enumerate(COLOURS)])
    assert (await night.work())["exit_code"] == 0


COLOURS = ("red", "green", "blue")


async def test_what_is_done_is_up_to_date_and_costs_nothing(night: Night) -> None:
    await settled(night)
    lines = told(night)

    assert {(line.does, line.reason) for line in lines.values()} == {("nothing", "up to date")}
    assert sum(line.worst_nano or 0 for line in lines.values()) == 0


async def test_every_difference_has_its_reason(night: Night) -> None:
    await settled(night)
    night.photo("0.png", "coral")  # another content under the same name
    night.catalogue(
        [
            ("P0", "thing 0", "images/0.png"),
            ("P1", "a better thing", "images/1.png"),
            ("P3", "thing 3", night.photo("3.png", "gold")),
            ("P4", "thing 3", "images/3.png"),
            ("P5", "thing 5", "images/missing.png"),
        ]
    )
    (night.out / "images" / "P1" / "studio.png").unlink()
    lines = told(night)

    assert lines["P0", "studio"].why == "image changed"
    assert lines["P1", "mood"].why == "params changed: prompt thing 1→a better thing"
    assert (lines["P1", "studio"].does, lines["P1", "studio"].reason) == ("fetch", "output missing")
    assert (lines["P3", "studio"].does, lines["P3", "studio"].why) == ("pay", "new")
    assert (lines["P4", "studio"].does, lines["P4", "mood"].does) == ("share", "share")
    assert lines["P5", "studio"].reason == "invalid"
    assert "missing.png" in lines["P5", "studio"].detail
    assert lines["P2", "mood"].why == "left the manifest: its output stays"


async def test_the_totals_are_what_a_run_then_pays(night: Night) -> None:
    await settled(night)
    night.catalogue([("P0", "other", "images/0.png"), ("P9", "other", "images/0.png"), ("P1", "new", "images/1.png")])
    totals = Totals()
    for line in told(night).values():
        totals.add(line)
    before = night.sandbox.billed_nano
    await night.work()

    assert totals.to_pay == 2
    assert totals.typical_nano == night.sandbox.billed_nano - before
    assert totals.as_json()["to_pay"] == 2


async def test_failures_rejections_and_recipes_are_reasons(night: Night) -> None:
    await settled(night)
    night.catalogue([(f"P{n}", f"changed {n}", f"images/{n}.png") for n in range(3)])
    rules = [{"match": {"body": {"prompt": f"changed {n}"}}, "fault": name} for n, name in enumerate(("502", "400x"))]
    rules[1] = {"match": {"body": {"prompt": "changed 1"}}, "fault": "status", "status": 400}
    night.sandbox.backend.faults = FaultPlan(rules)
    await night.work()
    night.sandbox.backend.faults = FaultPlan()
    reject(night, "P2", "mood")
    lines = told(night)

    assert (lines["P0", "mood"].does, lines["P0", "mood"].why) == ("pay", "failed before: gateway")
    assert (lines["P1", "mood"].does, lines["P1", "mood"].reason) == ("nothing", "failed before: bad_request")
    assert (lines["P2", "mood"].does, lines["P2", "mood"].why) == ("pay", "rejected")

    night.catalogue([(f"P{n}", f"thing {n}", f"images/{n}.png") for n in range(3)])
    other = night.job_file.read_text(encoding="utf-8").split("[recipe]")[1].replace("left", "top")
    changed = told(night, f"[recipe]{other}")
    assert changed["P0", "studio"].why == "params changed: light_direction left→top"


async def test_nothing_changes_by_being_explained(night: Night) -> None:
    await settled(night)
    night.catalogue([("P7", "thing 7", night.photo("7.png", "gray"))])
    before = (night.out / FILE).read_bytes()
    assert told(night)["P7", "studio"].reason == "new"

    assert (night.out / FILE).read_bytes() == before
    assert len(night.results()) == 6


def reject(night: Night, key: str, step: str) -> None:
    from pipeline.report.decisions import Decision
    from pipeline.report.redrive import write_decisions

    ledger = Ledger(night.out, clock=night.clock)
    assert decide.REJECT == "reject"
    ledger.run(lambda db: write_decisions(db, [Decision(key, step, "reject", "too dark")], now=night.clock()))
    ledger.close()


async def test_a_line_break_in_a_text_does_not_break_the_line(night: Night) -> None:
    await settled(night)
    night.catalogue([("P0", "two\nlines", "images/0.png")])

    said = CliRunner().invoke(app, ["explain", str(night.out), str(night.job()["manifest"]), "--key", "P0"])

    assert "prompt thing 0→two\\nlines\n" in said.stdout


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("oak", "pine", "oak→pine"),
        ("o" * 60, "pine", f"{'o' * 47}…→pine"),
        ("a" * 90 + "b" * 90, "a" * 90 + "c", f"…{'a' * 12}{'b' * 34}…→…{'a' * 12}c"),
        ("a" * 40 + "b" * 40, "a" * 40, f"…{'a' * 12}{'b' * 34}…→…{'a' * 12}"),
    ],
)
async def test_long_values_are_cut_so_that_the_difference_is_seen(
    night: Night, before: str, after: str, said: str
) -> None:
    night.catalogue([("P0", before, night.photo("0.png", "red"))])
    assert (await night.work())["exit_code"] == 0
    night.catalogue([("P0", after, "images/0.png")])

    assert told(night)["P0", "mood"].why == f"params changed: prompt {said}"
