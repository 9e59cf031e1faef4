"""What a glance at a pair of pictures notices, and what it keeps quiet about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pipeline.errors import RecipeError
from pipeline.report.colour import delta_e, to_lab
from pipeline.report.flags import FLAGS, Measures, Thresholds, asked_aspect, judge, measure

if TYPE_CHECKING:
    from pipeline.report.flags import Pixels

WHITE, GREY, TEAL, RED = (255, 255, 255), (120, 120, 120), (0, 128, 128), (170, 30, 30)


def product(colour: tuple[int, int, int], backdrop: tuple[int, int, int] = WHITE, *, shift: int = 0) -> Pixels:
    """A product of *colour* with a pattern, in the middle of 100 x 100 pixels, or *shift* pixels further."""
    picture = np.full((100, 100, 4), 255, np.uint8)
    picture[..., :3] = backdrop
    picture[25:85, 30 + shift : 70 + shift, :3] = colour
    picture[40:50, 40 + shift : 60 + shift, :3] = (240, 220, 120)
    return picture


def flags(before: Pixels | None, after: Pixels, **params: Any) -> list[str]:
    size = (after.shape[1], after.shape[0])
    return judge(measure(before, after), Thresholds(), size=size, params=params)


def test_a_product_in_a_new_scene_is_nothing_to_look_at() -> None:
    assert flags(product(TEAL), product((10, 120, 126), GREY)) == []


@pytest.mark.parametrize("colour", [WHITE, (0, 0, 0), GREY])
def test_a_uniform_picture_is_blank(colour: tuple[int, int, int]) -> None:
    after = np.full((100, 100, 4), 255, np.uint8)
    after[..., :3] = colour

    assert "blank" in flags(product(TEAL), after)


def test_a_fully_transparent_picture_is_blank() -> None:
    assert "blank" in flags(None, np.zeros((50, 50, 4), np.uint8))


def test_a_picture_that_came_back_as_it_was_is_noticed_through_compression_noise() -> None:
    before = product(TEAL)
    noise = np.random.default_rng(1).integers(-1, 2, before.shape)
    after = np.clip(before.astype(int) + noise, 0, 255).astype(np.uint8)
    after[..., 3] = 255

    assert flags(before, after) == ["unchanged"]


def test_a_product_of_another_colour_is_noticed_with_its_distance() -> None:
    found = measure(product(TEAL), product(RED, GREY))

    assert found.delta_e is not None
    assert found.delta_e > 30
    assert "colour" in flags(product(TEAL), product(RED, GREY))


def test_a_product_that_moved_says_nothing_about_its_colour() -> None:
    assert measure(product(TEAL), product(RED, GREY, shift=25)).delta_e is None


def test_a_product_cut_out_by_its_alpha_is_compared_where_it_is() -> None:
    before = product(TEAL)
    before[..., 3] = 0
    before[25:85, 30:70, 3] = 255

    found = measure(before, product(RED, GREY))

    assert found.delta_e is not None
    assert found.delta_e > 30


def test_lost_highlights_and_shadows_count_beyond_the_inputs_own() -> None:
    white_backdrop, burnt = product(TEAL), product(WHITE)
    drowned = product(TEAL, (0, 0, 0))

    assert "clipped" in flags(white_backdrop, burnt)
    assert "clipped" not in flags(white_backdrop, white_backdrop)
    assert "crushed" in flags(white_backdrop, drowned)


def test_transparency_that_was_asked_for_and_did_not_come_is_noticed() -> None:
    cut_out = product(TEAL, GREY)
    cut_out[:20, :, 3] = 0

    assert "opaque" in flags(None, product(TEAL, GREY), background="transparent")
    assert "opaque" not in flags(None, cut_out, background="transparent")
    assert "opaque" not in flags(None, product(TEAL, GREY), background="opaque")


@pytest.mark.parametrize(
    ("params", "aspect"),
    [
        ({"size": "1024x1536"}, 1024 / 1536),
        ({"size": "auto"}, None),
        ({"aspect_ratio": "4:5 (Artistic Frame)"}, 0.8),
        ({"aspect_ratio": "1:1"}, 1.0),
        ({"width": 640, "height": 320}, 2.0),
        ({"width": 640, "height": 0}, None),
        ({"aspect_ratio": "5:0"}, None),
        ({"aspect_ratio": "match the input"}, None),
        ({}, None),
    ],
)
def test_the_asked_aspect_is_read_from_whatever_asks_for_it(params: dict[str, Any], aspect: float | None) -> None:
    assert asked_aspect(params) == aspect


def test_a_wrong_shape_is_known_from_the_ledger_alone() -> None:
    asked = {"aspect_ratio": "4:5 (Artistic Frame)"}
    assert judge(None, Thresholds(), size=(1024, 1024), params=asked) == ["shape"]
    assert judge(None, Thresholds(), size=(896, 1120), params=asked) == []


def test_pictures_of_different_shape_are_not_compared_point_by_point() -> None:
    found = measure(product(TEAL), product(TEAL)[:60])

    assert (found.difference, found.delta_e) == (None, None)


def test_thresholds_come_from_the_recipe_and_zero_switches_a_flag_off() -> None:
    seen = Measures(uniform=0.9, opaque=True, difference=3.0, clipped=0.2, crushed=0.0, delta_e=9.0)

    def with_checks(**checks: float) -> list[str]:
        return judge(seen, Thresholds.from_checks(checks), size=(1, 1), params={})

    assert with_checks() == ["clipped"]
    assert with_checks(delta_e=5, clipped=0) == ["colour"]
    assert with_checks(blank=0.8, unchanged=4) == ["blank", "unchanged", "clipped"]


@pytest.mark.parametrize(
    ("checks", "message"),
    [({"delta": 5}, r"unknown entry 'delta'; did you mean delta_e\?"), ({"blank": "much"}, "must be a number")],
)
def test_a_wrong_threshold_is_told(checks: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Thresholds.from_checks(checks)


def test_every_flag_has_its_words() -> None:
    assert all(FLAGS.values())


# From Sharma, Wu and Dalal (2005), table 1.
@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((90.8027, -2.0831, 1.441), (91.1528, -1.6435, 0.0447), 1.4441),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_colour_distances_are_those_of_the_published_table(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    assert delta_e(np.array(one), np.array(other)) == pytest.approx(expected, abs=5e-5)
    assert delta_e(np.array(other), np.array(one)) == pytest.approx(expected, abs=5e-5)


def test_srgb_becomes_the_known_lab_values() -> None:
    found = to_lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], np.uint8))

    assert found == pytest.approx(np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.2]]), abs=0.02)
