"""Endpoints in words: everything that the pages say reaches the person who asks."""

from __future__ import annotations

import pytest

from pipeline.endpoints import Endpoint, every, get
from pipeline.endpoints.describe import HEAD, facts, parameters, rows

EVERY = [pytest.param(endpoint, id=slug) for slug, endpoint in every().items()]


def test_the_table_has_one_row_per_endpoint_and_a_cell_per_column() -> None:
    table = rows(every().values())
    assert [row[0] for row in table] == list(every())
    assert {len(row) for row in table} == {len(HEAD)}
    assert all(all(row) for row in table)


def test_a_row_tells_price_and_time_with_their_units() -> None:
    (row,) = rows([get("bg-replace")])
    assert row[2:] == ("$0.0100", "$0.0150", "~9 s", "image, prompt, ref_image")


@pytest.mark.parametrize("endpoint", EVERY)
def test_the_details_name_every_parameter_once_required_ones_first(endpoint: Endpoint) -> None:
    lines = parameters(endpoint)
    assert sorted(line.name for line in lines) == sorted(endpoint.fields)
    assert [line.name for line in lines[: len(endpoint.required)]] == list(endpoint.required)
    assert {line.name for line in lines if line.image} == set(endpoint.images)
    assert all(line.meaning for line in lines)
    assert not any(line.default for line in lines if line.required)


@pytest.mark.parametrize("endpoint", EVERY)
def test_the_facts_say_where_they_come_from(endpoint: Endpoint) -> None:
    told = dict(facts(endpoint))
    assert endpoint.price_note in told["price source"]
    assert endpoint.latency_note in told["typical time"]
    assert endpoint.page in told["page"]
    assert endpoint.seen in told["page"]


def test_ranges_lists_defaults_and_doubts_are_spelled_out() -> None:
    told = {line.name: line for line in parameters(get("ic-light"))}
    assert told["cfg"].allowed == "from 1 to 32"
    assert told["cfg"].kind == "number"
    assert told["steps"].kind == "whole number"
    assert told["light_source"].allowed == "None, Left Light, Right Light, Top Light, Bottom Light"
    assert told["light_source"].default == "None"
    assert told["seed"].default == ""
    assert "inferred" in told["width"].allowed
    assert told["subject_image"].kind == "image"
    relighting = {line.name: line for line in parameters(get("segmind-relighting-v2"))}
    assert relighting["output_compression"].allowed.startswith("from 0 to 100 (inferred")
    assert {line.kind for line in parameters(get("seg-swap"))} == {
        "image",
        "text",
        "number",
        "whole number",
        "true or false",
    }
