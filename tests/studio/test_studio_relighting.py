"""Relighting: every parameter value is seen in the picture."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.sandbox.studio import Edited, edit
from tests.studio.drawing import Drawing, encoded

PLAIN = {
    "light_direction": "left",
    "light_type": "softbox",
    "light_temperature": "neutral",
    "light_intensity": "strong",
}
LUMA = np.array([0.2126, 0.7152, 0.0722])


def relit(data: bytes, **params: Any) -> Edited:
    return edit("segmind-relighting-v2", {**PLAIN, "image": "https://x/i.png", **params}, {"image": data})[0]


def pixels(edited: Edited, mode: str = "RGB") -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(edited.data)).convert(mode)).astype(np.float64)


def luminance(data: bytes, **params: Any) -> np.ndarray:
    return (pixels(relit(data, **params)) / 255) ** 2.2 @ LUMA


@pytest.mark.parametrize("kind", ["softbox", "sunlight", "spotlight"])
@pytest.mark.parametrize("name", ["bottle", "chair", "page_of_text"])
def test_left_and_right_are_brighter_on_their_side(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    data = request.getfixturevalue(name).png

    from_left = luminance(data, light_direction="left", light_type=kind)
    from_right = luminance(data, light_direction="right", light_type=kind)
    ratio = (from_left + 0.01) / (from_right + 0.01)

    half = ratio.shape[1] // 2
    assert np.median(ratio[:, :half]) > 1.15
    assert np.median(ratio[:, -half:]) < 1 / 1.15


def test_the_product_itself_is_brighter_on_the_side_of_the_light(bottle: Drawing) -> None:
    from_left = luminance(bottle.png, light_direction="left")

    lit, shaded = from_left[480:540, 190:210], from_left[480:540, 270:290]
    assert lit.mean() > 1.5 * shaded.mean()


@pytest.mark.parametrize("name", ["bottle", "chair"])
def test_light_from_the_top_is_brighter_above(name: str, request: pytest.FixtureRequest) -> None:
    data = request.getfixturevalue(name).png
    sideways = luminance(data, light_direction="left") + luminance(data, light_direction="right")

    ratio = luminance(data, light_direction="top") / (sideways + 0.01)

    third = ratio.shape[0] // 3
    assert np.median(ratio[:third]) > 1.2 * np.median(ratio[-third:])


@pytest.mark.parametrize("kind", ["softbox", "sunlight", "spotlight", "ambient"])
def test_light_from_behind_gives_a_rim_and_a_glow(kind: str, bottle: Drawing) -> None:
    behind = luminance(bottle.png, light_direction="back", light_type=kind)

    front = behind[480:540, 225:255].mean()
    rim = behind[230:300, 181:186].mean()
    glow = behind[200:300, 130:160].mean()
    corner = behind[20:60, 20:60].mean()
    assert rim > 1.25 * front
    assert glow > 1.1 * corner


@pytest.mark.parametrize("direction", ["left", "right", "top", "back"])
def test_red_to_blue_follows_the_temperature(direction: str, bottle: Drawing) -> None:
    def warmth(temperature: str) -> float:
        shown = pixels(relit(bottle.png, light_direction=direction, light_temperature=temperature))
        return float((shown[..., 0].mean() + 1) / (shown[..., 2].mean() + 1))

    sunset, warm, neutral, cool = map(warmth, ["sunset", "warm", "neutral", "cool"])
    assert sunset > 1.05 * warm
    assert warm > 1.05 * neutral
    assert neutral > 1.05 * cool


@pytest.mark.parametrize("kind", ["softbox", "sunlight", "spotlight", "ambient"])
def test_intensities_differ_in_brightness_and_contrast(kind: str, bottle: Drawing) -> None:
    shown = {
        name: luminance(bottle.png, light_intensity=name, light_type=kind)
        for name in ("mood", "medium", "bright", "strong")
    }

    def brightness(name: str) -> float:
        return float(shown[name].mean())

    def contrast(name: str) -> float:
        return float(shown[name][480:540, 190:210].mean() / shown[name][480:540, 270:290].mean())

    assert brightness("medium") > 1.4 * brightness("mood")
    assert brightness("bright") > 1.1 * brightness("medium")
    assert contrast("strong") > 1.05 * contrast("bright")


@pytest.mark.parametrize(("direction", "shaded", "open_"), [("left", 340, 130), ("right", 130, 340)])
def test_sunlight_casts_a_shadow_away_from_the_lamp(direction: str, shaded: int, open_: int, bottle: Drawing) -> None:
    sun = luminance(bottle.png, light_direction=direction, light_type="sunlight")
    flat = luminance(bottle.png, light_direction=direction, light_type="ambient")

    kept = sun / flat

    assert kept[500:530, shaded - 15 : shaded + 15].mean() < 0.7 * kept[500:530, open_ - 15 : open_ + 15].mean()


def test_a_spotlight_leaves_the_corners_dark(bottle: Drawing) -> None:
    spot = luminance(bottle.png, light_type="spotlight", light_direction="top")
    soft = luminance(bottle.png, light_type="softbox", light_direction="top")

    assert spot[-120:-60, :60].mean() < 0.4 * soft[-120:-60, :60].mean()
    assert spot[250:300, 200:280].mean() > 0.6 * soft[250:300, 200:280].mean()


def test_ambient_light_is_flat(bottle: Drawing) -> None:
    def slope(kind: str) -> float:
        shown = luminance(bottle.png, light_type=kind)
        return float(shown[480:540, 190:210].mean() / shown[480:540, 270:290].mean())

    assert slope("ambient") < 0.7 * slope("softbox")


@pytest.mark.parametrize("intensity", ["strong", "mood"])
@pytest.mark.parametrize("kind", ["softbox", "sunlight", "spotlight", "ambient"])
@pytest.mark.parametrize("direction", ["left", "right", "top", "back"])
def test_print_on_a_label_stays_readable(direction: str, kind: str, intensity: str, bottle: Drawing) -> None:
    shown = luminance(bottle.png, light_direction=direction, light_type=kind, light_intensity=intensity)

    print_ = np.quantile(shown[355:385, 195:285], 0.03)
    paper = np.quantile(shown[355:385, 195:285], 0.9)
    assert (paper + 0.005) / (print_ + 0.005) > 2.5


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_transparent_background_is_alpha(kind: str, bottle: Drawing) -> None:
    edited = relit(bottle.png, background="transparent", output_format=kind)

    alpha = pixels(edited, "RGBA")[..., 3]
    assert alpha[5, 5] == 0
    assert alpha[300, 240] == 255
    assert edited.content_type == f"image/{kind}"


def test_a_jpeg_asked_to_be_transparent_is_flattened_on_white(bottle: Drawing) -> None:
    shown = pixels(relit(bottle.png, background="transparent", output_format="jpeg", light_intensity="mood"))

    assert shown[:20, :20].min() > 250


def test_an_opaque_background_has_no_alpha(bottle: Drawing) -> None:
    assert Image.open(io.BytesIO(relit(bottle.png).data)).mode == "RGB"


@pytest.mark.parametrize("size", ["1024x1024", "1536x1024", "1024x1536"])
@pytest.mark.parametrize("quality", ["low", "high"])
def test_the_size_is_as_asked(size: str, quality: str, chair: Drawing) -> None:
    edited = relit(chair.png, size=size, quality=quality, output_format="jpeg")

    width, height = map(int, size.split("x"))
    assert (edited.width, edited.height) == (width, height)
    assert Image.open(io.BytesIO(edited.data)).size == (width, height)


def test_auto_keeps_the_size_up_to_two_megapixels(bottle: Drawing) -> None:
    large = encoded(bottle.picture.resize((2400, 3200)), "JPEG")

    assert (relit(bottle.png).width, relit(bottle.png).height) == bottle.picture.size
    reduced = relit(large, output_format="jpeg")
    assert reduced.width * reduced.height <= 2_110_000
    assert reduced.width / reduced.height == pytest.approx(0.75, abs=0.002)


def test_another_shape_keeps_the_whole_product() -> None:
    picture = Image.new("RGB", (300, 900), (240, 240, 240))
    picture.paste((60, 90, 60), (100, 40, 200, 860))

    shown = pixels(relit(encoded(picture), size="1536x1024", light_type="ambient", background="transparent"), "RGBA")

    rows = np.nonzero((shown[..., 3] > 127).any(axis=1))[0]
    assert rows[0] > 20
    assert 850 < rows[-1] - rows[0] < 990


@pytest.mark.parametrize(("kind", "magic"), [("png", b"\x89PNG"), ("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF")])
def test_the_file_is_of_the_format_asked_for(kind: str, magic: bytes, box: Drawing) -> None:
    edited = relit(box.png, output_format=kind)

    assert edited.data.startswith(magic)
    assert edited.content_type == f"image/{kind}"
    assert edited.seed is None


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_less_compression_quality_makes_a_smaller_file(kind: str, chair: Drawing) -> None:
    sizes = [len(relit(chair.png, output_format=kind, output_compression=n).data) for n in (0, 50, 100)]

    assert sizes == sorted(sizes)
    assert sizes[0] < 0.5 * sizes[2]


def test_low_quality_shows_less_detail(chair: Drawing) -> None:
    def detail(quality: str) -> float:
        return float(np.abs(np.diff(pixels(relit(chair.png, quality=quality))[100:500], axis=1)).mean())

    assert detail("low") < detail("medium") < detail("high")
