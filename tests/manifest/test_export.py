"""Back out again: the platform's own file with new image URLs, every other cell byte for byte as it was."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError, ManifestError
from pipeline.manifest import open_manifest
from pipeline.manifest.delimited import DelimitedReader
from pipeline.manifest.export import export
from pipeline.manifest.verbatim import verbatim

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.task import Row

NEW = "https://new.example"


def nothing(_: str, __: Row) -> list[str]:
    return []


def one(key: str, _: Row | None = None) -> list[str]:
    return [f"{NEW}/{key}.png"]


def exported(
    folder: Path,
    content: str | bytes,
    to: str,
    outputs: Callable[[str, Row], list[str]] = one,
    name: str = "catalog.csv",
) -> bytes:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    export(open_manifest(folder / name), outputs, to=to, destination=folder / "out.csv")
    return (folder / "out.csv").read_bytes()


SHOPIFY = (
    '\ufeff"Handle", Title ,Body (HTML),Image Src,Image Position,Variant Image\r\n'
    'mug,"Mug, ""big""","<p>two\nlines</p>",https://cdn/a.jpg?v=1,1,https://cdn/b.jpg\r\n'
    '\r\nmug,,,"https://cdn/b.jpg",2,\n'
    "bare,Bare,  x  ,,,\r\n"
    "lamp,Lämp,,https://cdn/c.jpg,1,https://cdn/c.jpg"
)


def test_a_shopify_export_keeps_everything_but_its_images(tmp_path: Path) -> None:
    after = exported(tmp_path, SHOPIFY, "shopify")

    expected = SHOPIFY.replace("https://cdn/a.jpg?v=1", f"{NEW}/mug.png").replace(
        "https://cdn/b.jpg", f"{NEW}/mug-2.png"
    )
    assert after == expected.replace("https://cdn/c.jpg", f"{NEW}/lamp.png").encode()


def test_without_outputs_the_file_is_the_same_to_the_byte(tmp_path: Path) -> None:
    assert exported(tmp_path, SHOPIFY, "shopify", nothing) == SHOPIFY.encode()


def test_further_outputs_become_image_rows_behind_the_product(tmp_path: Path) -> None:
    content = "Handle,Title,Image Src,Image Position\nmug,Mug,https://cdn/a.jpg,1\nmug,,https://cdn/b.jpg,2"

    after = exported(tmp_path, content, "shopify", lambda key, _: [f"{NEW}/{key}/studio.png", f"{NEW}/{key}/scene.png"])

    assert after.decode().splitlines() == [
        "Handle,Title,Image Src,Image Position",
        f"mug,Mug,{NEW}/mug/studio.png,1",
        f"mug,,{NEW}/mug-2/studio.png,2",
        f"mug,,{NEW}/mug/scene.png,3",
        f"mug,,{NEW}/mug-2/scene.png,4",
    ]


def test_a_handle_that_comes_again_keeps_its_replacement(tmp_path: Path) -> None:
    content = "Handle,Title,Image Src\nmug,Mug,https://cdn/a.jpg\nlamp,Lamp,https://cdn/a.jpg\nmug,,https://cdn/a.jpg\n"

    after = exported(tmp_path, content, "shopify")

    assert [line.rpartition(",")[2] for line in after.decode().splitlines()[1:]] == [
        f"{NEW}/mug.png",
        f"{NEW}/lamp.png",
        f"{NEW}/mug.png",
    ]


def test_woocommerce_cells_keep_their_separators_and_the_images_without_output(tmp_path: Path) -> None:
    content = 'ID,Type,SKU,Name,Images\r\n1,simple,A,Mug,"https://x/a\\,1.jpg, https://x/b.jpg,https://x/c.jpg"\r\n'

    after = exported(tmp_path, content, "woocommerce", lambda key, _: [] if key == "A-2" else one(key))

    assert after.decode().endswith(f'1,simple,A,Mug,"{NEW}/A.png, https://x/b.jpg,{NEW}/A-3.png"\r\n')


def test_merchant_files_keep_tabs_encoding_and_mark(tmp_path: Path) -> None:
    content = (
        "id\ttitle\timage_link\tadditional_image_link\n1\tKäse\thttps://x/a.jpg\thttps://x/b.jpg,https://x/c.jpg\n"
    )

    after = exported(tmp_path, content.encode("utf-16-be").join([b"\xfe\xff", b""]), "merchant", name="feed.tsv")

    assert after[:2] == b"\xfe\xff"
    assert after.decode("utf-16").splitlines()[1] == f"1\tKäse\t{NEW}/1.png\t{NEW}/1-2.png,{NEW}/1-3.png"


def test_bytes_that_are_no_text_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    path.write_bytes(b"id,title,image_link\n1,caf\xe9,https://x/a.jpg\n")

    manifest = open_manifest(path, encoding_errors="replace")
    export(manifest, one, to="merchant", destination=tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_bytes() == f"id,title,image_link\n1,caf\xe9,{NEW}/1.png\n".encode("latin-1")


def test_bytes_that_cannot_come_back_as_they_were_are_named(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    path.write_bytes("id,title,image_link\n ,,\n1,杯,https://x/a.jpg\n2,".encode("gbk") + b"\xff,https://x/b.jpg\n")
    manifest = open_manifest(path, encoding="gbk", encoding_errors="replace")

    with pytest.raises(ManifestError, match=r"0xff\) in row 2 is not valid gbk; it cannot be written back") as caught:
        export(manifest, one, to="merchant", destination=tmp_path / "out.csv")

    assert "save the file as UTF-8" in caught.value.hint
    assert not (tmp_path / "out.csv").exists()


def test_csv_appends_one_column_to_the_original(tmp_path: Path) -> None:
    content = 'sep=;\nsku;title;\n007;\'a;\n\n8;"b\nc"\n'

    after = exported(tmp_path, content, "csv", lambda key, _: [*one(key), f"{NEW}/x;y.png"] if key == "007" else [])

    assert (
        after.decode() == f'sep=;\nsku;title;;photobatch_image\n007;\'a;;"{NEW}/007.png, {NEW}/x;y.png"\n\n8;"b\nc";;\n'
    )


def test_csv_gives_a_products_row_all_its_new_images_and_can_be_repeated(tmp_path: Path) -> None:
    content = 'ID,Type,SKU,Name,Images\n1,simple,A,Mug,"https://x/a.jpg,https://x/b.jpg"\n2,simple,B,Cup,\n'

    first = exported(tmp_path, content, "csv")
    again = exported(tmp_path, first, "csv")

    assert first == again
    assert next(csv.DictReader(io.StringIO(first.decode())))["photobatch_image"] == f"{NEW}/A.png, {NEW}/A-2.png"


def test_a_table_that_is_no_csv_is_written_whole(tmp_path: Path) -> None:
    manifest = open_manifest(pd.DataFrame({"sku": ["007"], "title": ["a,b"]}))

    done = export(manifest, one, to="csv", destination=tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_text(
        encoding="utf-8"
    ) == f'sku,title,photobatch_image\n007,"a,b",{NEW}/007.png\n'
    assert not done.in_place


@pytest.mark.parametrize(
    ("to", "lines"),
    [
        ("shopify", ["Handle,Title,Image Src,Image Position", f"a-1,Mug,{NEW}/A 1.png,1", f"a-1,,{NEW}/A 1-2.png,2"]),
        ("woocommerce", ["SKU,Name,Images", f'A 1,Mug,"{NEW}/A 1.png, {NEW}/A 1-2.png"']),
        ("merchant", ["id,title,image_link,additional_image_link", f"A 1,Mug,{NEW}/A 1.png,{NEW}/A 1-2.png"]),
    ],
)
def test_another_platforms_file_is_made_anew(tmp_path: Path, to: str, lines: list[str]) -> None:
    content = "sku,name,base_image,additional_images\nA 1,Mug,/a.jpg,/b.jpg\nB,None,/c.jpg,\n"

    after = exported(tmp_path, content, to, lambda key, _: [] if key == "B" else one(key))

    assert after.decode().splitlines() == lines


def test_products_never_share_a_handle_and_none_is_without(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("sku\nA/1\nA 1\na-1\n***\n+++\nB 2\n", encoding="utf-8")
    (tmp_path / "sorted.csv").write_text("sku\n+++\nB 2\nA 1\na-1\n***\nA/1\n", encoding="utf-8")

    def handles(name: str) -> dict[str, str]:
        done = export(open_manifest(tmp_path / name), one, to="shopify", destination=tmp_path / "o.csv")
        assert done.marked == 4
        with (tmp_path / "o.csv").open(encoding="utf-8", newline="") as file:
            return {line["Title"]: line["Handle"] for line in csv.DictReader(file)}

    found = handles("c.csv")

    assert (found["a-1"], found["B 2"]) == ("a-1", "b-2")
    assert len(set(found.values())) == 6
    assert [found[name].rpartition("-")[0] for name in ("A/1", "A 1", "***")] == ["a-1", "a-1", "product"]
    assert handles("sorted.csv") == found


def test_a_handle_does_not_change_when_more_is_done(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("sku\nA/1\nA 1\n", encoding="utf-8")

    def exported_handles(*done: str) -> list[str]:
        export(
            open_manifest(tmp_path / "c.csv"),
            lambda key, _: one(key) if key in done else [],
            to="shopify",
            destination=tmp_path / "o.csv",
        )
        return [line.partition(",")[0] for line in (tmp_path / "o.csv").read_text(encoding="utf-8").splitlines()[1:]]

    assert exported_handles("A/1") == exported_handles("A/1", "A 1")[:1]


def test_an_export_counts_what_went_in(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("sku,image\nA,a.jpg\nB,b.jpg\nC,c.jpg\n", encoding="utf-8")

    done = export(
        open_manifest(tmp_path / "c.csv"),
        lambda key, _: [] if key == "B" else one(key),
        to="csv",
        destination=tmp_path / "o.csv",
    )

    assert (done.with_new_image, done.without, done.in_place) == (2, 1, True)
    assert not list(tmp_path.glob(".*"))


def test_rows_may_be_named_by_any_rule(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("a,b\n1,2\n", encoding="utf-8")

    export(
        open_manifest(tmp_path / "c.csv"),
        one,
        to="csv",
        destination=tmp_path / "o.csv",
        key_of=lambda row: "-".join(row.cells),
    )

    assert f"1,2,{NEW}/1-2.png" in (tmp_path / "o.csv").read_text(encoding="utf-8")


def test_what_cannot_be_exported_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("sku,image\nA,a.jpg\n", encoding="utf-8")
    manifest = open_manifest(path)

    with pytest.raises(InputError, match="--to magento: unknown"):
        export(manifest, one, to="magento", destination=tmp_path / "o.csv")
    with pytest.raises(InputError, match="is the manifest itself"):
        export(manifest, one, to="csv", destination=path)
    with pytest.raises(ManifestError, match="no row has an output yet"):
        export(manifest, nothing, to="shopify", destination=tmp_path / "o.csv")

    assert [p.name for p in tmp_path.iterdir()] == ["c.csv"]


CHARS = st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r\t")
CELL = st.one_of(st.text(CHARS, max_size=12), st.sampled_from(['a"b', '"', ' "x"', "''", "a;b,c|d"]))


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_every_file_is_taken_apart_and_put_together_to_the_byte(
    rows: list[list[str]], delimiter: str, codec: str
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([["first", "second"], *rows])
    content = out.getvalue().encode(codec)
    reader = open_manifest(io.BytesIO(content)).reader
    assert isinstance(reader, DelimitedReader)
    raw = verbatim(reader.origin, reader.dialect)

    with raw.open() as (prefix, records):
        read = list(records)

    assert (prefix + "".join(record.text(delimiter) for record in read)).encode(raw.view) == content
    texts = [tuple(map(raw.decoded, record.cells)) for record in read if not raw.is_blank(record)]
    assert texts[1:] == [row.cells for batch in reader.batches(10) for row in batch]
