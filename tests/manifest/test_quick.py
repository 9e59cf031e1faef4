from __future__ import annotations

import io
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ManifestError
from pipeline.manifest.notices import Notices
from pipeline.manifest.quick import QuickRecords
from pipeline.manifest.records import Records

LINES = st.lists(
    st.sampled_from(
        [
            "a,b\n",
            "1,2\r\n",
            "\n",
            " , \n",
            '"x\ny",2\n',
            '"q""q",3\n',
            "1\n",
            "1,2,\n",
            "1,2,3\n",
            "1,\0\n",
            '"a"b,2\n',
        ]
    ),
    max_size=12,
)


def carefully(
    text: io.StringIO | list[str], *, line: int = 0, count: int = 0
) -> list[tuple[int, int, list[str]] | str]:
    """(number, line, cells) of every record; at the end, what is wrong."""
    records = Records(text, ",", "file", Notices(), mend_nul=False, line=line, count=count)
    found: list[tuple[int, int, list[str]] | str] = []
    try:
        found += [(records.count, records.line, cells) for cells in records]
    except ManifestError as error:
        found.append(str(error))
    return found


@given(LINES, st.integers(1, 5), st.integers(1, 20))
def test_quick_records_and_the_careful_rest_are_what_reading_carefully_gives(
    lines: list[str], size: int, chunk: int
) -> None:
    text = "".join(lines)
    expected = carefully(io.StringIO(text, newline=""))
    records = QuickRecords(io.StringIO(text, newline=""), ",", chunk_chars=chunk)
    got: list[list[str]] = []
    while found := records.take(size, 2):
        got += found

    rest = [] if found == [] else carefully(list(records.rest()), line=records.line, count=records.count)

    assert len(got) == records.count
    assert [*got, *(each if isinstance(each, str) else each[2] for each in rest)] == [
        each if isinstance(each, str) else each[2] for each in expected
    ]
    assert rest == expected[len(got) :]


def test_a_trailing_delimiter_in_every_line_stays_quick() -> None:
    records = QuickRecords(io.StringIO("1,2,\n3,4, \n", newline=""), ",")

    assert records.take(10, 3, 2) == [["1", "2"], ["3", "4"]]


def test_text_beyond_the_columns_is_left_to_the_careful_reader() -> None:
    records = QuickRecords(io.StringIO("1,2,\n3,4,x\n", newline=""), ",")

    assert records.take(10, 3, 2) is None
    assert list(islice(records.rest(), 2)) == ["1,2,\n", "3,4,x\n"]


def test_long_records_come_in_small_batches() -> None:
    lines = [f"{number},{'x' * 50}\n" for number in range(2000)]
    records = QuickRecords(io.StringIO("".join(lines), newline=""), ",", chunk_chars=500)

    sizes = []
    while found := records.take(1000, 2, 2):
        sizes.append(len(found))

    assert sum(sizes) == 2000
    assert max(sizes) < 1000
