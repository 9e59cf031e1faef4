"""ic-light: size, number and seeds of the images, and where the light comes from."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from pipeline.sandbox.studio import Edited, edit

if TYPE_CHECKING:
    from tests.studio.drawing import Drawing


def relit(data: bytes, **params: Any) -> list[Edited]:
    sent = {"subject_image": "https://x/i.png", "prompt": "product photo, studio", "seed": 11, "highres_scale": 1}
    return edit("ic-light", {**sent, **params}, {"subject_image": data})


def pixels(edited: Edited) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(edited.data)).convert("RGB")).astype(np.float64)


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(512, 640, 1.5), (256, 1024, 1), (320, 256, 2.25), (1024, 960, 3)]
)
def test_the_size_is_width_and_height_times_scale(width: int, height: int, scale: float, box: Drawing) -> None:
    edited = relit(box.png, width=width, height=height, highres_scale=scale, output_format="jpg")[0]

    assert (edited.width, edited.height) == (round(width * scale), round(height * scale))
    assert pixels(edited).shape[:2] == (edited.height, edited.width)


def test_defaults_are_those_of_the_page(box: Drawing) -> None:
    edited = edit("ic-light", {"subject_image": "u", "prompt": "x"}, {"subject_image": box.png})

    assert [(one.width, one.height, one.content_type) for one in edited] == [(768, 960, "image/webp")]


def test_several_images_differ_and_count_their_seeds_up(bottle: Drawing) -> None:
    edited = relit(bottle.png, number_of_images=3, width=256, height=256)

    assert [one.seed for one in edited] == [11, 12, 13]
    assert len({one.data for one in edited}) == 3
    assert edited[1] == relit(bottle.png, seed=12, width=256, height=256)[0]


@pytest.mark.parametrize(
    ("source", "lit", "shaded"),
    [
        ("Left Light", np.s_[:, :90], np.s_[:, -90:]),
        ("Right Light", np.s_[:, -90:], np.s_[:, :90]),
        ("Top Light", np.s_[:90], np.s_[-110:-20]),
        ("Bottom Light", np.s_[-110:-20], np.s_[:90]),
    ],
)
@pytest.mark.parametrize("name", ["bottle", "chair", "page_of_text"])
def test_the_picture_is_brighter_towards_the_light(
    source: str, lit: object, shaded: object, name: str, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(name).png
    neutral = pixels(relit(data, light_source="None", output_format="png", width=320, height=320)[0])

    shown = pixels(relit(data, light_source=source, output_format="png", width=320, height=320)[0])

    ratio = (shown.mean(axis=-1) + 4) / (neutral.mean(axis=-1) + 4)
    assert np.median(ratio[lit]) > 1.1 * np.median(ratio[shaded])


def test_the_prompt_colours_background_and_light(bottle: Drawing) -> None:
    def corner(prompt: str) -> np.ndarray:
        return pixels(relit(bottle.png, prompt=prompt, output_format="png")[0])[:40, :40].reshape(-1, 3).mean(axis=0)

    sunset, forest = corner("sunset beach"), corner("deep forest")
    assert sunset[0] > sunset[2] + 30
    assert forest[1] > forest[0]


def test_lowres_denoise_says_how_far_the_old_light_gives_way(bottle: Drawing) -> None:
    def change(denoise: float) -> float:
        shown = pixels(relit(bottle.png, lowres_denoise=denoise, light_source="Left Light", output_format="png")[0])
        calm = pixels(relit(bottle.png, lowres_denoise=0.1, light_source="None", output_format="png")[0])
        return float(np.abs(shown - calm)[300:500, 210:300].mean())

    assert change(1.0) > change(0.3)


@pytest.mark.parametrize(("kind", "content"), [("webp", "image/webp"), ("jpg", "image/jpeg"), ("png", "image/png")])
def test_the_format_is_as_asked(kind: str, content: str, box: Drawing) -> None:
    assert relit(box.png, output_format=kind)[0].content_type == content


def test_output_quality_counts(chair: Drawing) -> None:
    sizes = [len(relit(chair.png, output_format="jpg", output_quality=n)[0].data) for n in (0, 60, 100)]

    assert sizes == sorted(set(sizes))
