"""The contract of every endpoint, ours and those of plug-ins: one suite over all of them."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pipeline.endpoints import COMPOSITE, GENERATED, BadParameters, Endpoint, every
from tests.endpoints.samples import bodies, required

EVERY = [pytest.param(endpoint, id=slug) for slug, endpoint in every().items()]
RANGES = [
    pytest.param(e, name, *e.range(name), id=f"{slug}-{name}")
    for slug, e in every().items()
    for name in e.fields
    if e.range(name) != (None, None)
]
LISTS = [
    pytest.param(e, name, id=f"{slug}-{name}") for slug, e in every().items() for name in e.fields if e.choices(name)
]
endpoints = pytest.mark.parametrize("endpoint", EVERY)


def reason(endpoint: Endpoint, name: str, value: Any) -> str:
    with pytest.raises(BadParameters) as caught:
        endpoint.check(name, value)
    (problem,) = caught.value.problems
    assert problem.name == name
    return problem.reason


@endpoints
def test_the_required_parameters_alone_are_a_valid_body(endpoint: Endpoint) -> None:
    assert endpoint.validate(required(endpoint)) == (required(endpoint), [])


@endpoints
def test_defaults_are_valid_and_unchanged_when_sent(endpoint: Endpoint) -> None:
    stated = {name: value for name, value in endpoint.defaults().items() if value is not None}
    body, warnings = endpoint.validate({**required(endpoint), **stated})
    assert body == {**required(endpoint), **stated}
    assert warnings == []


@endpoints
def test_each_missing_required_parameter_is_named(endpoint: Endpoint) -> None:
    with pytest.raises(BadParameters) as caught:
        endpoint.validate({})
    assert {(problem.name, problem.reason) for problem in caught.value.problems} == {
        (name, "is required") for name in endpoint.required
    }


@endpoints
def test_all_problems_are_reported_at_once(endpoint: Endpoint) -> None:
    wrong = dict.fromkeys(endpoint.fields, None)
    with pytest.raises(BadParameters) as caught:
        endpoint.validate(wrong)
    assert {problem.name for problem in caught.value.problems} == set(endpoint.fields)


@endpoints
def test_a_slip_in_a_name_is_answered_with_the_name(endpoint: Endpoint) -> None:
    for name in endpoint.fields:
        assert reason(endpoint, f"{name}x", "x") == f"{endpoint.slug} has no such parameter; did you mean {name}?"


@endpoints
@pytest.mark.parametrize(
    "value", [["x"], {"x": 1}, None, b"x", object()], ids=["list", "table", "null", "bytes", "any"]
)
def test_only_text_numbers_and_truth_values_are_parameters(endpoint: Endpoint, value: object) -> None:
    for name in endpoint.fields:
        assert reason(endpoint, name, value).startswith("must")


@pytest.mark.parametrize(("endpoint", "name", "low", "high"), RANGES)
def test_a_range_includes_its_ends_and_nothing_beyond(endpoint: Endpoint, name: str, low: float, high: float) -> None:
    assert endpoint.check(name, low)[0] == low
    assert endpoint.check(name, str(high))[0] == high
    for outside in (low - 1, high + 1):
        assert reason(endpoint, name, outside) == f"must be from {low} to {high}, not {outside}"


@pytest.mark.parametrize(("endpoint", "name"), LISTS)
def test_every_listed_value_is_taken_in_any_case_and_with_blanks(endpoint: Endpoint, name: str) -> None:
    choices = endpoint.choices(name)
    assert choices is not None
    for value in choices.values:
        assert endpoint.check(name, value) == (value, [])
        assert endpoint.check(name, f" {str(value).upper()} ") == (value, [])


@pytest.mark.parametrize(("endpoint", "name"), LISTS)
def test_a_value_outside_a_list_is_refused_when_the_list_is_sure_and_warned_about_when_not(
    endpoint: Endpoint, name: str
) -> None:
    choices = endpoint.choices(name)
    assert choices is not None
    other = "7" if name in {"width", "height", "megapixel"} else f"{choices.values[-1]}x"
    if choices.sure:
        assert f"did you mean {choices.values[-1]}?" in reason(endpoint, name, other)
    else:
        _, (warning,) = endpoint.check(name, other)
        assert warning.startswith(f"{name}: ")
        assert "is not one of" in warning


@endpoints
def test_images_are_required_text_and_never_blank(endpoint: Endpoint) -> None:
    assert endpoint.images
    for name in endpoint.images:
        assert name in endpoint.required
        assert endpoint.check(name, "images/Käse 007.jpg") == ("images/Käse 007.jpg", [])
        assert reason(endpoint, name, " \t ") == "must not be empty"


@endpoints
def test_price_runs_from_low_over_typical_to_worst(endpoint: Endpoint) -> None:
    price = endpoint.usual_price()
    assert price is not None
    assert 0 < price.low_nano <= price.typical_nano <= price.worst_nano


@endpoints
@given(data=st.data())
def test_any_valid_body_has_a_price_and_raising_a_number_never_lowers_it(
    endpoint: Endpoint, data: st.DataObject
) -> None:
    body, _ = endpoint.validate(data.draw(bodies(endpoint.json_schema())))
    price = endpoint.price_of(body)
    assert price is not None
    assert 0 < price.low_nano <= price.typical_nano <= price.worst_nano
    for name in endpoint.priced_by:
        high = endpoint.range(name)[1]
        if high is not None:
            more = endpoint.price_of({**body, name: high})
            assert more is not None
            assert more.typical_nano >= price.typical_nano
            assert more.worst_nano >= price.worst_nano


@endpoints
@given(data=st.data())
def test_the_price_depends_on_its_signature_alone(endpoint: Endpoint, data: st.DataObject) -> None:
    body, _ = endpoint.validate(data.draw(bodies(endpoint.json_schema())))
    signature = dict(zip(endpoint.priced_by, endpoint.signature(body), strict=True))
    assert set(endpoint.priced_by) <= set(endpoint.fields)
    assert endpoint.price_of({**endpoint.defaults(), **signature}) == endpoint.price_of(body)


@endpoints
def test_the_schema_is_valid_json_schema_and_json(endpoint: Endpoint) -> None:
    schema = endpoint.json_schema()
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["properties"]) == set(endpoint.fields)
    assert schema["required"] == list(endpoint.required)


@endpoints
@given(data=st.data())
def test_what_the_schema_allows_is_valid_and_stays_allowed(endpoint: Endpoint, data: st.DataObject) -> None:
    schema = endpoint.json_schema()
    body = data.draw(bodies(schema))
    assert Draft202012Validator(schema).is_valid(body)
    sent, _ = endpoint.validate(body)
    assert json.loads(json.dumps(sent)) == sent
    assert endpoint.validate(sent)[0] == sent


@pytest.mark.parametrize(("endpoint", "name", "low", "high"), RANGES)
def test_the_schema_has_the_range_under_its_standard_names(
    endpoint: Endpoint, name: str, low: float, high: float
) -> None:
    described = endpoint.json_schema()["properties"][name]
    assert (described["minimum"], described["maximum"]) == (low, high)
    assert {"ge", "le", "title"}.isdisjoint(described)


@endpoints
def test_the_schema_tells_price_latency_and_their_sources(endpoint: Endpoint) -> None:
    about = endpoint.json_schema()["x-photobatch"]
    assert about["price_usd"]["low"] <= about["price_usd"]["typical"] <= about["price_usd"]["worst"]
    assert about["price_note"]
    assert about["latency_s"] > 0
    assert about["latency_note"]
    assert about["page"].startswith("https://")
    assert date.fromisoformat(about["seen"]) <= date.today()  # noqa: DTZ011  # a date that somebody wrote down
    assert about["digital_source"] in {COMPOSITE, GENERATED}


@endpoints
def test_a_seed_that_may_be_drawn_is_a_parameter_and_its_random_value_is_valid(endpoint: Endpoint) -> None:
    if endpoint.seed is None:
        assert not any(name == "seed" and endpoint.defaults()["seed"] in (None, -1) for name in endpoint.fields)
        return
    name, random = endpoint.seed
    assert name in endpoint.fields
    assert endpoint.defaults()[name] == random
    assert endpoint.check(name, 12345) == (12345, [])


@endpoints
def test_one_call_makes_one_image_unless_a_parameter_says_more(endpoint: Endpoint) -> None:
    assert endpoint.images_made({}) == 1
    if endpoint.images_by:
        assert endpoint.images_made({endpoint.images_by: 3}) == 3
