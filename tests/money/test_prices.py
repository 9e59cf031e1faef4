"""What a call may cost: the page's price, until the bills of a few calls say better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pipeline import endpoints
from pipeline.prices import ENOUGH, PriceBook, Seen, read_cache, signature, write_cache
from pipeline.task import Task

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINT = endpoints.get("ic-light")
PARAMS = {"prompt": "dusk", "subject_image": "https://shop.example/1.jpg"}
PAGE = ENDPOINT.price_of(PARAMS)
assert PAGE is not None
PLACE = (ENDPOINT.slug, signature(ENDPOINT, PARAMS))


def task(**params: object) -> Task:
    return Task(1, "k", "s", ENDPOINT.slug, {**PARAMS, **params}, b"", None, None)


def seen(calls: int, each: int) -> Seen:
    return Seen(calls, calls * each, each, each)


def test_the_page_counts_until_enough_calls_were_billed() -> None:
    book = PriceBook({PLACE: seen(ENOUGH - 1, 1)}, {}, {})
    quote = book.quote(ENDPOINT, PARAMS)
    assert quote is not None
    assert (quote.typical_nano, quote.source) == (PAGE.typical_nano, "page")


def test_this_folder_comes_before_earlier_ones_and_both_before_the_page() -> None:
    own, prior = {PLACE: seen(ENOUGH, 20_000_000)}, {PLACE: seen(ENOUGH, 30_000_000)}
    sources = []
    for book in (PriceBook(dict(own), prior, {}), PriceBook({}, prior, {})):
        quote = book.quote(ENDPOINT, PARAMS)
        assert quote is not None
        sources.append((quote.source, quote.typical_nano))
    assert sources == [("billed here", 20_000_000), ("billed before", 30_000_000)]


@given(bills=st.lists(st.integers(1, 10**9), min_size=1, max_size=12))
def test_the_worst_case_is_never_below_the_page_or_the_dearest_bill(bills: list[int]) -> None:
    book = PriceBook({}, {}, {})
    for bill in bills:
        book.billed(task(), bill)
    assert book.worst_nano(task()) >= max(PAGE.worst_nano, *bills)


def test_other_parameters_that_drive_the_price_are_another_price() -> None:
    book = PriceBook({PLACE: seen(ENOUGH, 90_000_000)}, {}, {})
    assert book.worst_nano(task()) == 90_000_000
    assert book.worst_nano(task(number_of_images=12)) > 90_000_000
    assert signature(ENDPOINT, {**PARAMS, "prompt": "dawn"}) == PLACE[1]
    assert signature(ENDPOINT, {**PARAMS, "steps": 50}) != PLACE[1]


def test_a_price_that_drifts_by_more_than_a_fifth_is_told() -> None:
    near, far = int(PAGE.typical_nano * 1.19), int(PAGE.typical_nano * 1.25)
    assert PriceBook({PLACE: seen(ENOUGH, near)}, {}, {}).drifts() == []
    (told,) = PriceBook({PLACE: seen(ENOUGH, far)}, {}, {}).drifts()
    assert "25% above the documented" in told


def test_prices_are_remembered_for_other_folders_and_a_broken_memory_is_none(tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "prices.json"
    write_cache(cache, {PLACE: seen(7, 5)})
    assert read_cache(cache) == {PLACE: seen(7, 5)}
    cache.write_text("{not json", encoding="utf-8")
    assert read_cache(cache) == {}
