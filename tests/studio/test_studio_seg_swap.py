"""seg-swap: only the mask's region changes, and in it stands what was asked for, as often as asked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.sandbox.studio import Edited, edit
from pipeline.sandbox.studio.encode import band_height
from pipeline.sandbox.studio.region import pieces
from tests.studio.drawing import encoded

if TYPE_CHECKING:
    from tests.studio.drawing import Drawing

SIZE = (400, 300)
REGION = (120, 80, 280, 220)


@pytest.fixture(scope="module")
def room() -> Image.Image:
    """A grey wall, lighter on the left, with a red vase where the mask will be."""
    ramp = np.linspace(190, 110, SIZE[0])[None, :, None] * np.ones((SIZE[1], 1, 3))
    grain = np.random.default_rng(2).normal(0, 4, (SIZE[1], SIZE[0], 1))
    picture = Image.fromarray((ramp + grain).clip(0, 255).astype(np.uint8))
    ImageDraw.Draw(picture).rectangle((150, 100, 249, 209), fill=(200, 20, 20))
    return picture


@pytest.fixture(scope="module")
def mask() -> Image.Image:
    picture = Image.new("L", SIZE, 0)
    ImageDraw.Draw(picture).rectangle((*REGION[:2], REGION[2] - 1, REGION[3] - 1), fill=255)
    return picture


@pytest.fixture(scope="module")
def pattern() -> Image.Image:
    """A cloth: blue and green checks with one yellow spot."""
    tiles = (np.indices((80, 80)) // 10).sum(axis=0) % 2
    cloth = np.where(tiles[..., None] == 1, (30, 60, 150), (30, 110, 80)).astype(np.uint8)
    picture = Image.fromarray(cloth)
    ImageDraw.Draw(picture).ellipse((26, 26, 54, 54), fill=(250, 230, 30))
    return picture


def swapped(room: Image.Image, mask: Image.Image, new: bytes, **params: Any) -> Edited:
    sent = {"main_image": "u", "mask_image": "u", "object_image": "u", "seed": 42, "growmask": 0, **params}
    return edit("seg-swap", sent, {"main_image": encoded(room), "mask_image": encoded(mask), "object_image": new})[0]


def pixels(edited: Edited) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(edited.data)).convert("RGB")).astype(np.int64)


def changed(edited: Edited, room: Image.Image) -> np.ndarray:
    where = (pixels(edited) != np.asarray(room)).any(axis=-1)
    where[SIZE[1] - band_height(SIZE) :] = False
    return where


def distance_to_region() -> np.ndarray:
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    across = np.maximum(np.maximum(REGION[0] - x, x - (REGION[2] - 1)), 0)
    down = np.maximum(np.maximum(REGION[1] - y, y - (REGION[3] - 1)), 0)
    return np.hypot(across, down)


@pytest.mark.parametrize("growth", [0, 5, 20])
def test_only_the_region_changes_grown_by_growmask(
    growth: int, room: Image.Image, mask: Image.Image, pattern: Image.Image
) -> None:
    where = changed(swapped(room, mask, encoded(pattern), growmask=growth), room)

    away = distance_to_region()
    assert not where[away > growth].any()
    assert where[away <= max(0, growth - 2)].mean() > 0.97


@pytest.mark.parametrize(("across", "down"), [(1, 1), (3, 1), (2, 2), (1, 4), (5, 3)])
def test_the_pattern_is_repeated_as_often_as_asked(
    across: int, down: int, room: Image.Image, mask: Image.Image, pattern: Image.Image
) -> None:
    edited = swapped(room, mask, encoded(pattern), horizontal_repeat=across, vertical_repeat=down)

    shown = pixels(edited)
    spots = (shown[..., 0] > shown[..., 2] + 60) & (shown[..., 1] > shown[..., 2] + 60)
    assert pieces(spots).count == across * down


def test_a_cut_out_thing_is_repeated_too(room: Image.Image, mask: Image.Image, box: Drawing) -> None:
    shown = pixels(swapped(room, mask, box.png, horizontal_repeat=3))

    blue = (shown[..., 2] > shown[..., 0] + 30) & (shown[..., 2] > shown[..., 1] + 15)
    assert (pieces(blue).areas[1:] > 50).sum() == 3


def test_the_old_object_is_covered(room: Image.Image, mask: Image.Image, box: Drawing) -> None:
    shown = pixels(swapped(room, mask, box.png))

    assert not ((shown[..., 0] > shown[..., 1] + 60) & (shown[..., 0] > shown[..., 2] + 60)).any()


def test_the_rooms_light_falls_on_the_new_object(room: Image.Image, mask: Image.Image) -> None:
    even = Image.new("RGB", (50, 50), (120, 120, 120))

    shown = pixels(swapped(room, mask, encoded(even)))

    assert shown[150:200, 130:150].mean() > shown[150:200, 250:270].mean() + 6


def test_subject_strength_mixes_from_the_room_to_the_swap(
    room: Image.Image, mask: Image.Image, pattern: Image.Image
) -> None:
    def change(strength: float) -> float:
        shown = pixels(swapped(room, mask, encoded(pattern), subject_strength=strength))
        return float(np.abs(shown - np.asarray(room)).mean())

    assert changed(swapped(room, mask, encoded(pattern), subject_strength=0), room).sum() == 0
    assert 0 < change(0.5) < change(1.0)


def test_fashion_strength_mixes_from_the_old_surface_to_the_pattern(
    room: Image.Image, mask: Image.Image, pattern: Image.Image
) -> None:
    def checks(strength: float) -> float:
        shown = pixels(swapped(room, mask, encoded(pattern), fashion_strength=strength))[90:210, 130:270]
        return float(np.abs(np.diff(shown[..., 2], axis=1)).mean())

    assert checks(0.0) < 0.6 * checks(1.0)


def test_seeds_differ_and_are_reported(room: Image.Image, mask: Image.Image, pattern: Image.Image) -> None:
    one, again, other = (swapped(room, mask, encoded(pattern), seed=seed) for seed in (1, 1, 2))

    assert one == again
    assert one.seed == 1
    assert one.data != other.data


def test_a_mask_of_another_size_is_fitted(room: Image.Image, mask: Image.Image, pattern: Image.Image) -> None:
    where = changed(swapped(room, mask.resize((200, 150)), encoded(pattern)), room)

    assert not where[distance_to_region() > 3].any()
    assert where.any()


def test_a_mask_drawn_by_transparency_counts(room: Image.Image, mask: Image.Image, pattern: Image.Image) -> None:
    drawn = Image.new("RGBA", SIZE, (0, 0, 0, 255))
    drawn.putalpha(mask)

    where = changed(swapped(room, drawn, encoded(pattern)), room)

    assert where.sum() == pytest.approx(160 * 140, rel=0.03)
    assert not where[distance_to_region() > 0].any()


def test_an_empty_mask_changes_nothing(room: Image.Image, pattern: Image.Image) -> None:
    assert changed(swapped(room, Image.new("L", SIZE, 0), encoded(pattern), growmask=20), room).sum() == 0


@pytest.mark.parametrize(("kind", "content"), [("jpeg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")])
def test_format_and_size_are_as_asked(
    kind: str, content: str, room: Image.Image, mask: Image.Image, pattern: Image.Image
) -> None:
    edited = swapped(room, mask, encoded(pattern), image_format=kind)

    assert (edited.content_type, edited.width, edited.height) == (content, *SIZE)
