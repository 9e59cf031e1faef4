"""`edit` itself: pure, portable to other processes, honest about what it is."""

from __future__ import annotations

import io
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from pipeline.sandbox.studio import UnreadableImage, edit
from pipeline.sandbox.studio.encode import NOTE, band_height
from pipeline.sandbox.studio.gallery import Sheet, draw, main, sheets
from tests.studio.drawing import Drawing, encoded

if TYPE_CHECKING:
    from pathlib import Path

RELIGHT = {
    "light_direction": "top",
    "light_type": "softbox",
    "light_temperature": "cool",
    "light_intensity": "medium",
}


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_file_says_what_it_is(kind: str, box: Drawing) -> None:
    edited = edit("segmind-relighting-v2", {**RELIGHT, "output_format": kind}, {"image": box.png})[0]

    info = Image.open(io.BytesIO(edited.data)).info
    xmp = info["xmp"] if kind != "png" else info["XML:com.adobe.xmp"].encode()
    assert NOTE == "photobatch sandbox: local approximation, not the model"
    assert NOTE.encode() in xmp


def test_the_band_takes_the_last_rows_only(box: Drawing) -> None:
    edited = edit("plug-in", {}, {"image": box.png})[0]

    shown, before = Image.open(io.BytesIO(edited.data)).convert("RGB"), box.picture
    rows = band_height(before.size)
    above = (0, 0, before.width, before.height - rows)
    assert 0 < rows < 0.05 * before.height
    assert shown.crop(above).tobytes() == before.crop(above).tobytes()
    assert shown.getpixel((2, before.height - 2)) != before.getpixel((2, before.height - 2))


def test_a_tiny_picture_has_no_band() -> None:
    assert band_height((40, 40)) == 0


def test_an_endpoint_without_an_edit_gives_its_first_image_back_as_png(box: Drawing) -> None:
    edited = edit("somebody-elses", {"image": "u"}, {"image": encoded(box.picture, "JPEG")})

    assert [(one.content_type, one.width, one.height, one.seed) for one in edited] == [("image/png", 400, 300, None)]


def test_an_endpoint_without_images_still_answers() -> None:
    edited = edit("text-to-image", {"prompt": "a cat"}, {})[0]

    assert Image.open(io.BytesIO(edited.data)).size == (1024, 1024)


def test_another_process_makes_the_same_bytes(bottle: Drawing) -> None:
    params = {**RELIGHT, "image": "u", "light_direction": "back"}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(edit, "segmind-relighting-v2", params, {"image": bottle.png}).result()

    assert there == edit("segmind-relighting-v2", params, {"image": bottle.png})


def test_the_refusal_survives_the_way_between_processes() -> None:
    refusal = pickle.loads(pickle.dumps(UnreadableImage("image: the file is empty")))

    assert isinstance(refusal, ValueError)
    assert str(refusal) == "image: the file is empty"


@pytest.mark.parametrize("seed", [0, 1, -7, 999_999_999_999_999, 2**70])
def test_any_whole_number_is_a_seed(seed: int, box: Drawing) -> None:
    params = {"prompt": "shelf", "megapixel": 0.1, "seed": seed}

    assert edit("segmind-scenecraft-v01", params, {"image": box.png})[0].seed == seed


def test_the_images_and_parameters_are_left_alone(box: Drawing) -> None:
    params, images = dict(RELIGHT), {"image": box.png}

    edit("segmind-relighting-v2", params, images)

    assert params == RELIGHT
    assert images == {"image": box.png}


@pytest.mark.parametrize("prompt", ["", "   ", "日本語の商品", "42 % & <b>"])
@pytest.mark.parametrize("slug", ["segmind-scenecraft-v01", "ic-light", "bg-replace"])
def test_any_text_is_a_prompt(slug: str, prompt: str, box: Drawing) -> None:
    params = {"prompt": prompt, "megapixel": 0.1, "width": 256, "height": 256}

    edited = edit(slug, params, dict.fromkeys(("image", "subject_image", "ref_image"), box.png))

    assert edited[0].data


def test_contact_sheets_show_every_endpoint(tmp_path: Path, box: Drawing) -> None:
    photo = tmp_path / "box.png"
    photo.write_bytes(box.png)
    sheet = Sheet("segmind-relighting-v2", RELIGHT, [{"light_direction": "left"}, {"background": "transparent"}])

    page = draw(sheet, [photo])

    assert page.width > 3 * page.height // 2
    assert {one.slug for one in sheets()} >= {"ic-light", "seg-swap", "bg-replace", "segmind-scenecraft-v01"}


def test_contact_sheets_need_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path / "out")]) == 2
    assert "no photographs" in capsys.readouterr().err
