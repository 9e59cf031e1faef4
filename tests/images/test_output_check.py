"""What arrives from the provider: a table of good and bad images, judged by content."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from pipeline.images.decode import UnreadableImage, check_by_decoding, decode
from pipeline.images.header import Header, png_chunks, read_header
from pipeline.images.inflate import is_whole_png
from pipeline.outputs import BadOutput, Limits, inspect
from tests.images.pictures import decoded, encoded, picture, png_chunk, png_that_claims, tiff_that_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOOD = {
    "png": (encoded(), "image/png", "png", False),
    "png with alpha": (encoded(picture("RGBA")), "image/png", "png", True),
    "palette png with a clear colour": (encoded(picture("P"), transparency=0), "image/png", "png", True),
    "gray png": (encoded(picture("L")), "image/png", "png", False),
    "16-bit png": (encoded(picture("I;16")), "image/png", "png", False),
    "jpeg": (encoded(kind="JPEG"), "image/jpeg", "jpg", False),
    "progressive jpeg": (encoded(kind="JPEG", progressive=True), "image/jpeg", "jpg", False),
    "cmyk jpeg": (encoded(picture("CMYK"), "JPEG"), "image/jpeg", "jpg", False),
    "several pictures in a jpeg": (
        encoded(kind="MPO", save_all=True, append_images=[picture()]),
        "image/jpeg",
        "jpg",
        False,
    ),
    "webp": (encoded(kind="WEBP"), "image/webp", "webp", False),
    "webp with alpha": (encoded(picture("RGBA"), "WEBP"), "image/webp", "webp", True),
    "lossless webp": (encoded(kind="WEBP", lossless=True), "image/webp", "webp", False),
    "lossless webp with alpha": (encoded(picture("RGBA"), "WEBP", lossless=True), "image/webp", "webp", True),
    "avif": (encoded(kind="AVIF"), "image/avif", "avif", False),
    "gif": (encoded(picture("P"), "GIF"), "image/gif", "gif", False),
    "tiff": (encoded(kind="TIFF"), "image/tiff", "tif", False),
    "bmp": (encoded(kind="BMP"), "image/bmp", "bmp", False),
    "png and bytes behind it": (encoded() + b"\n", "image/png", "png", False),
    "jpeg and bytes behind it": (encoded(kind="JPEG") + b"\0\0\0", "image/jpeg", "jpg", False),
}
BAD = {
    "nothing": (b"", "empty (0 bytes)"),
    "zeros": (b"\0" * 500, "nothing but zero bytes"),
    "login page": (b"<!doctype html><html><head><title>Log in</title>", 'an HTML page ("Log in")'),
    "html after blanks": (b"\xef\xbb\xbf\n <HTML><body>502 Bad Gateway", "an HTML page"),
    "storage error": (
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        'XML document ("AccessDenied")',
    ),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "json": (b'{"error": "no image"}', "JSON text"),
    "words": ("Tasse blau, größer".encode(), "plain text"),
    "noise": (bytes(range(256)), "in no known image format"),
    "pdf": (b"%PDF-1.7", "a PDF document"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC photo"),
    "video": (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "a video"),
    "lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab", "git lfs pull"),
    "too many pixels": (png_that_claims(30_000, 30_000), "900 megapixels"),
    "bomb in gif": (
        encoded(picture("P"), "GIF")[:6] + b"\xff\xff\xff\xff" + encoded(picture("P"), "GIF")[10:],
        "megapixels",
    ),
    "bomb in tiff": (tiff_that_claims(20_000, 20_000), "400 megapixels"),
    "magic only": (b"\x89PNG\r\n\x1a\n", "cut off or damaged within its header"),
    "jpeg magic only": (b"\xff\xd8\xff", "cut off or damaged within its header"),
}


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("name", GOOD)
def test_a_good_image_is_known_by_its_content(name: str, *, full: bool) -> None:
    data, content_type, extension, has_alpha = GOOD[name]

    facts = inspect(data, full=full)

    assert (facts.width, facts.height) == (40, 30)
    assert (facts.content_type, facts.extension, facts.has_alpha) == (content_type, extension, has_alpha)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_usable_image_is_refused_in_words(name: str, *, full: bool) -> None:
    data, words = BAD[name]

    with pytest.raises(BadOutput) as refusal:
        inspect(data, full=full)

    assert words in refusal.value.reason
    assert refusal.value.body_start.isprintable()
    assert len(refusal.value.body_start) <= 200


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_truncated_image_is_refused(kind: str, share: float, *, full: bool) -> None:
    data = encoded(picture(size=(300, 200)), kind)

    with pytest.raises(BadOutput) as refusal:
        inspect(data[: int(len(data) * share)], full=full)

    assert any(word in refusal.value.reason for word in ("cut off", "damaged"))


def test_a_cut_jpeg_with_a_whole_thumbnail_inside_is_refused_without_decoding() -> None:
    thumbnail = encoded(picture(size=(16, 16)), "JPEG")
    whole = encoded(picture(size=(300, 200)), "JPEG", exif=b"Exif\0\0" + thumbnail)

    with pytest.raises(BadOutput, match="cut off"):
        inspect(whole[:-400], full=False)


def test_damage_inside_a_png_shows_when_every_pixel_is_decoded() -> None:
    data = bytearray(encoded(picture(size=(300, 200)), compress_level=0))
    data[5000] ^= 0xFF

    with pytest.raises(BadOutput, match="damaged"):
        inspect(bytes(data))


def test_a_wrong_check_sum_in_a_comment_harms_nobody() -> None:
    data = encoded()
    comment = bytearray(png_chunk(b"tEXt", b"Comment\0hello"))
    comment[-1] ^= 0xFF

    assert inspect(data[:33] + bytes(comment) + data[33:], full=False).width == 40


def test_the_limits_count_bytes_and_pixels() -> None:
    data = encoded()

    assert inspect(data, limits=Limits(max_bytes=len(data), max_pixels=1200)).width == 40
    with pytest.raises(BadOutput, match="more than the limit"):
        inspect(data, limits=Limits(max_bytes=len(data) - 1))
    with pytest.raises(BadOutput, match="more than the limit"):
        inspect(data, limits=Limits(max_pixels=1199))


def test_a_large_honest_image_passes_without_a_warning() -> None:
    data = encoded(Image.new("1", (12_000, 8_000)))  # more than Pillow's own limit for warnings

    assert inspect(data).width == 12_000


@pytest.fixture
def _lenient_pillow() -> Iterator[None]:
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    yield
    ImageFile.LOAD_TRUNCATED_IMAGES = False


@pytest.mark.usefixtures("_lenient_pillow")
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_image_is_refused_even_where_pillow_was_told_to_look_away(kind: str) -> None:
    data = encoded(picture(size=(300, 200)), kind)

    with pytest.raises(BadOutput, match="cut off"):
        inspect(data[: len(data) // 2])


def test_odd_metadata_neither_warns_nor_fails_in_many_threads() -> None:
    odd = encoded(kind="JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    broken_mpo = encoded(kind="MPO", save_all=True, append_images=[picture()])[:-500]

    with ThreadPoolExecutor(8) as threads:
        facts = list(threads.map(inspect, [odd, broken_mpo] * 50))

    assert {each.width for each in facts} == {40}


@given(st.binary(max_size=300), st.sampled_from(sorted(GOOD)), st.integers(0, 2000), st.booleans())
def test_no_damage_makes_anything_but_facts_or_a_refusal(noise: bytes, name: str, at: int, full: bool) -> None:  # noqa: FBT001  # hypothesis fills by position
    data = GOOD[name][0]
    at %= len(data)
    damaged = data[:at] + noise + data[at + len(noise) :]

    try:
        facts = inspect(damaged, full=full, limits=Limits(max_pixels=4_000_000))
    except BadOutput as refusal:
        outcome = refusal.reason
    else:
        outcome = "fits" if facts.width * facts.height <= 4_000_000 else ""
    assert outcome


@pytest.mark.parametrize("name", [name for name in GOOD if name.split()[0] not in ("avif", "gif", "tiff", "bmp")])
def test_our_own_header_agrees_with_pillow(name: str) -> None:
    data = GOOD[name][0]

    header = read_header(data)

    assert header is not None
    assert (header.width, header.height) == decoded(data).size
    assert header.complete


JPEGS = {
    "fine colours": encoded(kind="JPEG", quality=95, subsampling=0),
    "coarse colours": encoded(kind="JPEG", subsampling=2),
    "progressive": encoded(kind="JPEG", progressive=True),
    "red, green and blue": encoded(kind="JPEG", keep_rgb=True),
    "grey": encoded(picture("L"), "JPEG"),
    "cmyk": encoded(picture("CMYK"), "JPEG"),
}


@given(
    kind=st.sampled_from(sorted(JPEGS)),
    cut=st.integers(0, 60),
    hits=st.dictionaries(st.floats(0, 1), st.binary(min_size=1, max_size=1)),
)
def test_a_jpeg_decoded_small_and_in_grey_is_judged_as_in_colour(kind: str, cut: int, hits: dict[float, bytes]) -> None:
    data = bytearray(JPEGS[kind])
    for place, byte in hits.items():
        at = 2 + int(place * (len(data) - 3))
        data[at : at + 1] = byte
    hurt = bytes(data[: len(data) - cut])

    assert judged(check_by_decoding, hurt) == judged(decode, hurt)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (8, 8), (1000, 2), (2, 1000), (37, 61)])
def test_a_jpeg_of_any_size_is_told_as_large_as_it_is(size: tuple[int, int]) -> None:
    header = check_by_decoding(encoded(picture(size=size), "JPEG"), Limits())

    assert (header.width, header.height) == size


ORDINARY = {mode: encoded(picture(mode)) for mode in ("L", "LA", "RGB", "RGBA")}
OTHER = {
    "palette": encoded(picture("P")),
    "black and white": encoded(picture("1")),
    "16 bits": encoded(picture("I;16")),
    "animated": encoded(save_all=True, append_images=[picture().rotate(90)]),
}


@pytest.mark.parametrize("mode", ORDINARY)
def test_an_ordinary_png_is_checked_without_keeping_its_pixels(mode: str) -> None:
    assert is_whole_png(ORDINARY[mode])


@pytest.mark.parametrize("kind", OTHER)
def test_of_any_other_png_nothing_is_said(kind: str) -> None:
    assert not is_whole_png(OTHER[kind])
    assert judged(check_by_decoding, OTHER[kind]) == decoded(OTHER[kind]).size


def test_a_png_is_unpacked_piece_by_piece() -> None:
    plain = Image.new("RGB", (2000, 1500), "white")  # nine megabytes from a few kilobytes

    assert is_whole_png(encoded(plain))


@given(
    mode=st.sampled_from(sorted(ORDINARY)),
    cut=st.integers(0, 60),
    hits=st.dictionaries(st.floats(0, 1), st.binary(min_size=1, max_size=1)),
)
def test_a_damaged_png_is_judged_as_by_decoding_it(mode: str, cut: int, hits: dict[float, bytes]) -> None:
    data = bytearray(ORDINARY[mode])
    for place, byte in hits.items():
        at = 2 + int(place * (len(data) - 3))
        data[at : at + 1] = byte
    hurt = bytes(data[: len(data) - cut])

    assert judged(check_by_decoding, hurt) == judged(decode, hurt)


@given(
    mode=st.sampled_from(sorted(ORDINARY)),
    keep=st.floats(0, 1.2),
    hits=st.dictionaries(st.floats(0, 1), st.integers(0, 255), max_size=3),
    parts=st.integers(1, 4),
    between=st.booleans(),
)
def test_a_png_with_wrong_pixels_and_right_check_sums_is_judged_as_by_decoding_it(
    *, mode: str, keep: float, hits: dict[float, int], parts: int, between: bool
) -> None:
    chunks = [(kind, ORDINARY[mode][at : at + size]) for kind, at, size in png_chunks(ORDINARY[mode])]
    pixels = bytearray(zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT")))
    for place, byte in hits.items():
        pixels[int(place * (len(pixels) - 1))] = byte
    packed = zlib.compress((bytes(pixels) + bytes(1000))[: int(keep * len(pixels))])
    step = len(packed) // parts + 1
    idat = [png_chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    if between:
        idat.insert(1, png_chunk(b"tEXt", b"Comment\0in between"))
    hurt = b"".join([b"\x89PNG\r\n\x1a\n", png_chunk(*chunks[0]), *idat, png_chunk(b"IEND", b"")])

    assert judged(check_by_decoding, hurt) == judged(decode, hurt)


def judged(decode: Callable[[bytes, Limits], Image.Image | Header], data: bytes) -> tuple[int, int] | str:
    try:
        made = decode(data, Limits())
    except UnreadableImage as error:
        return str(error)
    return made.width, made.height
