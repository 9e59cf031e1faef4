"""Parquet, JSON lines, feeds, data frames and folders: the same text as a CSV would give."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import ManifestError
from pipeline.manifest import Manifest, open_manifest

if TYPE_CHECKING:
    from pathlib import Path


def cells(manifest: Manifest) -> list[tuple[str, ...]]:
    return [row.cells for row in manifest.rows()]


def column(manifest: Manifest, name: str) -> list[str]:
    index = manifest.column(name)
    return [row.cells[index] for row in manifest.rows()]


def parquet(folder: Path, columns: dict[str, Any], name: str = "catalog.parquet") -> Path:
    path = folder / name
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


UTC = dt.UTC
ARROW_COLUMNS = [
    (pa.array(["007", None, "NA"]), ["007", "", "NA"]),
    (pa.array(["a", None, "b"], pa.large_string()), ["a", "", "b"]),
    (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
    (pa.array([7, None, -1]), ["7", "", "-1"]),
    (pa.array([True, None, False]), ["true", "", "false"]),
    (pa.nulls(3), ["", "", ""]),
    (pa.array([0.5, None, 19.0]), ["0.5", "", "19"]),
    (pa.array([850064060010.0, None, 7.0]), ["850064060010", "", "7"]),
    (pa.array([1.0, 2.0, 3.0]), ["1", "2", "3"]),
    (pa.array([19.9, None, 10.0], pa.float32()), ["19.9", "", "10"]),
    (pa.array([0.1, None, float("nan")], pa.float16()), ["0.1", "", ""]),
    (pa.array([-0.0, float("nan"), float("-inf")]), ["0", "", ""]),
    (pa.array([[1.0, float("nan")], [2.5], None]), ["1", "2.5", ""]),
    (pa.array([{"w": 1.0}, {"w": 2.5}, None]), ['{"w": 1}', '{"w": 2.5}', ""]),
    (pa.array([Decimal("1.50"), None, Decimal("0.00")]), ["1.50", "", "0.00"]),
    (pa.array([dt.date(2026, 1, 2), None, None]), ["2026-01-02", "", ""]),
    (
        pa.array([dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), None, None], pa.timestamp("ns", "UTC")),
        ["2026-01-02T03:04:05+00:00", "", ""],
    ),
    (
        pa.array([dt.datetime(2026, 1, 2, 3, tzinfo=UTC), None, None], pa.timestamp("s", "+02:00")),
        ["2026-01-02T03:00:00+00:00", "", ""],
    ),
    (
        pa.array([dt.datetime(2026, 1, 2, 3, tzinfo=UTC), None, None], pa.timestamp("us", "Europe/Berlin")),
        ["2026-01-02T04:00:00+01:00", "", ""],
    ),
    (pa.array([3000000, 1, None], pa.int32()).cast(pa.date32()), ["10183-09-21", "1970-01-02", ""]),
    (pa.array([300000000000, None, 0], pa.timestamp("s")), ["11476-08-15T05:20:00.000", "", "1970-01-01T00:00:00"]),
    (
        pa.array([253402300799 * 10**6, None, 0], pa.timestamp("us", "Asia/Tokyo")),
        ["10000-01-01T08:59:59.000000+0900", "", "1970-01-01T09:00:00+09:00"],
    ),
    (
        pa.array([0, None, 1], pa.timestamp("us", "Mars/Base")),
        ["1970-01-01T00:00:00+00:00", "", "1970-01-01T00:00:00.000001+00:00"],
    ),
    (pa.array([b"text", None, "Käse".encode()], pa.binary_view()), ["text", "", "Käse"]),
    (pa.array([["https://x/a.jpg", None, "https://x/b.jpg"], [], None]), ["https://x/a.jpg, https://x/b.jpg", "", ""]),
    (pa.array([{"a": 1, "b": "é"}, None, {"a": None, "b": ""}]), ['{"a": 1, "b": "é"}', "", '{"a": null, "b": ""}']),
    (pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())), ['{"k": 1}', "", "{}"]),
    (pa.array([b"text", None, "Käse".encode()]), ["text", "", "Käse"]),
    (pa.array([[{"src": "u"}], None, []]), ['[{"src": "u"}]', "", ""]),
]


@pytest.mark.parametrize(
    ("values", "texts"), ARROW_COLUMNS, ids=lambda v: str(v.type) if isinstance(v, pa.Array) else ""
)
def test_parquet_columns_of_every_type_become_text(tmp_path: Path, values: pa.Array, texts: list[str]) -> None:
    manifest = open_manifest(parquet(tmp_path, {"sku": ["1", "2", "3"], "value": values}))

    assert column(manifest, "value") == texts


@pytest.mark.parametrize("kind", ["float32", "Float32", "float[pyarrow]", "float16"])
def test_short_numbers_of_a_frame_have_as_many_digits_as_they_had(kind: str) -> None:
    frame = pd.DataFrame({"value": pd.Series([19.9, None, 10.0], dtype=kind)})

    assert column(open_manifest(frame), "value") == ["19.9", "", "10"]


def test_bytes_that_turn_out_to_be_no_text_are_named(tmp_path: Path) -> None:
    photo = [b"text"] * 120 + ["Käse".encode(), b"\xff\xd8\xff"]
    path = parquet(tmp_path, {"sku": [str(n) for n in range(len(photo))], "photo": pa.array(photo)})

    with pytest.raises(ManifestError, match='row 122: column "photo" holds bytes that are no text'):
        list(open_manifest(path).rows())


def test_a_value_that_has_no_text_is_named(tmp_path: Path) -> None:
    dates = pa.array([[1], [1], [3000000]], pa.list_(pa.int32())).cast(pa.list_(pa.date32()))
    path = parquet(tmp_path, {"sku": ["A", "B", "C"], "dates": dates})

    with pytest.raises(ManifestError, match='row 3: column "dates" holds a value that has no text'):
        list(open_manifest(path).rows())


ALONE_AND_IN_COMPANY = [
    ([10.0], [10.0, None]),
    ([10.0], [10.0, 10.5]),
    ([10.0], [10.0, float("inf")]),
    ([10], [10, 10.5]),
    ([[1]], [[1], [2.5]]),
    ([True], [True, None]),
    ([pd.Timestamp("2026-01-02")], [pd.Timestamp("2026-01-02"), pd.Timestamp("2026-01-02T03:04:05.000006"), None]),
    ([dt.datetime(2026, 1, 2, tzinfo=UTC)], [dt.datetime(2026, 1, 2, tzinfo=UTC), None]),
    (pd.Categorical([10]), pd.Categorical([10, None])),
    (pd.Categorical([10.0]), pd.Categorical([10.0, 10.5])),
]


@pytest.mark.parametrize(("alone", "in_company"), ALONE_AND_IN_COMPANY, ids=str)
@pytest.mark.parametrize("written", [False, True], ids=["frame", "parquet"])
def test_a_cell_reads_the_same_whatever_the_other_rows_hold(
    tmp_path: Path, alone: Any, in_company: Any, *, written: bool
) -> None:
    def first(values: Any) -> str:
        frame = pd.DataFrame({"value": values})
        if not written:
            return column(open_manifest(frame), "value")[0]
        return column(open_manifest(parquet(tmp_path, {"value": pa.array(frame["value"], from_pandas=True)})), "value")[
            0
        ]

    assert first(alone) == first(in_company)


def test_times_with_an_offset_read_the_same_whatever_row_is_first(tmp_path: Path) -> None:
    summer, winter = (
        dt.datetime(2026, month, 2, 12, tzinfo=dt.timezone(dt.timedelta(hours=hours)))
        for month, hours in ((7, 2), (1, 1))
    )

    both = [
        column(open_manifest(parquet(tmp_path, {"when": pa.array(rows)})), "when")
        for rows in ([summer, winter], [winter])
    ]

    assert both[0][1] == both[1][0] == "2026-01-02T11:00:00+00:00"


def test_parquet_rows_are_numbered_across_row_groups(tmp_path: Path) -> None:
    manifest = open_manifest(parquet(tmp_path, {"sku": [f"A{n}" for n in range(5)]}))

    assert [row.number for row in manifest.rows()] == [1, 2, 3, 4, 5]
    assert manifest.folder == tmp_path


@pytest.mark.parametrize(
    "image",
    [
        pa.array([{"bytes": b"\xff\xd8\x00", "path": "a.jpg"}]),
        pa.array([b"\xff\xd8\x00"], pa.binary_view()),
        pa.array([[("photo", b"\xff\xd8\x00")]], pa.map_(pa.string(), pa.binary())),
    ],
)
def test_parquet_columns_of_bytes_are_not_read(tmp_path: Path, image: pa.Array) -> None:
    values = {"sku": ["1"], "image": image, "title": ["one"]}

    manifest = open_manifest(parquet(tmp_path, values))

    assert cells(manifest) == [("1", "", "one")]
    assert 'column "image" holds bytes' in manifest.warnings[0]


def test_parquet_under_a_wrong_name_is_recognised(tmp_path: Path) -> None:
    assert cells(open_manifest(parquet(tmp_path, {"sku": ["A"]}, "catalog.csv"))) == [("A",)]


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"sku": ["A"]})
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(ManifestError, match=r"catalog\.parquet: is a damaged Parquet file"):
        open_manifest(path)


def test_a_damaged_page_is_refused_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "catalog.parquet"
    pq.write_table(pa.table({"sku": [f"{n:050d}" for n in range(5000)]}), path, compression="zstd")
    body = bytearray(path.read_bytes())
    body[200:400] = b"\xaa" * 200
    path.write_bytes(bytes(body))

    with pytest.raises(ManifestError, match="is a damaged Parquet file"):
        list(open_manifest(path).rows())


def test_parquet_columns_with_equal_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["sku", "sku"]), path)

    with pytest.raises(ManifestError, match="two columns have the same name"):
        open_manifest(path)


def test_json_lines_keep_the_spelling_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "catalog.jsonl"
    path.write_text(
        '{"sku": "007", "price": 19.90, "n": 1e5, "big": 12345678901234567890, "none": null, "yes": true}\n\n'
        '{"sku": "8", "images": ["https://x/a.jpg", "https://x/b.jpg"], "size": {"w": 1, "h": 2.50}}\n',
        encoding="utf-8",
    )

    manifest = open_manifest(path)

    assert manifest.columns == ("sku", "price", "n", "big", "none", "yes", "images", "size")
    assert cells(manifest) == [
        ("007", "19.90", "1e5", "12345678901234567890", "", "true", "", ""),
        ("8", "", "", "", "", "", "https://x/a.jpg, https://x/b.jpg", '{"w": 1, "h": 2.5}'),
    ]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_words_for_no_number_in_json_are_empty(tmp_path: Path, word: str) -> None:
    rows = f'{{"sku": "A", "title": {word}, "sizes": [1.50, {word}]}}'
    (tmp_path / "catalog.jsonl").write_text(rows, encoding="utf-8")
    (tmp_path / "catalog.json").write_text(f"[{rows}]", encoding="utf-8")

    for name in ("catalog.jsonl", "catalog.json"):
        assert cells(open_manifest(tmp_path / name)) == [("A", "", "1.50")]


def test_a_limit_hides_no_column_and_shows_no_damage(tmp_path: Path) -> None:
    lines = ['{"sku": "A"}', '{"sku": "B", "title": "two"}', '{"sku": "C"}', '{"sku']
    (tmp_path / "c.jsonl").write_text("\n".join(lines), encoding="utf-8")
    feed = "<rss><item><sku>A</sku></item><item><title>two</title></item><item><sku"
    (tmp_path / "c.xml").write_text(feed, encoding="utf-8")

    for name in ("c.jsonl", "c.xml"):
        manifest = open_manifest(tmp_path / name, limit=1)
        assert manifest.columns == ("sku", "title")
        assert cells(manifest) == [("A", "")]
    with pytest.raises(ManifestError, match="line 4 is not a whole JSON object"):
        open_manifest(tmp_path / "c.jsonl", limit=4)


def test_a_name_with_two_values_in_one_object_is_refused(tmp_path: Path) -> None:
    objects = ['{"sku": "A", "title": "one"}', '{"sku": "B", "title": "mug", "sku": "B", "title": "pan"}']
    (tmp_path / "c.jsonl").write_text("\n".join(objects), encoding="utf-8")
    (tmp_path / "c.json").write_text(f"[{','.join(objects)}]", encoding="utf-8")

    with pytest.raises(ManifestError, match='line 2 has two values for "title"'):
        open_manifest(tmp_path / "c.jsonl")
    with pytest.raises(ManifestError, match='row 2 has two values for "title"'):
        open_manifest(tmp_path / "c.json")


def test_a_name_that_stands_twice_with_one_value_is_read(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"sku": "A", "title": "mug", "sku": "A"}', encoding="utf-8")

    assert cells(open_manifest(tmp_path / "c.jsonl")) == [("A", "mug")]


def test_json_arrays_and_compressed_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "catalog.json").write_text(json.dumps([{"sku": "A"}, {"sku": "B", "n": 1}], indent=2), encoding="utf-8")
    (tmp_path / "catalog.ndjson.gz").write_bytes(gzip.compress(b'\xef\xbb\xbf{"sku": "A"}\r\n{"sku": "B", "n": 1}'))

    assert cells(open_manifest(tmp_path / "catalog.json")) == [("A", ""), ("B", "1")]
    assert cells(open_manifest(tmp_path / "catalog.ndjson.gz")) == [("A", ""), ("B", "1")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"sku": "A"}\n{"sku": \n', "line 2 is not a whole JSON object"),
        (b'{\n  "sku": "A"\n}\n', "line 1 is not a whole JSON object"),
        (b'{"sku": "A"}\n["B"]\n', "line 2 is a JSON list, not an object"),
        (b'[{"sku": "A"}, 7]', "row 2 is a JSON int, not an object"),
        (b'[{"sku": "A"}, ', "is not valid JSON"),
        (b'{"sku": "caf\xe9"}\n', "byte 12 (0xe9) is not valid utf-8"),
    ],
)
def test_broken_json_is_refused_with_its_place(tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "catalog.jsonl").write_bytes(body)

    with pytest.raises(ManifestError) as caught:
        list(open_manifest(tmp_path / "catalog.jsonl").rows())

    assert "catalog.jsonl" in str(caught.value)
    assert message in str(caught.value)


def test_a_data_frame_becomes_text_and_nothing_is_invented() -> None:
    frame = pd.DataFrame(
        {
            "sku": ["007", None, "NA"],
            "n": [1, 2, 3],
            "widened": [7.0, np.nan, 8.0],
            "price": [19.5, np.nan, 20.0],
            "when": [pd.Timestamp("2026-01-02T03:04:05Z"), pd.NaT, pd.NaT],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "any": [np.int64(5), 0.1, ["https://x/a", "https://x/b"]],
        },
        index=[9, 9, 9],
    )

    assert cells(open_manifest(frame)) == [
        ("007", "1", "7", "19.5", "2026-01-02T03:04:05+00:00", "1", "5"),
        ("", "2", "", "", "", "", "0.1"),
        ("NA", "3", "8", "20", "", "3", "https://x/a, https://x/b"),
    ]


def test_a_data_frame_with_equal_column_names_is_read_by_position() -> None:
    frame = pd.DataFrame([["a", "b"]], columns=["img", "img"])

    manifest = open_manifest(frame)

    assert manifest.columns == ("img", "img.1")
    assert cells(manifest) == [("a", "b")]


def test_an_arrow_table_is_read_like_a_frame() -> None:
    assert cells(open_manifest(pa.table({"sku": ["007", None], "n": [1, None]}))) == [("007", "1"), ("", "")]


def photos(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_every_image_in_a_folder_is_a_row(tmp_path: Path) -> None:
    photos(tmp_path, "mug.jpg", "sub/Red-chair_2.PNG", "sub/deep/x.webp", "notes.txt", ".hidden.jpg", ".git/a.jpg")

    manifest = open_manifest(tmp_path)

    assert manifest.columns == ("key", "title", "image_url", "image_n", "path", "folder")
    assert cells(manifest) == [
        ("mug", "mug", "mug.jpg", "1", "mug.jpg", ""),
        ("sub/Red-chair_2", "Red chair 2", "sub/Red-chair_2.PNG", "1", "sub/Red-chair_2.PNG", "sub"),
        ("sub/deep/x", "x", "sub/deep/x.webp", "1", "sub/deep/x.webp", "sub/deep"),
    ]
    assert manifest.folder == tmp_path


def test_a_result_folder_inside_is_not_looked_into(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "out/ledger.db", "out/images/a/studio.jpg")

    assert column(open_manifest(tmp_path), "path") == ["a.jpg"]


def test_what_a_run_wrote_into_the_folder_itself_is_no_input(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "ledger.db", "images/a/studio.jpg", "superseded/b.jpg", "more/c.jpg")

    assert column(open_manifest(tmp_path), "path") == ["a.jpg", "more/c.jpg"]


def test_keys_of_images_that_differ_only_in_extension_are_distinct(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "a.png", "a.jpg.png", "b.jpg")

    keys = column(open_manifest(tmp_path), "key")

    assert len(set(keys)) == 4
    assert keys[-1] == "b"


@pytest.mark.parametrize(
    ("files", "remedy"),
    [
        ((), "images are files named"),
        (("c.csv",), "it holds .csv files"),
        (("part-0.parquet", "part-1.parquet"), "write it as one"),
    ],
)
def test_a_folder_without_images_is_refused(tmp_path: Path, files: tuple[str, ...], remedy: str) -> None:
    with pytest.raises(ManifestError, match="no images in this folder") as caught:
        open_manifest(photos(tmp_path, *files))

    assert remedy in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may look everywhere")
@pytest.mark.parametrize("mode", [0o000, 0o200])
def test_a_sub_folder_that_may_not_be_entered_is_left_out_with_a_warning(tmp_path: Path, mode: int) -> None:
    photos(tmp_path, "a.jpg", "closed/b.jpg")
    (tmp_path / "closed").chmod(mode)
    try:
        manifest = open_manifest(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o755)

    assert [row.cells[0] for row in manifest.rows()] == ["a"]
    assert [text for text in manifest.warnings if "closed cannot be looked into" in text]
