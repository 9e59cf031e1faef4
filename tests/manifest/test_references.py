"""Several images in one cell."""

from __future__ import annotations

import pytest

from pipeline.manifest.references import absolute, split


@pytest.mark.parametrize(
    ("cell", "separators", "references"),
    [
        ("", ",", []),
        ("https://x/a.jpg, https://x/b.jpg", ",", ["https://x/a.jpg", "https://x/b.jpg"]),
        (
            "https://x/a,1;2.jpg;http://y/b.jpg|s3://z/c.jpg\nhttps://w",
            "",
            ["https://x/a,1;2.jpg", "http://y/b.jpg", "s3://z/c.jpg", "https://w"],
        ),
        ("https://x/a%2Cb.jpg,https://x/c.jpg,", ",", ["https://x/a%2Cb.jpg", "https://x/c.jpg"]),
        ("https://x/a.jpg https://x/b.jpg", ",", ["https://x/a.jpg", "https://x/b.jpg"]),
        ("/m/b/a.jpg,/m/b/b.jpg", ",", ["/m/b/a.jpg", "/m/b/b.jpg"]),
        ("a~mv2.jpg;b~mv2.png", ";", ["a~mv2.jpg", "b~mv2.png"]),
        ("my chair, red.jpg", "", ["my chair, red.jpg"]),
        ("https://x/img?u=https://y/z.jpg", ",", ["https://x/img?u=https://y/z.jpg"]),
        ("https://x/a.jpg, /m/b.jpg", ",", ["https://x/a.jpg", "/m/b.jpg"]),
        ("https://x/a.jpg,//y/b.jpg", ",", ["https://x/a.jpg", "//y/b.jpg"]),
        ("https://x/w=80,/m/b.jpg", "", ["https://x/w=80,/m/b.jpg"]),
        ("https://x/1,/m/2", ",", ["https://x/1", "/m/2"]),
        ("data:image/jpeg;base64,/9j/4AAQ", ",", ["data:image/jpeg;base64,/9j/4AAQ"]),
    ],
)
def test_cells_are_split_only_where_the_next_reference_begins(
    cell: str, separators: str, references: list[str]
) -> None:
    assert split(cell, separators) == references


@pytest.mark.parametrize(
    ("reference", "base", "url"),
    [
        ("/m/a.jpg", "https://shop/media/", "https://shop/media/m/a.jpg"),
        ("a.jpg", "https://shop/media", "https://shop/media/a.jpg"),
        ("https://x/a.jpg", "https://shop/", "https://x/a.jpg"),
        ("//cdn.x/a.jpg", "", "https://cdn.x/a.jpg"),
        ("/m/a.jpg", "", "/m/a.jpg"),
    ],
)
def test_relative_references_are_joined_to_their_base(reference: str, base: str, url: str) -> None:
    assert absolute(reference, base) == url
