"""Where the pictures are in an answer."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.provider.charges import charges_of
from pipeline.provider.pictures import decode_base64, is_image, pictures_in
from pipeline.provider.results import answer_of, progress_of, request_id_in, told_latency_s
from pipeline.task import Picture
from tests.provider.scripted import PNG

PLAIN = base64.b64encode(PNG).decode()
URI = "data:image/png;base64," + PLAIN
JPEG = b"\xff\xd8\xff\xe0" + b"x" * 40
URL = "https://images.segmind.com/generations/a.jpeg"
OTHER = "https://images.segmind.com/generations/b.jpeg"
BYTES = (Picture(data=PNG),)
LINK = (Picture(url=URL),)
BOTH = (Picture(url=URL), Picture(url=OTHER))

SHAPES: list[tuple[Any, tuple[Picture, ...]]] = [
    ({"image": PLAIN}, BYTES),
    ({"image": URI}, BYTES),
    ({"image": URL}, LINK),
    ({"image": [PLAIN]}, BYTES),
    ({"image": [URL, OTHER]}, BOTH),
    ({"images": [URL, OTHER]}, BOTH),
    ({"images": [{"url": URL, "content_type": "image/jpeg", "file_name": "a.jpeg"}, {"url": OTHER}]}, BOTH),
    ({"images": [{"image": PLAIN}]}, BYTES),
    ({"output": URL}, LINK),
    ({"output": [URL, OTHER]}, BOTH),
    ({"output": URL, "images": [{"url": URL}]}, LINK),
    ({"output": URL, "images": [{"url": URL}, {"url": OTHER}]}, BOTH),
    ({"output": {"image": URL}}, LINK),
    ({"outputs": [{"url": URL}]}, LINK),
    ({"data": [{"b64_json": PLAIN}]}, BYTES),
    ({"data": PLAIN}, BYTES),
    ({"data": {"image": [URI]}}, BYTES),
    ({"image": "/9j/" + base64.b64encode(JPEG[3:]).decode()}, (Picture(data=JPEG),)),
    ({"output": "/outputs/a.png?x=1"}, (Picture(url="/outputs/a.png?x=1"),)),
    ({"output": PLAIN[:60] + "\n" + PLAIN[60:]}, BYTES),
    ({"output": PLAIN.rstrip("=")}, BYTES),
    ([{"status": "Success", "image": URL, "infer_time": 3.2}, {"X-generation-time": 3.2, "x-gpu-info": {}}], LINK),
    (URL, LINK),
    ([URL, OTHER], BOTH),
    ({"output": json.dumps([URL, OTHER])}, ()),
    # Three equal images are three images; the same address twice is one.
    ({"image": [PLAIN] * 3}, BYTES * 3),
    ({"output": [URL, URL]}, LINK),
    ({"images": [{"url": URL}], "output": [URL, OTHER]}, BOTH),
    # An echo of the input is no output.
    ({"output": URL, "image": OTHER, "prompt": "a cat"}, LINK),
    ({"images": [], "output": URL}, LINK),
    ({"output": None, "image": URL}, ()),
    ({"images": [], "image_url": URL, "url": OTHER}, ()),
    ({"output": None, "image": OTHER, "generation_url": URL}, LINK),
    ({"output": None, "result": {"image": PLAIN}}, BYTES),
    ({"image_url": OTHER, "generation_url": URL}, LINK),
    ({"status": "success", "image": PLAIN, "seed": 1}, BYTES),
    ({"prompt": "https is nice", "output": "a text about images"}, ()),
    ({"image": "data:image/png;base64,???"}, ()),
    ({"image": base64.b64encode(b"no picture at all").decode()}, ()),
    ({"output": "ftp://images/a.png"}, ()),
    ({}, ()),
    ([], ()),
    (None, ()),
    (7, ()),
]


@pytest.mark.parametrize(("document", "expected"), SHAPES)
def test_every_known_shape_is_found(document: Any, expected: tuple[Picture, ...]) -> None:
    assert pictures_in(json.dumps(document).encode()) == expected


@pytest.mark.parametrize(
    "data",
    [
        PNG,
        JPEG,
        b"GIF89a...",
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        b"BM......",
        b"II*\x00....",
        b"MM\x00*....",
        b"\x00\x00\x00\x1cftypavif....",
        b"\x00\x00\x00\x18ftypheic....",
    ],
)
def test_images_are_known_by_their_first_bytes(data: bytes) -> None:
    assert pictures_in(data) == (Picture(data=data),)


@pytest.mark.parametrize("data", [b"", b"<html>", b"RIFF\x00\x00\x00\x00AVI ", b"\x00\x00\x00\x18ftypmp42", b"{}"])
def test_other_bytes_are_no_image(data: bytes) -> None:
    assert not is_image(data)


@given(st.binary(max_size=300))
def test_base64_survives_its_url_alphabet_and_missing_padding(data: bytes) -> None:
    assert decode_base64(base64.urlsafe_b64encode(data).decode().rstrip("=")) == data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([URL, PLAIN, URI]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["status", "output", "images", "image", "data", "url", "metrics", "cost", "seed", "request_id"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_json_is_too_odd_to_be_read(document: Any) -> None:
    pictures = pictures_in(json.dumps(document).encode())
    answer = answer_of(pictures, charges_of({}, document))

    urls = [picture.url for picture in pictures if picture.url]
    assert len(set(urls)) == len(urls)
    assert answer.billed_nano is None or 0 <= answer.billed_nano < 2**63
    assert answer.seed is None or abs(answer.seed) < 2**63
    progress_of(document)
    told_latency_s(document)


@given(st.binary(max_size=400))
def test_no_bytes_are_too_odd_to_be_read(data: bytes) -> None:
    assert len(pictures_in(data)) <= 1
    assert request_id_in(data) is None or b'"request_id"' in data


def test_headers_tell_the_accounting() -> None:
    headers = {
        "x-cost": "0.0361",
        "x-remaining-credits": "12.5",
        "x-request-id": "r-1",
        "x-seed-value": "42",
        "x-generation-time": "3.25",
    }

    told = charges_of(headers)

    assert (told.request_id, told.billed_nano, told.remaining_nano) == ("r-1", 36_100_000, 12_500_000_000)
    assert told.seed == 42


def test_metrics_tell_it_when_there_are_no_headers() -> None:
    metrics = {"cost": 0.05, "remaining_credits": 1, "inference_time": 2}

    told = charges_of({}, {"request_id": "r-2", "seed": 7, "metrics": metrics})

    assert (told.request_id, told.billed_nano, told.remaining_nano) == ("r-2", 50_000_000, 1_000_000_000)
    assert told.seed == 7


@pytest.mark.parametrize("header", ["0", "", "free"])
def test_a_free_answer_about_a_paid_task_is_no_charge_of_it(header: str) -> None:
    assert charges_of({"x-cost": header}, {"metrics": {"cost": 0.05}}).billed_nano == 50_000_000


@pytest.mark.parametrize("cost", [None, "free", -1])
def test_a_header_tells_what_metrics_do_not(cost: Any) -> None:
    assert charges_of({"x-cost": "0.05"}, {"metrics": {"cost": cost}}).billed_nano == 50_000_000


def test_headers_win_where_there_are_no_metrics() -> None:
    told = charges_of({"x-request-id": "r-1", "x-seed-value": "42"}, {"request_id": "r-2", "seed": -1})

    assert (told.request_id, told.seed) == ("r-1", 42)


@pytest.mark.parametrize("value", ["", "free", "nan", "inf", "-1", "1e30", "9" * 5000])
def test_a_charge_that_cannot_be_read_is_not_said(value: str) -> None:
    assert charges_of({"x-cost": value}).billed_nano is None
