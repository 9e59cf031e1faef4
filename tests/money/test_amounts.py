"""Money in words: the same roundings on screen and on the page."""

from __future__ import annotations

import pytest

from pipeline.money import cents, show, show_usd


@pytest.mark.parametrize(
    ("nanos", "words"),
    [
        (7_215_000_000, "$7.22"),
        (7_214_999_999, "$7.21"),
        (1_234_565_000_000, "$1,234.57"),
        (37_050_000, "$0.0371"),
        (0, "$0.00"),
    ],
)
def test_a_half_goes_up_as_the_page_rounds_it(nanos: int, words: str) -> None:
    assert show(nanos) == show_usd(nanos / 1e9) == words


def test_cents_are_shown_below_a_dollar_too() -> None:
    assert [cents(each) for each in (0.225, 7.215, 0.0)] == ["$0.23", "$7.22", "$0.00"]
