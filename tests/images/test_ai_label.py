"""The AI mark: in the file, readable by others, and not a pixel or a profile changed."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.images import packets
from pipeline.images.label import NEWSCODES, labelled, stamp
from tests.images.pictures import SRGB, decoded, encoded, picture, png_chunk

EDIT, MADE = "compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicMedia"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PROPERTY = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"

OTHERS_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Somebody 1.0"><!-- kept -->'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="uuid:1 &amp; 2" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/x">'
    "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Größe &lt;M&gt;</rdf:li></rdf:Alt></dc:title>"
    "{}</rdf:Description></rdf:RDF></x:xmpmeta>" + " " * 200 + '<?xpacket end="w"?>'
)
EXT = 'xmlns:Ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
PACKETS = {
    "none": None,
    "others": OTHERS_XMP.format(""),
    "element": OTHERS_XMP.format(f"<Ext:DigitalSourceType {EXT}>{NEWSCODES}digitalCapture</Ext:DigitalSourceType>"),
    "resource": OTHERS_XMP.format(f'<Ext:DigitalSourceType {EXT} rdf:resource="{NEWSCODES}digitalCapture"/>'),
    "attribute": OTHERS_XMP.replace(
        "rdf:about", f"{EXT}\n Ext:DigitalSourceType = '{NEWSCODES}digitalCapture' rdf:about"
    ).format(""),
    "empty rdf": '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    "</x:xmpmeta>",
    "no rdf": '<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>',
}
KINDS = {
    "PNG": ("RGB", "RGBA", "P", "L", "LA", "1", "I;16"),
    "JPEG": ("RGB", "L", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
}
SHAPES = [(kind, mode) for kind, modes in KINDS.items() for mode in modes]


def made(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    return encoded(picture(mode), kind, **{name: value for name, value in options.items() if value})


def exif() -> bytes:
    tags = Image.Exif()
    tags[0x0112] = 6
    return tags.tobytes()


def packet_of(data: bytes) -> str:
    """The packet as Pillow, a reader that is not ours, finds it."""
    return bytes(decoded(data).info["xmp"]).decode()


def sources(packet: str) -> list[str]:
    root = ET.fromstring(packet)
    elements = [str(each.text or each.get(f"{RDF}resource")) for each in root.iter(PROPERTY)]
    return elements + [each.attrib[PROPERTY] for each in root.iter() if PROPERTY in each.attrib]


def assert_same_picture(after: bytes, before: bytes) -> None:
    new, old = decoded(after), decoded(before)
    assert (new.mode, new.size, new.tobytes()) == (old.mode, old.size, old.tobytes())
    assert new.info.get("icc_profile") == old.info.get("icc_profile")
    assert new.info.get("exif") == old.info.get("exif")
    assert new.info.get("transparency") == old.info.get("transparency")


@pytest.mark.parametrize("packet", PACKETS)
@pytest.mark.parametrize(("kind", "mode"), SHAPES)
def test_the_mark_is_set_and_nothing_else_changes(kind: str, mode: str, packet: str) -> None:
    xmp = PACKETS[packet]
    options: dict[str, Any] = {"icc_profile": SRGB, "exif": exif()}
    if xmp and kind == "PNG":
        before = made(kind, mode, **options)
        before = before[:33] + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp.encode()) + before[33:]
    else:
        before = made(kind, mode, xmp=xmp and xmp.encode(), **options)

    after = stamp(before, EDIT)

    assert labelled(after) == EDIT
    assert sources(packet_of(after)) == [NEWSCODES + EDIT]
    assert_same_picture(after, before)
    assert stamp(after, EDIT) == after
    if packet in ("others", "element", "resource", "attribute"):
        assert "Größe &lt;M&gt;" in packet_of(after)
        assert "<!-- kept -->" in packet_of(after)
        abouts = {each.get(f"{RDF}about") for each in ET.fromstring(packet_of(after)).iter(f"{RDF}Description")}
        assert abouts == {"uuid:1 & 2"}


@pytest.mark.parametrize(("kind", "mode"), SHAPES)
@pytest.mark.parametrize("lossless", [False, True])
def test_a_plain_file_gets_the_mark(kind: str, mode: str, *, lossless: bool) -> None:
    before = made(kind, mode, lossless=lossless and kind == "WEBP")

    after = stamp(before, MADE)

    assert labelled(before) is None
    assert labelled(after) == MADE
    assert_same_picture(after, before)


@given(
    st.sampled_from(SHAPES),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.booleans(),
    st.booleans(),
    st.lists(st.sampled_from((EDIT, MADE)), min_size=1, max_size=3),
)
def test_the_last_of_several_marks_is_the_one(
    shape: tuple[str, str],
    size: tuple[int, int],
    icc: bool,  # noqa: FBT001  # hypothesis fills by position
    turned: bool,  # noqa: FBT001  # hypothesis fills by position
    marks: list[str],
) -> None:
    kind, mode = shape
    options = {"icc_profile": SRGB if icc else None, "exif": exif() if turned else None}
    before = encoded(picture(mode, size), kind, **{name: value for name, value in options.items() if value})

    after = before
    for mark in marks:
        after = stamp(after, mark)

    assert labelled(after) == marks[-1]
    assert sources(packet_of(after)) == [NEWSCODES + marks[-1]]
    assert_same_picture(after, before)


def test_the_mark_goes_behind_jfif_and_exif_in_a_jpeg() -> None:
    data = stamp(made("JPEG", exif=exif()), MADE)

    assert data.startswith(b"\xff\xd8\xff\xe0")
    assert (
        data.index(b"JFIF\0") < data.index(b"Exif\0") < data.index(b"http://ns.adobe.com/xap") < data.index(b"\xff\xdb")
    )


def test_extended_xmp_of_a_jpeg_is_left_alone() -> None:
    before = made("JPEG", xmp=OTHERS_XMP.format("").encode())
    extension = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b"<more/>"
    segment = b"\xff\xe1" + (len(extension) + 2).to_bytes(2, "big") + extension
    before = before[:20] + segment + before[20:]

    after = stamp(before, MADE)

    assert segment in after
    assert labelled(after) == MADE


def test_blanks_make_room_when_a_jpeg_segment_is_full() -> None:
    full = OTHERS_XMP.format("").replace(" " * 200, " " * (65_400 - len(OTHERS_XMP.encode()))).encode()
    before = made("JPEG", xmp=full)

    after = stamp(before, MADE)

    assert labelled(after) == MADE
    assert_same_picture(after, before)


def test_a_jpeg_segment_that_is_full_of_facts_is_left_as_it_is() -> None:
    before = made("JPEG", xmp=OTHERS_XMP.format(f"<dc:x>{'x' * (65_480 - len(OTHERS_XMP.encode()))}</dc:x>").encode())

    assert stamp(before, MADE) == before


def test_a_compressed_packet_of_a_png_is_read_and_replaced() -> None:
    packet = zlib.compress(PACKETS["element"].encode() if PACKETS["element"] else b"")
    before = encoded()
    before = before[:33] + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + packet) + before[33:]

    assert labelled(before) == "digitalCapture"
    assert sources(packet_of(stamp(before, MADE))) == [NEWSCODES + MADE]


def test_a_simple_webp_becomes_an_extended_one_with_its_own_canvas() -> None:
    for mode in ("RGB", "RGBA"):
        for lossless in (True, False):
            after = stamp(encoded(picture(mode, (33, 21)), "WEBP", lossless=lossless), MADE)
            assert after[12:16] == b"VP8X"
            assert bool(after[20] & 0x10) == (mode == "RGBA")
            assert int.from_bytes(after[24:27], "little") + 1 == 33
            assert int.from_bytes(after[27:30], "little") + 1 == 21
            assert int.from_bytes(after[4:8], "little") == len(after) - 8


def test_an_animated_webp_keeps_its_frames() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    after = stamp(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]), MADE)

    assert labelled(after) == MADE
    assert getattr(Image.open(BytesIO(after)), "n_frames", 1) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        encoded(kind="AVIF"),
        encoded(kind="TIFF"),
        encoded(picture("P"), "GIF"),
        encoded(kind="MPO", save_all=True, append_images=[picture()]),
        made("JPEG", xmp=b"<x:xmpmeta"),
        made("JPEG", xmp=b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"),
        made("WEBP", xmp="<x/>".encode("utf-16")),
        encoded(kind="WEBP")[:-9],
        b"\x89PNG\r\n\x1a\n",
        encoded()[:30],
        encoded().replace(b"\x0dIHDR", b"\x14IHDR"),
        encoded(kind="JPEG")[:9],
        encoded(picture("RGBA"), "WEBP", exif=exif()).replace(b"VP8X\x0a", b"VP8X\x00"),
    ],
)
def test_what_has_no_safe_place_for_the_mark_is_returned_unchanged(data: bytes) -> None:
    assert stamp(data, MADE) == data
    assert labelled(data) is None


MARKED = [stamp(made(kind), EDIT) for kind in KINDS]


@given(st.binary(max_size=80), st.sampled_from(MARKED), st.integers(0, 4000))
def test_no_damage_makes_stamping_fail(noise: bytes, data: bytes, at: int) -> None:
    at %= len(data)
    damaged = data[:at] + noise + data[at + len(noise) :]

    after = stamp(damaged, MADE)

    assert after == damaged or labelled(after) == MADE
    assert packets.read(stamp(encoded(), MADE))
