"""Photographs as they lie on people's disks, through a whole run: converted as a photographer expects, or refused."""

from __future__ import annotations

import base64
import csv
import json
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.catalogue.commands import RELIGHT, photo, photobatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RED = (200, 30, 30)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def made(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def plain(size: tuple[int, int] = (96, 64)) -> Image.Image:
    return Image.open(BytesIO(photo(RED, size, "PNG")))


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return made(plain().rotate(90, expand=True), "JPEG", exif=exif)


def deep() -> bytes:
    return made(Image.fromarray((np.arange(96 * 64).reshape(64, 96) * 10).astype(np.uint16)), "PNG")


def animated() -> bytes:
    return made(plain(), "GIF", save_all=True, append_images=[Image.new("RGB", (96, 64), "blue")])


def multi_picture() -> bytes:
    return made(plain(), "MPO", save_all=True, append_images=[plain((48, 32))])


def transparent() -> bytes:
    picture = plain().convert("RGBA")
    picture.putalpha(Image.new("L", picture.size, 128))
    return made(picture, "PNG")


USABLE: dict[str, Callable[[], bytes]] = {
    "plain.jpg": lambda: photo(RED),
    "profile.jpg": lambda: made(plain(), "JPEG", icc_profile=PROFILE),
    "turned.jpg": turned,
    "print.jpg": lambda: made(plain().convert("CMYK"), "JPEG"),
    "gray.jpg": lambda: made(plain().convert("L"), "JPEG"),
    "deep.png": deep,
    "palette.png": lambda: made(plain().convert("P"), "PNG"),
    "cut-out.png": transparent,
    "animated.gif": animated,
    "scan.tif": lambda: made(plain(), "TIFF", compression="tiff_lzw"),
    "phone.avif": lambda: made(plain(), "AVIF"),
    "stereo.jpg": multi_picture,
    "shop.webp": lambda: made(plain(), "WEBP"),
    "old.bmp": lambda: made(plain(), "BMP"),
    "really-a-png.jpg": lambda: photo(RED, kind="PNG"),
    "Größe 1 (neu).jpg": lambda: photo((1, 2, 200)),
}
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "login.jpg": (lambda: b"<!DOCTYPE html><html><body>Log in</body></html>", "HTML"),
    "denied.png": (lambda: b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML"),
    "zero.jpg": (lambda: b"", "empty"),
    "half.jpg": (lambda: photo(RED, (400, 300))[:1500], "truncated|cut|incomplete"),
    "words.jpg": (lambda: b"see attachment", "plain text"),
    "bomb.png": (lambda: made(Image.new("1", (20_000, 20_000)), "PNG"), "megapixel|pixels|MP"),
}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for name, make in USABLE.items():
        (folder / name).write_bytes(make())
    for name, (make, _) in REFUSED.items():
        (folder / name).write_bytes(make())
    (folder / "notes.txt").write_text("not a photograph")
    return folder


def lines(out: Path) -> dict[str, dict[str, str]]:
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        return {line["row.path"]: line for line in csv.DictReader(file)}


@pytest.fixture(scope="module")
def results(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """One run over the folder, against the embedded sandbox."""
    out = tmp_path_factory.mktemp("out")
    done = photobatch("run", photographs, *RELIGHT, "--sandbox", "--out", out, "--json")
    assert done.code == 3, done.err
    return lines(out)


@pytest.mark.parametrize("name", USABLE)
def test_a_usable_photograph_becomes_an_output(name: str, results: dict[str, dict[str, str]]) -> None:
    line = results[name]

    assert (line["state"], line["error"]) == ("done", "")
    assert int(line["width"]) > int(line["height"])


@pytest.mark.parametrize("name", REFUSED)
def test_an_unusable_file_is_refused_with_its_reason_and_never_paid(
    name: str, results: dict[str, dict[str, str]]
) -> None:
    line = results[name]

    assert (line["state"], line["error_class"], line["attempts"], line["request_id"]) == (
        "invalid",
        "bad_input",
        "0",
        "",
    )
    assert re.search(REFUSED[name][1], line["error"]), line["error"]
    assert name in line["error"]


def test_nothing_else_in_the_folder_is_a_row(results: dict[str, dict[str, str]]) -> None:
    assert results.keys() == USABLE.keys() | REFUSED.keys()


def test_planning_says_the_same_and_spends_nothing(photographs: Path) -> None:
    planned = photobatch("plan", photographs, *RELIGHT, "--json")

    assert planned.code == 3
    assert planned.summary["invalid"] == len(REFUSED)
    assert planned.summary["tasks"] == len(USABLE) + len(REFUSED)


def test_images_may_stand_in_the_cell_itself(tmp_path: Path) -> None:
    uri = "data:image/png;base64," + base64.b64encode(photo(RED, kind="PNG")).decode()
    damaged = "data:image/png;base64," + base64.b64encode(photo(RED, kind="PNG")[:200]).decode()
    lines = [{"id": "a", "image_url": uri}, {"id": "b", "image_url": damaged}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))

    done = photobatch("run", "in.jsonl", *RELIGHT, "--sandbox", "--out", "out", "--json")

    assert (done.summary["tasks"]["done"], done.summary["tasks"]["invalid"]) == (1, 1)
