"""The product is found, or the studio says that it is not sure."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipeline.sandbox.studio.cutout import cut_out
from pipeline.sandbox.studio.source import open_photo
from tests.studio.drawing import Drawing, encoded


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    inside = found > 127
    return float((inside & truth).sum() / (inside | truth).sum())


@pytest.mark.parametrize(("name", "least"), [("box", 0.97), ("bottle", 0.95), ("mug", 0.93), ("chair", 0.9)])
def test_the_outline_is_found(name: str, least: float, request: pytest.FixtureRequest) -> None:
    drawing = request.getfixturevalue(name)

    found = cut_out(open_photo(drawing.png, "image"))

    assert found.sure
    assert overlap(found.alpha, drawing.outline) > least


def test_a_floor_shadow_is_not_part_of_the_product(bottle: Drawing) -> None:
    found = cut_out(open_photo(bottle.png, "image"))

    assert found.alpha[545, 160] < 64
    assert found.alpha[545, 325] < 64


def test_one_looks_through_a_handle(mug: Drawing) -> None:
    found = cut_out(open_photo(mug.png, "image"))

    assert found.alpha[310, 425] < 32
    assert found.alpha[310, 300] == 255


def test_a_page_of_text_is_no_product(page_of_text: Drawing) -> None:
    found = cut_out(open_photo(page_of_text.png, "image"))

    assert not found.sure
    assert found.alpha.min() == 255


def test_transparency_is_the_outline(box: Drawing) -> None:
    cut = box.picture.copy()
    cut.putalpha(Image.fromarray(box.outline.astype(np.uint8) * 255))

    found = cut_out(open_photo(encoded(cut), "image"))

    assert found.sure
    assert overlap(found.alpha, box.outline) == 1.0


def test_a_product_cut_from_white_has_no_white_fringe() -> None:
    picture = Image.new("RGB", (300, 300), "white")
    picture.paste((30, 60, 30), (100, 100, 200, 200))
    smaller = picture.resize((210, 210), Image.Resampling.LANCZOS)

    found = cut_out(open_photo(encoded(smaller), "image"))

    assert found.own[found.alpha > 20].max() < 110
