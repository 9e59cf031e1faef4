"""How cells and literals become the values that are sent."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.endpoints import BadParameters, get

IC_LIGHT = get("ic-light")
SEG_SWAP = get("seg-swap")


def sent(name: str, value: Any) -> Any:
    endpoint = IC_LIGHT if name in IC_LIGHT.fields else SEG_SWAP
    clean, warnings = endpoint.check(name, value)
    assert warnings == []
    return clean


@pytest.mark.parametrize(
    ("value", "steps"),
    [("25", 25), (" 25 ", 25), ("25.0", 25), (25.0, 25), ("007", 7), ("+7", 7), ("1e1", 10), ("1E+1", 10), (7, 7)],
)
def test_whole_numbers_come_as_text_as_spreadsheets_write_them(value: object, steps: int) -> None:
    assert sent("steps", value) == steps
    assert type(sent("steps", value)) is int


@pytest.mark.parametrize(
    "value", ["25.5", 25.5, "1_0", "٢٥", "0x19", "twenty", "", " ", "1,5", True, "nan", "inf", "-", "."]
)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(BadParameters, match="steps: must be"):
        IC_LIGHT.check("steps", value)


@pytest.mark.parametrize(("value", "scale"), [("2.5", 2.5), (".5e1", 5), ("2.", 2), (2, 2), (2.0, 2), ("1e0", 1)])
def test_numbers_that_are_whole_are_sent_as_whole_numbers_so_that_2_and_2_0_are_one_body(
    value: object, scale: float
) -> None:
    assert sent("cfg", value) == scale
    assert type(sent("cfg", value)) is type(scale)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, "NaN", "Infinity", "1e999", "1e99999", 10**400, "9" * 5000]
)
def test_what_is_no_finite_number_is_refused_without_a_traceback(value: object) -> None:
    with pytest.raises(BadParameters, match="cfg: must be"):
        IC_LIGHT.check("cfg", value)


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        ("true", True),
        ("FALSE", False),
        ("yes", True),
        ("no", False),
        ("1", True),
        ("0", False),
        (1, True),
        (False, False),
    ],
)
def test_truth_comes_in_the_words_of_spreadsheets(value: object, truth: bool) -> None:  # noqa: FBT001  # parametrized
    assert sent("base64", value) is truth


@pytest.mark.parametrize("value", ["maybe", "", "2", 2, 0.5, "ja"])
def test_other_words_are_not_true_or_false(value: object) -> None:
    with pytest.raises(BadParameters, match="base64: must be true or false"):
        SEG_SWAP.check("base64", value)


@pytest.mark.parametrize("text", ["007", "NA", "None", "null", "25.0", "true", " {braces} 100% ", "Käthe »7«", "😀"])
def test_text_stays_text(text: str) -> None:
    assert sent("prompt", text) == text


@pytest.mark.parametrize("value", [7, 1.5, True])
def test_a_number_is_not_taken_for_text(value: object) -> None:
    with pytest.raises(BadParameters, match="prompt: must be a valid string"):
        IC_LIGHT.check("prompt", value)


def test_a_seed_keeps_every_digit_of_64_bits() -> None:
    assert sent("seed", str(2**63 - 1)) == 2**63 - 1
    with pytest.raises(BadParameters, match="seed: must fit into 64 bits"):
        IC_LIGHT.check("seed", 2**63)


def test_null_is_refused_because_leaving_out_says_it_better() -> None:
    with pytest.raises(BadParameters, match="seed: must not be null: leave it out instead"):
        IC_LIGHT.check("seed", None)


def test_a_long_wrong_value_is_shortened_in_the_message() -> None:
    with pytest.raises(BadParameters) as caught:
        IC_LIGHT.check("cfg", "x" * 10_000)
    assert len(str(caught.value)) < 150


def test_braces_in_a_wrong_value_are_only_text() -> None:
    with pytest.raises(BadParameters, match=r"output_format: '\{message\} \{0\}' is not one of webp, jpg, png"):
        IC_LIGHT.check("output_format", "{message} {0}")


def test_warnings_of_several_parameters_name_each_one() -> None:
    _, warnings = IC_LIGHT.validate({"prompt": "x", "subject_image": "a.jpg", "width": "513", "height": 514})
    assert [warning.split(" is not")[0] for warning in warnings] == ["width: 513", "height: 514"]


@given(
    st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.binary(),
    st.sampled_from(sorted(IC_LIGHT.fields)),
)
def test_any_value_is_either_sent_as_json_or_refused_with_a_reason(value: Any, name: str) -> None:
    try:
        clean, _ = IC_LIGHT.check(name, value)
    except BadParameters as refused:
        assert refused.problems[0].reason  # noqa: PT017  # both ways out are right, each is checked
    else:
        assert isinstance(clean, str | int | float)
        assert not isinstance(clean, float) or math.isfinite(clean)
