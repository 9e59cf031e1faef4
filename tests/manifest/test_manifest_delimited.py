"""CSV and TSV as they come out of real programs: what is read, what is refused, and in which words."""

from __future__ import annotations

import csv
import gzip
import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ManifestError
from pipeline.manifest import Manifest, open_manifest


def write(folder: Path, content: str | bytes, name: str = "catalog.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(manifest: Manifest) -> list[tuple[str, ...]]:
    return [row.cells for row in manifest.rows()]


def refused(path: Path, **options: object) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        list(open_manifest(path, **options).rows())  # type: ignore[arg-type]
    return caught.value


def test_text_stays_text(tmp_path: Path) -> None:
    path = write(tmp_path, "sku,size,note\n007,NA,None\n0080446392,null,1e5\n")

    assert cells(open_manifest(path)) == [("007", "NA", "None"), ("0080446392", "null", "1e5")]


def test_rows_are_numbered_from_one_and_blank_lines_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path, "\n\nsku,title\n\nA,one\n,\n  ,\n\nB,two\n")

    assert [(row.number, row.cells) for row in open_manifest(path).rows()] == [(1, ("A", "one")), (2, ("B", "two"))]


def test_a_manifest_can_be_read_twice_and_in_batches(tmp_path: Path) -> None:
    manifest = open_manifest(write(tmp_path, "sku\n" + "".join(f"A{n}\n" for n in range(10))))

    assert [len(batch) for batch in manifest.batches(4)] == [4, 4, 2]
    assert len(list(manifest.rows())) == 10


def test_limit_reads_only_the_first_rows(tmp_path: Path) -> None:
    path = write(tmp_path, 'sku,title\nA,1\nB,2\nC,"never closed')

    assert cells(open_manifest(path, limit=2)) == [("A", "1"), ("B", "2")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_counted_in_the_header_outside_quotes(tmp_path: Path, delimiter: str) -> None:
    others = "".join(d for d in ",;\t|" if d != delimiter) * 3
    header = delimiter.join(["sku", f'"Categories ({others})"', "title"])
    path = write(tmp_path, f"{header}\nA{delimiter}b{delimiter}c\n")

    assert cells(open_manifest(path)) == [("A", "b", "c")]


def test_the_header_of_prestashop_counts_its_own_delimiter(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "ID;Active (0/1);Name *;Categories (x,y,z...);Reference #;EAN13;Image URLs (x,y,z...)\n1;1;a;b;c;0;d\n",
    )

    assert open_manifest(path, platform="none").columns[3] == "Categories (x,y,z...)"


def test_delimiter_overrides(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c;d\n1,2,3;4\n")

    assert cells(open_manifest(path, delimiter=";")) == [("1,2,3", "4")]
    assert cells(open_manifest(write(tmp_path, "a\tb\n1\t2\n"), delimiter="tab")) == [("1", "2")]


def test_a_delimiter_of_two_characters_is_refused(tmp_path: Path) -> None:
    assert "must be one character" in str(refused(write(tmp_path, "a,b\n1,2\n"), delimiter="::"))


def test_a_list_of_urls_under_one_header_keeps_its_commas(tmp_path: Path) -> None:
    path = write(tmp_path, "image_url\nhttps://x/w_200,h_200/a.jpg\n")

    assert cells(open_manifest(path)) == [("https://x/w_200,h_200/a.jpg",)]


def test_excels_sep_line_is_honoured(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffsep=;\r\nsku;a,b,c\r\n1;2\r\n")

    manifest = open_manifest(path)

    assert manifest.columns == ("sku", "a,b,c")
    assert cells(manifest) == [("1", "2")]


@pytest.mark.parametrize("line", ["sep=;;;", "sep=,;;", '"sep=,";;', "sep=;"])
def test_a_sep_line_that_was_saved_as_a_row_is_no_header(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, f"{line}\nsku;title;a,b,c,d\nA;one;x\n")

    manifest = open_manifest(path)

    assert manifest.columns == ("sku", "title", "a,b,c,d")
    assert cells(manifest) == [("A", "one", "x")]


def test_header_names_lose_padding_and_duplicates_are_told_apart(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff sku , img,img,img.1,,Title \n1,2,3,4,5,6\n")

    assert open_manifest(path).columns == ("sku", "img", "img.2", "img.1", "unnamed_5", "Title")


def test_columns_are_found_without_regard_to_case_and_padding(tmp_path: Path) -> None:
    manifest = open_manifest(write(tmp_path, "SKU,Title,title\n1,2,3\n"))

    assert (manifest.column("sku"), manifest.column("title"), manifest.column(" TITLE ")) == (0, 2, 1)


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    manifest = open_manifest(write(tmp_path, "sku,image_url\n1,2\n"))

    with pytest.raises(ManifestError, match=r'catalog\.csv: has no column "imageurl"') as caught:
        manifest.column("imageurl")

    assert caught.value.hint == 'did you mean "image_url"?'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_kind(tmp_path: Path, end: str) -> None:
    path = write(tmp_path, f"sku,title{end}A,one{end}B,two")

    assert cells(open_manifest(path)) == [("A", "one"), ("B", "two")]


def test_mixed_line_ends_and_quoted_newlines(tmp_path: Path) -> None:
    path = write(tmp_path, 'sku,text\r\nA,"one\ntwo"\nB,"x\r\ny"\rC,"a ""b"" c"\r\n')

    assert cells(open_manifest(path)) == [("A", "one\ntwo"), ("B", "x\r\ny"), ("C", 'a "b" c')]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_settles_the_encoding(tmp_path: Path, codec: str) -> None:
    path = write(tmp_path, "sku,title\nA,Käse 日本\n".encode(codec))

    manifest = open_manifest(path)

    assert manifest.columns == ("sku", "title")
    assert cells(manifest) == [("A", "Käse 日本")]


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    packed = gzip.compress(b"sku\ttitle\nA\tone\n")

    assert cells(open_manifest(write(tmp_path, packed, "catalog.tsv.gz"))) == [("A", "one")]
    assert cells(open_manifest(write(tmp_path, packed, "catalog.tsv"))) == [("A", "one")]


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress("".join(f"A{n * 7919},b\n" for n in range(50_000)).encode())

    error = refused(write(tmp_path, packed[: len(packed) // 2], "catalog.csv.gz"))

    assert "catalog.csv.gz: the compressed file is damaged or cut short" in str(error)


def test_a_byte_that_is_no_utf8_is_named_with_offset_row_and_remedy(tmp_path: Path) -> None:
    good = "sku,title\n" + "".join(f'{n},"long\ntext {n}"\n' for n in range(5_000))
    path = write(tmp_path, good.encode() + b"x,caf\xe9\n")

    error = refused(path)

    assert str(error).endswith(f"catalog.csv: byte {len(good.encode()) + 5} (0xe9) in row 5001 is not valid utf-8")
    assert "--encoding cp1252" in error.hint
    assert "--encoding-errors replace" in error.hint


def test_a_bad_byte_behind_a_mark_or_in_the_header_is_counted_from_the_start_of_the_file(tmp_path: Path) -> None:
    error = refused(write(tmp_path, b"\xef\xbb\xbfsku,pr\xe9nom\nA,b\n"))

    assert "byte 9 (0xe9) in the header is not valid utf-8-sig" in str(error)


def test_the_row_of_a_bad_byte_is_counted_as_rows_are_elsewhere(tmp_path: Path) -> None:
    path = write(tmp_path, b"sku;title\n ;\n\t; \nA1;one\nA2;\xfc\n")

    assert "in row 2 " in str(refused(path))


def test_half_a_utf16_character_is_named(tmp_path: Path) -> None:
    assert "byte 26" in str(refused(write(tmp_path, "sku,a\nA,bcd\n".encode("utf-16") + b"\x00")))


def test_utf16_that_was_cut_off_is_not_called_an_old_windows_file(tmp_path: Path) -> None:
    error = refused(write(tmp_path, "sku,title\nA,one\n".encode("utf-16")[:-1]))

    assert "damaged or cut short" in error.hint
    assert "cp1252" not in error.hint


def test_the_user_may_name_the_encoding(tmp_path: Path) -> None:
    path = write(tmp_path, "sku,title\nA,café €\n".encode("cp1252"))

    assert cells(open_manifest(path, encoding="cp1252")) == [("A", "café €")]


def test_undecodable_bytes_can_be_replaced(tmp_path: Path) -> None:
    path = write(tmp_path, b"sku,title\nA,caf\xe9\nB,nul\x00l\n")

    manifest = open_manifest(path, encoding_errors="replace")

    assert cells(manifest) == [("A", "caf\ufffd"), ("B", "nul\ufffdl")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "klingon"}, "--encoding klingon: no such encoding"),
        ({"encoding": "base64"}, "--encoding base64: no such encoding"),
        ({"encoding": "undefined"}, "--encoding undefined: no such encoding"),
        ({"encoding_errors": "hope"}, "--encoding-errors hope: unknown"),
    ],
)
def test_unknown_encodings_are_refused(tmp_path: Path, options: dict[str, str], message: str) -> None:
    assert message in str(refused(write(tmp_path, "a,b\n1,2\n"), **options))


def test_utf16_without_a_mark_is_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path, "sku,title\nA,one\n".encode("utf-16-le"))

    assert "--encoding utf-16-le" in refused(path).hint
    assert cells(open_manifest(path, encoding="utf-16-le")) == [("A", "one")]


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
def test_an_encoding_of_two_byte_orders_needs_a_mark(tmp_path: Path, codec: str) -> None:
    path = write(tmp_path, "sku,title\nA,one\n".encode(f"{codec}-le"))

    error = refused(path, encoding=codec)

    assert "does not begin with a byte-order mark" in str(error)
    assert f"--encoding {codec}-le" in error.hint


@pytest.mark.parametrize(
    ("codec", "asked", "meant"),
    [
        ("utf-8-sig", "cp1252", "utf-8"),
        ("utf-8-sig", "utf-16", "utf-8"),
        ("utf-16", "utf-8", "utf-16-le"),
        ("utf-16", "utf-16-be", "utf-16-le"),
        ("utf-32", "utf-16-le", "utf-32-le"),
    ],
)
def test_a_flag_that_contradicts_the_byte_order_mark_is_refused(
    tmp_path: Path, codec: str, asked: str, meant: str
) -> None:
    path = write(tmp_path, "sku,title\nA,café\n".encode(codec))

    error = refused(path, encoding=asked)

    assert f"begins with the byte-order mark of {meant}, but --encoding says {asked}" in str(error)
    assert "leave --encoding out" in error.hint


@pytest.mark.parametrize(("codec", "asked"), [("utf-8-sig", "utf8"), ("utf-16", "utf-16-le"), ("utf-32", "utf-32")])
def test_a_flag_that_says_what_the_mark_says_is_no_contradiction(tmp_path: Path, codec: str, asked: str) -> None:
    path = write(tmp_path, "sku,title\nA,café\n".encode(codec))

    assert cells(open_manifest(path, encoding=asked)) == [("A", "café")]


def test_more_cells_than_headers_are_refused_with_both_widths(tmp_path: Path) -> None:
    path = write(tmp_path, ",".join("abcdefghijklmno") + "\n" + ",".join("x" * 54) + "\n")

    error = refused(path)

    assert "catalog.csv: row 1 (line 2) has 54 cells, the header has 15" in str(error)
    assert "--delimiter" in error.hint


def test_fewer_cells_than_headers_are_refused_with_the_line(tmp_path: Path) -> None:
    error = refused(write(tmp_path, 'sku,text,url\nA,"two\nlines",x\nB,torn\n'))

    assert "row 2 (line 4) has 2 cells, the header has 3" in str(error)


def test_a_trailing_delimiter_is_accepted(tmp_path: Path) -> None:
    path = write(tmp_path, "sku;title\nA;one;\nB;two; ;\nC;three\n")

    assert cells(open_manifest(path)) == [("A", "one"), ("B", "two"), ("C", "three")]


def test_a_trailing_delimiter_in_the_header_is_no_column(tmp_path: Path) -> None:
    manifest = open_manifest(write(tmp_path, "sku;title;;\nA;one;;\nB;two\nC;three;stray;\n"))

    assert manifest.columns == ("sku", "title")
    assert cells(manifest) == [("A", "one"), ("B", "two"), ("C", "three")]
    assert "row 3 (line 4) has text beyond the last named column" in manifest.warnings[0]


def test_an_unterminated_quote_names_row_line_and_cell(tmp_path: Path) -> None:
    error = refused(write(tmp_path, 'sku,title,note\nA,one,x\nB,"two\nlines","open\nC,three,y\n'))

    assert "row 2 (line 3): the quote opened in cell 3 on line 4 is never closed" in str(error)


def test_an_unterminated_quote_does_not_swallow_a_large_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'sku,title\nA,"open\n' + "B,two\n" * 2_000_000)

    assert "row 1 (line 2): the quote opened in cell 2 on line 2 is not closed within 8,000,000" in str(refused(path))


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_that_is_too_long_is_called_so(tmp_path: Path, quote: str) -> None:
    path = write(tmp_path, f"sku,image\nA,{quote}data:image/png;base64;{'A' * 8_000_000}{quote}\n")

    assert "row 1 (line 2): cell 2 is longer than 8,000,000 characters" in str(refused(path))


def test_a_quote_that_closes_in_the_wrong_place_is_refused(tmp_path: Path) -> None:
    error = refused(write(tmp_path, 'sku,title\nA,"open\nB,"two"\n'))

    assert "row 1 (line 2), line 3: text behind a closing quote" in str(error)


def test_text_behind_a_closing_quote_within_one_line_is_warned_about(tmp_path: Path) -> None:
    manifest = open_manifest(write(tmp_path, 'sku,title,url\nA,"5" nail",u\nB,two,v\n'))

    assert cells(manifest) == [("A", '5 nail"', "u"), ("B", "two", "v")]
    assert "row 1 (line 2) has text behind a closing quote" in manifest.warnings[0]


def test_long_cells_are_read(tmp_path: Path) -> None:
    body = "x" * 1_000_000

    assert cells(open_manifest(write(tmp_path, f"sku,body\nA,{body}\n"))) == [("A", body)]


def test_a_nul_byte_is_refused_with_its_row(tmp_path: Path) -> None:
    assert "NUL byte in row 2 (line 3)" in str(refused(write(tmp_path, "sku,title\nA,one\nB,t\x00wo\n")))


def test_guards_of_spreadsheets_are_taken_off_identifiers_only(tmp_path: Path) -> None:
    path = write(tmp_path, "Variant Barcode,title\n'0850064060010,'quoted\n'x',b\n")

    assert cells(open_manifest(path)) == [("0850064060010", "'quoted"), ("'x'", "b")]


def test_identifiers_that_a_spreadsheet_damaged_are_warned_about_once(tmp_path: Path) -> None:
    manifest = open_manifest(write(tmp_path, "EAN13,price\n1,3.65275E+11\n3.65275E+11,1\n8.80609E+12,1\n"))

    first, second = cells(manifest), cells(manifest)

    assert first == second
    assert len(manifest.warnings) == 1
    assert '"EAN13": damaged by a spreadsheet: 3.65275E+11 in row 2' in manifest.warnings[0]


@pytest.mark.parametrize(
    ("content", "message", "remedy"),
    [
        (b"", "is empty", "name the columns"),
        (b"\xef\xbb\xbf \r\n\n", "is empty", "name the columns"),
        (b"PK\x03\x04rest", "is an Excel, OpenDocument or zip file", "save it as CSV"),
        (b"\xd0\xcf\x11\xe0rest", "is an old Excel file", "save it as CSV"),
        (b"<!DOCTYPE html><html>Log in</html>", "is a web page (HTML)", "log in"),
        (b"\xff\xd8\xff\xe0", "is a JPEG image", "folder"),
        (b"\x01\x02\x03\x04\x05" * 50, "is a binary file", "CSV"),
        (b"https://x/a.jpg\nhttps://x/b.jpg\n", "the first line holds data", "names the columns"),
        (b"<catalog><product/></catalog>", "is XML without any <item>", "CSV"),
    ],
)
def test_what_is_no_manifest_is_named(tmp_path: Path, content: bytes, message: str, remedy: str) -> None:
    error = refused(write(tmp_path, content))

    assert "catalog.csv" in str(error)
    assert message in str(error)
    assert remedy in error.hint


def test_a_missing_file_names_its_nearest_neighbour(tmp_path: Path) -> None:
    write(tmp_path, "a,b\n", "catalogue.csv")

    error = refused(tmp_path / "catalog.csv")

    assert "no such file" in str(error)
    assert "catalogue.csv?" in error.hint


def test_a_header_without_rows_is_an_empty_manifest(tmp_path: Path) -> None:
    manifest = open_manifest(write(tmp_path, "sku,title\n"))

    assert cells(manifest) == []
    assert "has a header but no rows" in manifest.warnings[0]


def test_standard_input_is_read_twice_like_a_file() -> None:
    script = (
        "from pipeline.manifest import open_manifest\n"
        "m = open_manifest('-')\n"
        "print(m.name, [r.cells for r in m.rows()] == [r.cells for r in m.rows()], sum(1 for _ in m.rows()))"
    )

    done = subprocess.run([sys.executable, "-c", script], input=b"sku\nA\nB\n", capture_output=True, check=True)

    assert done.stdout.split() == [b"<stdin>", b"True", b"2"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_with_a_name_is_read_twice_like_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "catalog.csv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as writer:
        writer.submit(pipe.write_bytes, b"sku,title\nA,one\n")
        manifest = open_manifest(pipe)

    assert cells(manifest) == cells(manifest) == [("A", "one")]
    assert manifest.folder is None


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="the system does not name open files")
def test_an_open_pipe_is_read_by_its_path() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"sku,title\nA,one\n")
    os.close(writing)
    try:
        manifest = open_manifest(f"/dev/fd/{reading}")
    finally:
        os.close(reading)

    assert cells(manifest) == [("A", "one")]


def test_an_open_file_is_read_as_often_as_asked() -> None:
    manifest = open_manifest(io.BytesIO(b"sku,title\nA,one\n"))

    assert cells(manifest) == cells(manifest) == [("A", "one")]
    assert manifest.folder is None


def test_remote_manifests_are_fetched_by_the_given_opener() -> None:
    asked: list[str] = []

    def fetch(url: str) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(gzip.compress(b"sku,title\nA,one\n"))

    manifest = open_manifest("s3://shop/catalog.csv.gz", open_remote=fetch)

    assert cells(manifest) == [("A", "one")]
    assert asked == ["s3://shop/catalog.csv.gz"]
    assert manifest.name == "s3://shop/catalog.csv.gz"


def test_remote_manifests_need_an_opener() -> None:
    with pytest.raises(ManifestError, match="a remote manifest cannot be read here"):
        open_manifest("https://shop.example/catalog.csv")


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r\t"), max_size=20)
WRITERS = [
    (csv.QUOTE_ALL, "\n"),
    (csv.QUOTE_ALL, "\r"),
    (csv.QUOTE_ALL, "\r\n"),
    (csv.QUOTE_MINIMAL, "\r\n"),  # with another line end, Python before 3.13 leaves some line breaks unquoted
]


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(TEXT, min_size=3, max_size=3).filter(lambda r: "".join(r).strip()), max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    writer=st.sampled_from(WRITERS),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    size=st.integers(1, 4),
)
def test_whatever_a_csv_writer_writes_is_read_back(
    rows: list[list[str]], delimiter: str, writer: tuple[int, str], codec: str, size: int
) -> None:
    out = io.StringIO(newline="")
    quoting, end = writer
    table = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    table.writerows([["first", "second", "third"], *rows])

    manifest = open_manifest(io.BytesIO(out.getvalue().encode(codec)))

    assert [list(row.cells) for batch in manifest.batches(size) for row in batch] == rows


def test_a_byte_that_is_no_text_is_named_behind_a_sep_line_as_well(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(b"sep=,\nsku,image_url,title\nA,https://a.example/1.jpg,caf\xe9\n")

    with pytest.raises(ManifestError, match=r"0xe9\) in row 1 is not valid utf-8"):
        list(open_manifest(path).rows())
