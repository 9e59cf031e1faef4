"""The same numbers in a terminal and in a notebook; text from outside stays text."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pipeline.ledger.counts import counts_and_estimate
from pipeline.report.fitting import Column, Fitted
from pipeline.report.notebook import result_html
from pipeline.report.terminal import render_status, spark
from pipeline.report.write import reading

if TYPE_CHECKING:
    from tests.report.conftest import Shop

SUMMARY = {
    "tasks": {"total": 4, "done": 1, "reused": 0, "failed": 1, "in_doubt": 0, "invalid": 0, "open": 2},
    "cost": {"billed_usd": 0.2582},
    "stopped_by": None,
}


def drawn(shop: Shop, width: int = 120) -> str:
    out = StringIO()
    with reading(shop.out) as db:
        Console(file=out, width=width).print(render_status(db))
    return out.getvalue()


def test_the_terminal_draws_what_the_ledger_adds_up_to(shop: Shop) -> None:
    shop.make("MUG")
    shop.fail("VASE", "scene", "[bold]content[/bold] policy")

    text = drawn(shop)

    assert "1 of 4 tasks done, 1 failed, 2 open" in text
    assert "$0.2582 billed" in text
    assert "failed rejected: [bold]content[/bold] policy" in text
    assert "The provider refused the content" in text
    assert shop.ledger.run(counts_and_estimate)[0].done == 1


def test_an_empty_folder_is_drawn_too(shop: Shop) -> None:
    shop.write(("NEW", "New", "mug.jpg"))
    shop.plan()

    assert "0 of 2 tasks done, 2 open" in drawn(shop, width=60)


def test_refused_polls_are_counted_as_in_the_runs_own_summary(shop: Shop) -> None:
    shop.make("MUG")
    shop.finish_run(requests={"submit": 1, "poll": 9, "http_429": 7, "http_5xx": 0})

    assert "7 answered 429" in drawn(shop)


@pytest.mark.parametrize("width", [80, 60])
def test_a_narrow_terminal_cuts_neither_names_nor_money(shop: Shop, width: int) -> None:
    shop.make("MUG")

    text = drawn(shop, width=width)

    assert "…" not in text
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    assert "segmind-relighting-v2 " in text
    assert "$0.2582" in text


def test_a_table_that_fits_nowhere_is_folded_and_not_cut() -> None:
    out = StringIO()
    columns = [Column("endpoint", justify="left"), Column("worst"), Column("note", 1)]
    Console(file=out, width=24).print(Fitted(columns, [("segmind-relighting-v2", "$67.1234", "long note")]))

    assert "…" not in out.getvalue()
    assert "$67.1234" in out.getvalue()
    assert "note" not in out.getvalue()


def test_bars_grow_with_their_values() -> None:
    assert spark([0, 1, 2, 4]) == "▁▃▅█"
    assert spark([]) == ""
    assert spark([0, 0]) == "▁▁"


def test_a_notebook_shows_numbers_and_a_contact_sheet_that_needs_nothing_else(shop: Shop) -> None:
    shop.make("MUG")

    html = result_html(shop.out, SUMMARY)

    assert "<b>1 of 4 tasks done</b>, 1 failed, 2 open, $0.26 billed" in html
    assert html.count("data:image/webp;base64,") == 1
    assert "http" not in html.replace("https://www.w3.org", "")


def test_a_hostile_key_is_text_in_a_notebook(shop: Shop) -> None:
    key = '"><img src=x onerror=alert(1)>'
    shop.write((key, "Mug", "mug.jpg"))
    shop.plan()
    shop.make(key)

    html = result_html(shop.out, SUMMARY)

    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
