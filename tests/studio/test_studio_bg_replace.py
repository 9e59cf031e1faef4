"""bg-replace: the reference is behind the product, the product stays."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.sandbox.studio import Edited, edit
from tests.studio.drawing import Drawing, encoded


@pytest.fixture(scope="module")
def meadow() -> bytes:
    out = io.BytesIO()
    slope = np.linspace(60, 200, 300)[:, None, None] * np.array([0.5, 1.0, 0.4]) * np.ones((1, 500, 1))
    Image.fromarray(slope.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def replaced(image: bytes, reference: bytes, **params: Any) -> list[Edited]:
    sent = {"image": "u", "ref_image": "u", "prompt": "product", "seed": 3, **params}
    return edit("bg-replace", sent, {"image": image, "ref_image": reference})


def pixels(edited: Edited) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(edited.data)).convert("RGB")).astype(np.float64)


@pytest.mark.parametrize("name", ["bottle", "chair", "mug"])
def test_the_reference_is_behind_and_the_product_stays(
    name: str, meadow: bytes, request: pytest.FixtureRequest
) -> None:
    drawing = request.getfixturevalue(name)

    shown = pixels(replaced(drawing.png, meadow)[0])

    corner = shown[10:60, 10:60].reshape(-1, 3).mean(axis=0)
    assert corner[1] > corner[0] + 15
    assert corner[1] > corner[2] + 15
    middle = np.argwhere(drawing.outline).mean(axis=0).astype(int)
    inside = np.s_[middle[0] - 10 : middle[0] + 10, middle[1] - 10 : middle[1] + 10]
    before = np.asarray(drawing.picture)[inside].reshape(-1, 3).mean(axis=0)
    assert shown[inside].reshape(-1, 3).mean(axis=0) == pytest.approx(before, abs=45)


def test_the_size_is_that_of_the_image(bottle: Drawing, meadow: bytes) -> None:
    edited = replaced(bottle.png, meadow)[0]

    assert (edited.width, edited.height, edited.content_type) == (*bottle.picture.size, "image/jpeg")


def test_samples_differ_and_count_their_seeds_up(bottle: Drawing, meadow: bytes) -> None:
    edited = replaced(bottle.png, meadow, samples=4)

    assert [one.seed for one in edited] == [3, 4, 5, 6]
    assert len({one.data for one in edited}) == 4
    assert edited[2] == replaced(bottle.png, meadow, seed=5)[0]


def test_strength_mixes_from_the_old_background(bottle: Drawing, meadow: bytes) -> None:
    greens = [
        np.ptp(pixels(replaced(bottle.png, meadow, strength=strength)[0])[10:60, 10:60].mean(axis=(0, 1)))
        for strength in (0.0, 0.5, 1.0)
    ]

    assert greens[0] < 6
    assert greens == sorted(greens)


def test_ip_adapter_weight_mixes_from_prompt_to_reference(bottle: Drawing, meadow: bytes) -> None:
    def redness(weight: float) -> float:
        shown = pixels(replaced(bottle.png, meadow, ip_adapter_weight=weight, prompt="red sunset")[0])
        corner = shown[10:60, 10:60].mean(axis=(0, 1))
        return float(corner[0] / corner[1])

    assert redness(0.0) > redness(0.5) > redness(1.0)


def test_there_is_a_contact_shadow_under_the_product(box: Drawing) -> None:
    grey = encoded(Image.new("RGB", (400, 300), (180, 180, 180)))

    shown = pixels(replaced(box.png, grey)[0]).mean(axis=-1)

    assert shown[201:206, 150:250].mean() < shown[270:285, 20:60].mean() - 12


def test_without_a_product_the_whole_picture_stands_on_the_reference(page_of_text: Drawing, meadow: bytes) -> None:
    shown = pixels(replaced(page_of_text.png, meadow)[0])

    corner = shown[5:40, 5:40].mean(axis=(0, 1))
    assert corner[1] > corner[2] + 10
    assert shown[250:400, 150:450].max() > 200
