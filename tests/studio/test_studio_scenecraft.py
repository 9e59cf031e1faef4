"""Scenes: the product stands exactly where x, y and scale say, on a canvas of the asked shape and size."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from pipeline import endpoints
from pipeline.sandbox.studio import Edited, edit

if TYPE_CHECKING:
    from tests.studio.drawing import Drawing

SLUG = "segmind-scenecraft-v01"


def scene(data: bytes, **params: Any) -> Edited:
    sent = {"image": "https://x/i.png", "prompt": "plain studio", "seed": 4, "megapixel": 0.5, "image_format": "png"}
    return edit(SLUG, {**sent, **params}, {"image": data})[0]


def pixels(edited: Edited) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(edited.data)).convert("RGB")).astype(np.float64)


def blue_box(shown: np.ndarray) -> tuple[int, int, int, int]:
    blue = (shown[..., 2] > shown[..., 0] + 40) & (shown[..., 2] > shown[..., 1] + 20)
    columns, rows = np.nonzero(blue.any(axis=0))[0], np.nonzero(blue.any(axis=1))[0]
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("ratio", ["1:1 (Perfect Square)", "16:9 (Panorama)", "9:16 (Slim Vertical)"])
@pytest.mark.parametrize(("x", "y", "scale"), [(50, 50, 0.65), (30, 40, 0.3), (72.5, 55, 0.5), (25, 75, 0.2)])
def test_the_product_is_where_x_y_and_scale_say(ratio: str, x: float, y: float, scale: float, box: Drawing) -> None:
    edited = scene(box.png, aspect_ratio=ratio, x_value=x, y_value=y, scale=scale, dropshadow=False)

    left, top, right, bottom = blue_box(pixels(edited))
    longer = scale * min(edited.width, edited.height)
    assert left == pytest.approx(edited.width * x / 100 - longer / 2, abs=3)
    assert right == pytest.approx(edited.width * x / 100 + longer / 2, abs=3)
    assert top == pytest.approx(edited.height * y / 100 - longer / 4, abs=3)
    assert bottom == pytest.approx(edited.height * y / 100 + longer / 4, abs=3)


def test_a_product_may_reach_over_the_edge(box: Drawing) -> None:
    left, _, right, _ = blue_box(pixels(scene(box.png, x_value=1, scale=0.5, aspect_ratio="1:1 (Perfect Square)")))

    assert left == 0
    assert right == pytest.approx(0.01 * 708 + 0.25 * 708, abs=4)


@pytest.mark.parametrize("ratio", endpoints.get(SLUG).choices("aspect_ratio").values)
def test_the_canvas_has_the_asked_shape_and_size(ratio: str, box: Drawing) -> None:
    edited = scene(box.png, aspect_ratio=ratio, megapixel="0.5")

    wide, high = map(int, ratio.split(" ", 1)[0].split(":"))
    assert edited.width / edited.height == pytest.approx(wide / high, rel=0.025)
    assert edited.width * edited.height == pytest.approx(0.5e6, rel=0.03)


def test_upscale_doubles_both_sides(box: Drawing) -> None:
    plain, doubled = scene(box.png), scene(box.png, upscale=True)

    assert (doubled.width, doubled.height) == (2 * plain.width, 2 * plain.height)


def test_a_drop_shadow_darkens_the_floor_and_nothing_else_moves(box: Drawing) -> None:
    with_shadow = pixels(scene(box.png, aspect_ratio="1:1 (Perfect Square)", scale=0.5))
    without = pixels(scene(box.png, aspect_ratio="1:1 (Perfect Square)", scale=0.5, dropshadow=False))

    darker = without.mean(axis=-1) - with_shadow.mean(axis=-1)
    assert darker.max() > 40
    assert darker.min() > -3
    assert np.abs(darker[:100]).max() < 3


def test_the_set_takes_its_colours_from_the_prompt(box: Drawing) -> None:
    def wall(prompt: str) -> np.ndarray:
        return pixels(scene(box.png, prompt=prompt))[:60].reshape(-1, 3).mean(axis=0)

    forest, beach, night = wall("in a forest"), wall("on the beach at sunset"), wall("a dark night")
    assert forest[1] > forest[0] + 15
    assert beach[0] > beach[2] + 30
    assert night.mean() < 0.5 * beach.mean()


def test_other_prompts_without_known_words_get_other_sets(box: Drawing) -> None:
    walls = {tuple(pixels(scene(box.png, prompt=f"zq{n}"))[:40].reshape(-1, 3).mean(axis=0).round()) for n in range(6)}

    assert len(walls) > 1


def test_a_word_in_the_negative_prompt_has_no_effect(box: Drawing) -> None:
    avoided = scene(box.png, prompt="forest cabin", negative_prompt="forest")
    wanted = scene(box.png, prompt="forest cabin")

    green = [pixels(one)[:60, :, 1].mean() - pixels(one)[:60, :, 0].mean() for one in (avoided, wanted)]
    assert green[0] < green[1] - 10


def test_seeds_make_the_difference_and_are_reported(box: Drawing) -> None:
    first, again, other = scene(box.png, seed=4), scene(box.png, seed=4), scene(box.png, seed=5)

    assert first == again
    assert first.seed == 4
    assert first.data != other.data
    assert np.abs(pixels(first) - pixels(other)).mean() > 1


@pytest.mark.parametrize("seed", [{}, {"seed": -1}])
def test_without_a_seed_the_answer_follows_from_the_parameters(seed: dict[str, int], box: Drawing) -> None:
    sent = {"image": "https://x/i.png", "prompt": "a shelf", "megapixel": "0.1", **seed}

    one, two = (edit(SLUG, sent, {"image": box.png})[0] for _ in range(2))

    assert one == two
    assert one.seed is not None
    assert one.seed >= 0
    assert math.isfinite(one.width)
