"""A quote that is opened and not closed, until another one far below closes it: whose rows are they?"""

from __future__ import annotations

import csv
import io

import pytest

from pipeline.errors import ManifestError
from pipeline.manifest import open_manifest
from pipeline.manifest.swallowed import swallowed

U = "https://cdn.example.com"


def records(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f'A1,"Red mug,{U}/1.jpg\nA2,Blue mug,{U}/2.jpg\nA3,Pan 5",{U}/3.jpg\n', 1),
        (f'A1,"Red mug,{U}/1.jpg\r\nA2,Pan 5",{U}/2.jpg\r\n', 1),
        (f'A1,"Red mug,{U}/1.jpg\rA2,Blue mug,\r\rA3,Pan 5",{U}/3.jpg\r', 1),
        ('A1,photos/1.jpg,"Red mug\nA2,photos/2.jpg,Pan 5"\n', 2),
        (f'"A1,{U}/1.jpg\nA2,{U}/2.jpg\nA3",{U}/3.jpg\n', 0),
        ('A1,"Red mug,1,red\nA2,Blue mug,2,blue\nA3,Pan 5",3,grey\n', 1),
        (f'A1,"Red mug,{U}/1.jpg\nA2, Blue mug,{U}/2.jpg\nA3,Pan\nA4,Pan,none\nA4,Pan 5",{U}/4.jpg\n', 1),
    ],
)
def test_a_cell_that_holds_other_records_is_found(text: str, place: int) -> None:
    for delimiter in (",", ";", "\t"):
        [cells] = records(text.replace(",", delimiter), delimiter)

        assert swallowed(cells, delimiter) == place


@pytest.mark.parametrize(
    "cells",
    [
        ["A1", "Sizes: S, M\nColours: red, blue, green\nCare: cold, dry", "x.jpg"],
        ["A1", "<p>Red, round</p>\n<ul>\n<li>Oak, oil</li>\n</ul>", "x.jpg"],
        ["A1", "red,blue\nred,blue,green\nred,green", "x"],
        ["A1", "size,chest\nS,90\nM,94", "x.jpg"],
        ["A1", "size,chest,length\nS,90,60\nM,94,62", "x.jpg"],
        ["A1", f"{U}/1.jpg\n{U}/2.jpg,{U}/3.jpg"],
        ["", f"{U}/1.jpg\n{U}/2.jpg,{U}/3.jpg"],
        [f"{U}/1.jpg,{U}/2.jpg\n{U}/3.jpg", "A1"],
        [f"{U}/1.jpg\n{U}/2.jpg"],
        [f"A fine mug, {U}/mug\nEnjoy!", f"{U}/1.jpg"],
        ["A1", '{"a": 1,\n"b": 2,\n"c": 3}', "x.jpg", ""],
        ["A1", "\n", "", ""],
    ],
)
def test_lists_tables_and_sentences_in_a_cell_are_none(cells: list[str]) -> None:
    assert swallowed(cells, ",") is None


TORN = f'sku,title,image_url\nA0,Cup,{U}/0.jpg\nA1,"Red mug,{U}/1.jpg\nA2,Blue mug,{U}/2.jpg\nA3,Pan 5",{U}/3.jpg\n'


@pytest.mark.parametrize("before", ["", 'B0,"Tea\nset, blue",b.jpg\nB1,"broken" quote,b.jpg\n'])
def test_swallowed_rows_are_refused_with_the_place_where_the_quote_opened(before: str) -> None:
    row, line = (4, 6) if before else (2, 3)
    text = TORN.replace("A0,", f"{before}A0,")
    manifest = open_manifest(io.BytesIO(text.encode()))

    with pytest.raises(ManifestError) as caught:
        list(manifest.rows())

    assert f"row {row} (line {line}): the quote opened in cell 2 on line {line} is not closed before line" in str(
        caught.value
    )
    assert "the cell holds other rows" in str(caught.value)


def test_a_header_that_swallowed_rows_is_refused() -> None:
    text = f'sku,"title,image_url\nA1,Cup,{U}/1.jpg\nA2,Pan",{U}/2.jpg\n'

    with pytest.raises(ManifestError, match=r"the header \(line 1\)|the first line holds data"):
        open_manifest(io.BytesIO(text.encode()))
