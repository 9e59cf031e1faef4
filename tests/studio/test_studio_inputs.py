"""Whatever is sent as an image is edited, or refused by name; nothing else happens."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.sandbox.studio import UnreadableImage, edit
from pipeline.sandbox.studio.source import open_photo
from tests.studio.drawing import encoded

CALLS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "segmind-relighting-v2": (
        {"light_direction": "back", "light_type": "spotlight", "light_temperature": "warm", "light_intensity": "mood"},
        ("image",),
    ),
    "ic-light": ({"prompt": "cat", "width": 256, "height": 256, "highres_scale": 1}, ("subject_image",)),
    "seg-swap": ({"horizontal_repeat": 2}, ("main_image", "mask_image", "object_image")),
    "segmind-scenecraft-v01": ({"prompt": "walnut table", "megapixel": "0.1"}, ("image",)),
    "bg-replace": ({"prompt": "rock"}, ("image", "ref_image")),
}


def _photo(mode: str, size: tuple[int, int]) -> Image.Image:
    x = np.linspace(0, 255, size[0])[None, :] * np.ones((size[1], 1))
    picture = np.stack([x, x[:, ::-1], 0.5 * x], axis=-1).astype(np.uint8)
    picture[size[1] // 4 : -size[1] // 4 or None, size[0] // 3 : -size[0] // 3 or None] = (200, 30, 30)
    return Image.fromarray(picture).convert(mode)


def _deep(kind: str = "PNG") -> bytes:
    ramp = np.linspace(0, 65535, 200 * 150).reshape(150, 200).astype(np.uint16)
    return encoded(Image.fromarray(ramp), kind)


STRANGE: dict[str, bytes] = {
    "one pixel": encoded(Image.new("RGB", (1, 1), "red"), "PNG"),
    "two by three": encoded(Image.new("RGB", (2, 3), "red"), "PNG"),
    "500:1": encoded(_photo("RGB", (2000, 4)), "PNG"),
    "1:500": encoded(_photo("RGB", (3, 1500)), "PNG"),
    "grey": encoded(_photo("L", (200, 150)), "JPEG"),
    "grey and alpha": encoded(_photo("LA", (200, 150)), "PNG"),
    "fully transparent": encoded(Image.new("RGBA", (200, 150), (0, 0, 0, 0)), "PNG"),
    "palette": encoded(_photo("P", (200, 150)), "PNG"),
    "palette with a transparent colour": encoded(_photo("P", (200, 150)), "PNG", transparency=0),
    "black and white": encoded(_photo("1", (200, 150)), "PNG"),
    "CMYK": encoded(_photo("CMYK", (200, 150)), "JPEG"),
    "16 bit": _deep(),
    "16 bit TIFF": _deep("TIFF"),
    "floating point": encoded(Image.fromarray(np.linspace(0, 1, 30000).reshape(150, 200).astype(np.float32)), "TIFF"),
    "animation": encoded(_photo("P", (200, 150)), "GIF", save_all=True, append_images=[_photo("P", (200, 150))]),
    "one colour": encoded(Image.new("RGB", (300, 200), (255, 255, 255)), "PNG"),
    "all black": encoded(Image.new("RGB", (300, 200), 0), "JPEG"),
    "noise": encoded(Image.fromarray(np.random.default_rng(1).integers(0, 256, (150, 200, 3), np.uint8)), "PNG"),
    "AVIF": encoded(_photo("RGB", (200, 150)), "AVIF"),
    "WebP with alpha": encoded(_photo("RGBA", (200, 150)), "WEBP"),
    "progressive JPEG": encoded(_photo("RGB", (200, 150)), "JPEG", progressive=True),
}


@pytest.mark.parametrize("slug", CALLS)
@pytest.mark.parametrize("name", STRANGE)
def test_strange_images_are_edited_all_the_same(slug: str, name: str) -> None:
    params, fields = CALLS[slug]

    (edited,) = edit(slug, {**params, **dict.fromkeys(fields, "u")}, dict.fromkeys(fields, STRANGE[name]))

    shown = Image.open(io.BytesIO(edited.data))
    shown.load()
    assert shown.size == (edited.width, edited.height)


@pytest.mark.parametrize("slug", CALLS)
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"", "empty"),
        (b"<html>404</html>", "unknown format"),
        (b"%PDF-1.4 nothing", "unknown format"),
        (STRANGE["progressive JPEG"][:900], "decoded"),
        (STRANGE["16 bit"][:300], "decoded"),
    ],
)
def test_a_broken_image_is_refused_by_the_name_of_its_field(slug: str, broken: bytes, why: str) -> None:
    params, fields = CALLS[slug]
    images = {**dict.fromkeys(fields, STRANGE["grey"]), fields[-1]: broken}

    with pytest.raises(UnreadableImage, match=f"^{fields[-1]}: .*{why}"):
        edit(slug, {**params, **dict.fromkeys(fields, "u")}, images)


@pytest.mark.parametrize(("width", "height"), [(7000, 6000), (9000, 8000), (30000, 30000), (60000, 2000)])
def test_too_many_pixels_are_refused_from_the_header(width: int, height: int) -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")

    with pytest.raises(UnreadableImage, match=r"^image: .*limit is \d+ megapixels"):
        open_photo(bomb, "image")


@pytest.mark.parametrize("turn", range(2, 9))
def test_the_rotation_flag_is_applied(turn: int) -> None:
    upright = Image.new("RGB", (120, 80), "white")
    upright.paste((255, 0, 0), (0, 0, 40, 30))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[turn]
    stored = upright.transpose(Image.Transpose(back))
    exif = Image.Exif()
    exif[0x0112] = turn

    photo = open_photo(encoded(stored, "PNG", exif=exif.tobytes()), "image")

    assert photo.size == (120, 80)
    assert photo.rgb[5, 5].tolist() == [255, 0, 0]


def test_an_embedded_profile_is_converted_to_srgb() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    plain = _photo("RGB", (60, 40))

    photo = open_photo(encoded(plain, "PNG", icc_profile=profile.tobytes()), "image")

    assert photo.size == (60, 40)


def test_sixteen_bits_are_scaled_and_not_cut() -> None:
    photo = open_photo(STRANGE["16 bit"], "image")

    assert photo.rgb[0, 0, 0] == 0
    assert 120 < photo.rgb[75, 100, 0] < 135
    assert photo.rgb[-1, -1, 0] == 255


def test_large_photographs_are_reduced() -> None:
    photo = open_photo(encoded(_photo("RGB", (4000, 3000)), "JPEG"), "image")

    assert photo.size[0] * photo.size[1] <= 2_110_000
    assert photo.size[0] / photo.size[1] == pytest.approx(4 / 3, abs=0.003)


def test_a_photograph_of_fifty_megapixels_is_welcome() -> None:
    photo = open_photo(encoded(Image.new("L", (8200, 6100), 90), "JPEG"), "image")

    assert photo.size[0] * photo.size[1] <= 2_110_000
    assert photo.size[0] / photo.size[1] == pytest.approx(8200 / 6100, abs=0.003)


def test_a_large_deep_grey_picture_keeps_its_range() -> None:
    ramp = np.tile(np.linspace(0, 65535, 3000).astype(np.uint16), (2000, 1))

    photo = open_photo(encoded(Image.fromarray(ramp)), "image")

    middle = photo.rgb[photo.rgb.shape[0] // 2, :, 0].astype(int)
    assert middle[0] <= 2
    assert middle[-1] >= 253
    assert abs(middle[len(middle) // 2] - 127) <= 2
