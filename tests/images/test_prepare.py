"""Difficult photographs before money is spent: a table of what every kind becomes."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.images.decode import Limits
from pipeline.images.errors import BadInput
from pipeline.images.files import read_image_file
from pipeline.images.prepare import prepare
from tests.images.pictures import SRGB, decoded, encoded, picture, png_chunk, png_that_claims, tiff_that_claims

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = [Image.new("RGB", (40, 30), color) for color in ("red", "blue", "green")]


def turned(kind: str, orientation: int, **options: Any) -> bytes:
    """The usual picture stored in another orientation, with the tag that says so."""
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    tags = Image.Exif()
    tags[0x0112] = orientation
    return encoded(picture().transpose(stored), kind, exif=tags, **options)


def deep_png() -> bytes:
    """16 bits per channel, which Pillow reads and cannot write."""
    import zlib

    rows = b"".join(b"\0" + b"".join(struct.pack(">3H", x * 600, 30_000, 65_535) for x in range(40)) for _ in range(30))
    ihdr = struct.pack(">2I5B", 40, 30, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", ihdr), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*each) for each in chunks)


def deep_tiff() -> bytes:
    """16 bits per channel, uncompressed: tags of width, height, bits, photometric, strip, samples, rows, bytes."""
    pixels = b"".join(struct.pack("<3H", x * 600, 30_000, 65_535) for _ in range(30) for x in range(40))
    bits_at, pixels_at = 8 + 2 + 8 * 12 + 4, 8 + 2 + 8 * 12 + 4 + 6
    shorts = {256: 40, 257: 30, 262: 2, 277: 3, 278: 30}
    entries = {tag: struct.pack("<HHII", tag, 3, 1, value) for tag, value in shorts.items()}
    entries[258] = struct.pack("<HHII", 258, 3, 3, bits_at)
    entries[273] = struct.pack("<HHII", 273, 4, 1, pixels_at)
    entries[279] = struct.pack("<HHII", 279, 4, 1, len(pixels))
    directory = struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + b"\0" * 4
    return b"II*\0\x08\0\0\0" + directory + struct.pack("<3H", 16, 16, 16) + pixels


def mpo() -> bytes:
    return encoded(kind="MPO", save_all=True, append_images=FRAMES[:1], quality=95)


def cmyk_profile() -> bytes:
    """A header that says CMYK and nothing behind it: a profile that no engine can use."""
    return SRGB[:16] + b"CMYK" + SRGB[20:]


def working_cmyk_profile() -> bytes:
    """The smallest profile that converts: a table of the 16 corners of CMYK in Lab (ICC.1:2001, lut8Type).

    Its cyan is pure blue, so that a conversion that ignores the profile shows.
    """
    corners = bytearray(b"\0\x80\x80" * 16)  # black, but for
    corners[:3] = b"\xff\x80\x80"  # no ink: white
    corners[24:27] = bytes((75, 128 + 68, 128 - 112))  # cyan alone: sRGB's blue in Lab
    ramp = bytes(range(256))
    identity = b"".join(struct.pack(">i", 65_536 if at in (0, 4, 8) else 0) for at in range(9))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4 + bytes(corners) + ramp * 3
    table += b"\0" * (-len(table) % 4)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63_190, 65_536, 54_061)
    at = 128 + 4 + 2 * 12
    tags = struct.pack(">I", 2) + b"A2B0" + struct.pack(">2I", at, len(table))
    tags += b"wtpt" + struct.pack(">2I", at + len(table), len(white))
    header = bytearray(128)
    header[:4] = struct.pack(">I", at + len(table) + len(white))
    header[8:24] = b"\2\x40\0\0prtrCMYKLab "
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3i", 63_190, 65_536, 54_061)
    return bytes(header) + tags + table + white


def color_keyed_png() -> bytes:
    return encoded(Image.new("RGB", (40, 30), "white"), "GIF", transparency=0)


UNTOUCHED = {
    "png": encoded(),
    "png with alpha": encoded(picture("RGBA")),
    "gray png": encoded(picture("L")),
    "gray png with alpha": encoded(picture("LA")),
    "black and white mask": encoded(picture("1")),
    "jpeg": encoded(kind="JPEG", icc_profile=SRGB),
    "upright jpeg with exif": encoded(kind="JPEG", exif=Image.Exif()),
    "gray jpeg": encoded(picture("L"), "JPEG"),
    "progressive jpeg": encoded(kind="JPEG", progressive=True),
    "jpeg with damaged exif": encoded(kind="JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01"),
    "webp": encoded(kind="WEBP"),
    "webp with alpha": encoded(picture("RGBA"), "WEBP", lossless=True),
}

CHANGED = {
    "palette png": (encoded(picture("P")), "png", "RGB", "palette to RGB"),
    "palette with a clear colour": (encoded(picture("P"), transparency=3), "png", "RGBA", "palette to RGBA"),
    "16-bit gray png": (encoded(picture("I;16")), "png", "L", "16-bit gray to 8-bit"),
    "16-bit rgb png": (deep_png(), "png", "RGB", "16-bit to 8-bit"),
    "cmyk jpeg without profile": (encoded(picture("CMYK"), "JPEG"), "jpg", "RGB", "check the colours"),
    "cmyk jpeg with a useless profile": (
        encoded(picture("CMYK"), "JPEG", icc_profile=cmyk_profile()),
        "jpg",
        "RGB",
        "check the colours",
    ),
    "cmyk tiff": (encoded(picture("CMYK"), "TIFF"), "png", "RGB", "check the colours"),
    "lab tiff": (encoded(picture("LAB"), "TIFF"), "png", "RGB", "Lab to sRGB"),
    "float tiff": (encoded(Image.fromarray(np.full((30, 40), 0.5, np.float32)), "TIFF"), "png", "L", "32-bit gray"),
    "16-bit tiff": (encoded(picture("I;16"), "TIFF"), "png", "L", "16-bit gray to 8-bit"),
    "16-bit rgb tiff": (deep_tiff(), "png", "RGB", "16-bit to 8-bit"),
    "gif cut in its last frame": (
        encoded(kind="GIF", save_all=True, append_images=FRAMES)[:-40],
        "png",
        "RGB",
        "GIF to PNG",
    ),
    "tiff": (encoded(kind="TIFF", compression="tiff_lzw"), "png", "RGB", "TIFF to PNG"),
    "tiff with alpha": (encoded(picture("RGBA"), "TIFF"), "png", "RGBA", "TIFF to PNG"),
    "tiff with pages": (
        encoded(kind="TIFF", save_all=True, append_images=FRAMES),
        "png",
        "RGB",
        "the first of 4 pages",
    ),
    "bmp": (encoded(kind="BMP"), "png", "RGB", "BMP to PNG"),
    "gif": (encoded(picture("P"), "GIF"), "png", "RGB", "GIF to PNG"),
    "gif with a clear colour": (color_keyed_png(), "png", "RGBA", "palette to RGBA"),
    "moving gif": (encoded(kind="GIF", save_all=True, append_images=FRAMES), "png", "RGB", "the first of 4 frames"),
    "moving png": (encoded(kind="PNG", save_all=True, append_images=FRAMES), "png", "RGB", "the first of 4 frames"),
    "moving webp": (encoded(kind="WEBP", save_all=True, append_images=FRAMES), "jpg", "RGB", "the first of 4 frames"),
    "avif": (encoded(kind="AVIF"), "jpg", "RGB", "AVIF to JPEG"),
    "avif with alpha": (encoded(picture("RGBA"), "AVIF"), "png", "RGBA", "AVIF to PNG"),
    "phone photo of several pictures": (mpo(), "jpg", "RGB", "MPO to JPEG"),
    "turned phone photo of several pictures": (
        turned("MPO", 6, save_all=True, append_images=FRAMES[:1]),
        "jpg",
        "RGB",
        "turned upright",
    ),
}

BAD = {
    "zero bytes": (b"", "empty (0 bytes)"),
    "html": (b"<!DOCTYPE html><title>Sign in</title>", 'an HTML page ("Sign in")'),
    "xml": (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", 'an XML document ("NoSuchKey")'),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "export it as JPEG"),
    "cut jpeg": (encoded(picture(size=(300, 200)), "JPEG")[:-900], "cut off"),
    "cut png": (encoded(picture(size=(300, 200)))[:-40], "cut off"),
    "bomb": (png_that_claims(50_000, 50_000), "2500 megapixels"),
    "bomb in a tiff": (tiff_that_claims(30_000, 30_000), "900 megapixels"),
    "raw preview": (encoded(kind="TIFF", tiffinfo={254: 1, 330: 8}), "camera raw"),
    "dng": (encoded(kind="TIFF", tiffinfo={50706: b"\1\4\0\0"}), "camera raw"),
}


def far_apart(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures, in steps of 255."""
    pair = [np.asarray(each.convert("RGB"), dtype=np.int16) for each in (one, other)]
    return float(np.abs(pair[0] - pair[1]).mean())


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_every_endpoint_reads_passes_byte_for_byte(name: str) -> None:
    ready = prepare(UNTOUCHED[name])

    assert ready.data == UNTOUCHED[name]
    assert ready.changed == ()
    assert (ready.width, ready.height) == (40, 30)


@pytest.mark.parametrize("name", CHANGED)
def test_what_not_every_endpoint_reads_is_converted_and_said(name: str) -> None:
    data, extension, mode, words = CHANGED[name]

    ready = prepare(data)

    sent = decoded(ready.data)
    assert (ready.extension, sent.mode, sent.size) == (extension, mode, (40, 30))
    assert any(words in change for change in ready.changed)
    assert (ready.width, ready.height) == sent.size
    assert getattr(sent, "n_frames", 1) == 1
    assert prepare(ready.data).changed == ()


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_usable_image_is_refused_by_name_and_reason(name: str) -> None:
    data, words = BAD[name]

    with pytest.raises(BadInput) as refusal:
        prepare(data, name="row 7, image_url")

    assert words in refusal.value.reason
    assert str(refusal.value).startswith("row 7, image_url: ")


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "MPO", "AVIF"])
def test_a_turned_photograph_is_turned_upright_once(kind: str, orientation: int) -> None:
    options = {"save_all": True, "append_images": FRAMES[:1]} if kind == "MPO" else {}

    ready = prepare(turned(kind, orientation, **options))

    sent = decoded(ready.data)
    assert sent.size == (40, 30)
    assert far_apart(sent, picture()) < 8
    assert sent.getexif().get(0x0112, 1) == 1
    assert prepare(ready.data).data == ready.data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_colour_profile_stays(kind: str) -> None:
    before = turned(kind, 6, icc_profile=SRGB)

    assert decoded(prepare(before).data).info["icc_profile"] == SRGB


def test_a_profile_of_another_colour_model_is_dropped() -> None:
    assert "icc_profile" not in decoded(prepare(turned("JPEG", 6, icc_profile=cmyk_profile())).data).info


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_converted_through_its_profile(kind: str) -> None:
    cyan = Image.new("CMYK", (40, 30), (255, 0, 0, 0))

    ready = prepare(encoded(cyan, kind, icc_profile=working_cmyk_profile()))

    sent = decoded(ready.data)
    assert "CMYK to sRGB through its profile" in ready.changed
    assert far_apart(sent, Image.new("RGB", (40, 30), "blue")) < 8
    assert sent.info["icc_profile"][16:20] == b"RGB "


def test_lab_becomes_srgb_and_says_so_in_its_profile() -> None:
    srgb, lab = (ImageCms.createProfile(name) for name in ("sRGB", "LAB"))
    converted = ImageCms.profileToProfile(picture(), srgb, lab, outputMode="LAB")
    assert converted is not None

    sent = decoded(prepare(encoded(converted, "TIFF")).data)

    assert far_apart(sent, picture()) < 4
    assert sent.info["icc_profile"][16:20] == b"RGB "


def test_alpha_is_kept_to_the_last_step() -> None:
    for kind in ("TIFF", "AVIF"):
        sent = decoded(prepare(encoded(picture("RGBA"), kind, **({"lossless": True} if kind == "WEBP" else {}))).data)
        difference = np.abs(np.asarray(sent)[..., 3].astype(int) - np.asarray(picture("RGBA"))[..., 3])
        assert difference.max() <= 3


def test_deep_pictures_keep_their_tones() -> None:
    gray = np.asarray(decoded(prepare(encoded(picture("I;16"))).data))
    color = np.asarray(decoded(prepare(deep_png()).data))

    assert (gray[0, 0], gray[0, -1]) == (0, 255)
    assert np.all(np.diff(gray[0].astype(int)) > 0)
    assert tuple(color[0, -1]) == (39 * 600 // 256, 30_000 // 256, 255)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 100.0, 255.0]], np.float32), [0, 100, 255]),
        (np.array([[0, 32_768, 65_535]], np.int32), [0, 128, 255]),
        (np.array([[np.nan, 1.0, np.inf]], np.float32), [0, 255, 0]),
    ],
)
def test_white_stays_white_at_any_depth(values: np.ndarray[Any, Any], expected: list[int]) -> None:
    sent = decoded(prepare(encoded(Image.fromarray(values), "TIFF")).data)

    assert np.asarray(sent)[0].tolist() == expected


def test_the_first_of_several_pictures_is_cut_out_without_decoding() -> None:
    ready = prepare(mpo())

    sent = decoded(ready.data)
    assert sent.format == "JPEG"
    assert sent.tobytes() == decoded(mpo()).tobytes()
    assert b"MPF\0" not in ready.data


def test_a_wrong_index_of_pictures_does_not_matter() -> None:
    entry = struct.pack("<I", decoded(mpo()).mpinfo[0xB002][0]["Size"])
    assert mpo().count(entry) == 1

    sent = decoded(prepare(mpo().replace(entry, b"\xff\0\0\0")).data)

    assert sent.format == "JPEG"
    assert far_apart(sent, picture()) < 8


def test_nothing_of_the_cameras_notes_is_sent_with_a_converted_picture() -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x013B] = "Jane Doe"
    before = encoded(kind="JPEG", exif=tags, xmp=b"<x>Jane Doe</x>")

    assert b"Jane" not in prepare(before).data


def test_a_file_that_cannot_be_read_is_refused_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(encoded())
    cases = {"missing.jpg": "no such file", "": "a folder", "nul\0.jpg": "cannot be read", "x" * 300: "cannot be read"}

    for name, words in cases.items():
        with pytest.raises(BadInput, match=words):
            read_image_file(tmp_path / name)
    with pytest.raises(BadInput) as caught:
        read_image_file(tmp_path / ("x" * 5_000_000))
    assert len(str(caught.value)) < 1000
    with pytest.raises(BadInput, match="more than the limit"):
        read_image_file(tmp_path / "large.png", limits=Limits(max_bytes=10))


def test_pictures_are_prepared_alike_in_many_threads() -> None:
    sources = [case[0] for case in CHANGED.values()]

    with ThreadPoolExecutor(8) as threads:
        several = list(threads.map(prepare, sources * 4))

    assert several == [prepare(source) for source in sources] * 4
