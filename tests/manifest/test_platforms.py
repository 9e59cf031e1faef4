"""Shop exports become product images: generated equivalents of real files, with hand-counted results."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from pipeline.errors import ManifestError
from pipeline.manifest import Manifest, open_manifest
from pipeline.manifest.platforms import platforms

if TYPE_CHECKING:
    from pathlib import Path

CDN = "https://cdn.shopify.com/s/files/1/0559/products"


def table(header: list[str], *rows: list[str], delimiter: str = ",", **options: object) -> Manifest:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return open_manifest(io.BytesIO(out.getvalue().encode()), **options)  # type: ignore[arg-type]


def pictures(manifest: Manifest) -> list[tuple[str, str, str, str]]:
    assert manifest.columns[:4] == ("key", "title", "image_url", "image_n")
    return [row.cells[:4] for row in manifest.rows()]  # type: ignore[misc]


def cell(manifest: Manifest, row: int, name: str) -> str:
    return list(manifest.rows())[row].cells[manifest.column(name)]


SHOPIFY = ["Handle", "Title", "Vendor", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Barcode", "Image Src"]
SHOPIFY += ["Image Position", "Variant Image"]


def test_shopify_rows_become_product_images() -> None:
    manifest = table(
        [f" {name} " for name in SHOPIFY],
        ["mug", "Mug", "Acme", "Color", "Red", "", "'0850064060010", f"{CDN}/a.jpg?v=1", "1", f"{CDN}/c.jpg"],
        ["mug", "", "", "", "Blue", "", "", f"{CDN}/b.jpg?v=1", "2", f"{CDN}/b.jpg?v=1"],
        ["mug", "", "", "", "Green", "", "", "", "", ""],
        ["mug", "", "", "", "", "", "", f"{CDN}/c.jpg", "3", ""],
        ["bare", "Bare", "Other", "Title", "Default Title", "", "", "", "", ""],
        ["lamp", "Lamp", "", "", "", "", "", f"{CDN}/a.jpg?v=1", "1", ""],
    )

    assert pictures(manifest) == [
        ("mug", "Mug", f"{CDN}/a.jpg?v=1", "1"),
        ("mug-2", "Mug", f"{CDN}/b.jpg?v=1", "2"),
        ("mug-3", "Mug", f"{CDN}/c.jpg", "3"),
        ("bare", "Bare", "", "0"),
        ("lamp", "Lamp", f"{CDN}/a.jpg?v=1", "1"),
    ]
    assert [row.number for row in manifest.rows()] == [1, 2, 4, 5, 6]
    assert "Shopify export: columns Handle, Image Src" in manifest.notes


def test_image_only_rows_are_filled_from_their_own_product_only() -> None:
    manifest = table(
        SHOPIFY,
        ["mug", "Mug", "Acme", "Color", "Red", "S1", "'085", f"{CDN}/a.jpg", "1", ""],
        ["mug", "", "", "", "", "", "", f"{CDN}/b.jpg", "2", ""],
        ["lamp", "Lamp", "", "", "", "", "", f"{CDN}/c.jpg", "1", ""],
    )

    assert [cell(manifest, 1, name) for name in ("Vendor", "Title", "Option1 Name")] == ["Acme", "Mug", "Color"]
    assert [cell(manifest, 1, name) for name in ("Variant SKU", "Option1 Value", "Image Position")] == ["", "", "2"]
    assert cell(manifest, 2, "Vendor") == ""
    assert cell(manifest, 0, "Variant Barcode") == "085"


def test_a_handle_that_comes_again_continues_its_numbers() -> None:
    header = ["Handle", "Title", "Vendor", "Image Src"]
    manifest = table(
        header,
        ["mug", "Mug", "Acme", f"{CDN}/a.jpg"],
        ["late", "Late", "", ""],
        ["lamp", "Lamp", "", f"{CDN}/c.jpg"],
        ["mug", "", "", f"{CDN}/b.jpg"],
        ["mug", "", "", f"{CDN}/a.jpg"],
        ["late", "", "", f"{CDN}/d.jpg"],
        ["none", "None", "", ""],
        ["lamp", "", "", ""],
        ["none", "", "", ""],
    )

    assert [(key, title, n) for key, title, _, n in pictures(manifest)] == [
        ("mug", "Mug", "1"),
        ("lamp", "Lamp", "1"),
        ("mug-2", "Mug", "2"),
        ("late", "Late", "1"),
        ("none", "None", "0"),
    ]
    assert pictures(manifest) == pictures(manifest)


def test_a_numbered_key_is_never_another_products_handle() -> None:
    manifest = table(
        ["Handle", "Title", "Image Src"],
        ["mug", "Mug", f"{CDN}/a.jpg"],
        ["mug", "", f"{CDN}/b.jpg"],
        ["mug-2", "Second mug", f"{CDN}/c.jpg"],
    )

    assert [key for key, *_ in pictures(manifest)] == ["mug", "mug--2", "mug-2"]


def test_the_new_shopify_template() -> None:
    manifest = table(
        [
            "Title",
            "URL handle",
            "Description",
            "Vendor",
            "SKU",
            "Product image URL",
            "Image position",
            "Variant image URL",
        ],
        ["Mug", "mug", "<p>x</p>", "Acme", "", f"{CDN}/a.jpg", "1", ""],
        ["", "mug", "", "", "", f"{CDN}/b.jpg", "2", f"{CDN}/a.jpg"],
    )

    assert [(key, title) for key, title, *_ in pictures(manifest)] == [("mug", "Mug"), ("mug-2", "Mug")]
    assert cell(manifest, 1, "Description") == "<p>x</p>"


WOO = ["ID", "Type", "SKU", "Name", "Published", "Images", "Parent", "title"]
SHOP = "https://shop.example/wp-content/uploads"


def test_woocommerce_cells_are_taken_apart_and_variations_stay_products() -> None:
    manifest = table(
        WOO,
        ["1", "variable", "tee", "T-Shirt", "1", f"{SHOP}/a.png, {SHOP}/b.png,{SHOP}/w_1\\,h_2.png", "", "own"],
        ["2", "variation", "tee-red", "T-Shirt - Red", "1", f"{SHOP}/a.png", "tee", ""],
        ["3", "simple", "", "Cap", "1", f"{SHOP}/c.png", "", ""],
        ["4", "simple", "dup", "Belt", "1", f"{SHOP}/d.png", "", ""],
        ["5", "simple", "dup", "Belt", "1", "", "", ""],
    )

    assert pictures(manifest) == [
        ("tee", "T-Shirt", f"{SHOP}/a.png", "1"),
        ("tee-2", "T-Shirt", f"{SHOP}/b.png", "2"),
        ("tee-3", "T-Shirt", f"{SHOP}/w_1,h_2.png", "3"),
        ("tee-red", "T-Shirt - Red", f"{SHOP}/a.png", "1"),
        ("3", "Cap", f"{SHOP}/c.png", "1"),
        ("4", "Belt", f"{SHOP}/d.png", "1"),
        ("5", "Belt", "", "0"),
    ]
    assert manifest.columns[4:] == ("ID", "Type", "SKU", "Name", "Published", "Images", "Parent", "title.1")
    assert cell(manifest, 0, "title.1") == "own"


def test_products_without_any_identifier_of_their_own_are_named_by_title_or_row() -> None:
    manifest = table(
        WOO,
        ["", "simple", "", "Cap", "1", f"{SHOP}/a.png", "", ""],
        ["", "simple", "", "Belt", "1", f"{SHOP}/b.png", "", ""],
        ["", "simple", "", "Belt", "1", f"{SHOP}/c.png", "", ""],
        ["Cap", "simple", "S", "Hat", "1", f"{SHOP}/d.png", "", ""],
    )

    assert [key for key, *_ in pictures(manifest)] == ["row-1", "row-2", "row-3", "S"]


def test_prestashop_headers_say_how_images_are_packed() -> None:
    names = ["ID", "Active (0/1)", "Name *", "Categories (x,y,z...)", "Reference #", "EAN13", "Image URLs (x,y,z...)"]
    images = "http://localhost/img/15.jpg,http://localhost/img/16.jpg"
    out = ";".join(names) + f";\r\n1;1;iPod;a,b;RP-1;0000080446392;{images};\r\n2;1;Case;a;;0000080446392;;\r\n"

    manifest = open_manifest(io.BytesIO(out.encode()))

    assert pictures(manifest) == [
        ("RP-1", "iPod", "http://localhost/img/15.jpg", "1"),
        ("RP-1-2", "iPod", "http://localhost/img/16.jpg", "2"),
        ("2", "Case", "", "0"),
    ]
    assert cell(manifest, 0, "EAN13") == "0000080446392"
    assert "localhost" in manifest.warnings[0]


def test_thirtybees_packs_with_semicolons() -> None:
    manifest = table(
        ["Product ID", "Active (0/1)", "Name *", "Reference #", "Image URLs (x;y;z...)"],
        ["1", "1", "iPod", "RP-demo_1", "http://shop/1.jpg;http://shop/2.jpg"],
    )

    assert [key for key, *_ in pictures(manifest)] == ["RP-demo_1", "RP-demo_1-2"]


def test_wix_media_ids_are_placed_on_wix_own_host() -> None:
    header = ["handleId", "fieldType", "name", "description", "productImageUrl", "sku", "price"]
    content = "\ufeff" + ",".join(header) + "\r\n"
    content += 'product_1,Product,Mug,"two\nlines",abc123~mv2.jpg;def456~mv2.png,0007,5\r\n'
    content += "product_1,Variant,,,,,6\r\nproduct_2,Product,Cup,,,,7\r\nproduct_2,Variant,,,,,8\r\n"

    manifest = open_manifest(io.BytesIO(content.encode()))

    assert pictures(manifest) == [
        ("product_1", "Mug", "https://static.wixstatic.com/media/abc123~mv2.jpg", "1"),
        ("product_1-2", "Mug", "https://static.wixstatic.com/media/def456~mv2.png", "2"),
        ("product_2", "Cup", "", "0"),
    ]
    assert cell(manifest, 0, "sku") == "0007"
    assert "relative images are taken from https://static.wixstatic.com/media/" in manifest.notes


def test_the_newer_wix_catalogue_has_media_rows() -> None:
    manifest = table(
        ["handle", "fieldType", "name", "visible", "mediaUrl", "sku"],
        ["mug", "PRODUCT", "Mug", "TRUE", "", ""],
        ["mug", "MEDIA", "", "", "https://x.example/a.jpg", ""],
        ["mug", "MEDIA", "", "", "https://x.example/b.jpg", ""],
        ["mug", "VARIANT", "", "", "", "S1"],
    )

    assert [(key, title) for key, title, *_ in pictures(manifest)] == [("mug", "Mug"), ("mug-2", "Mug")]


def test_etsy_headers_are_recognised_in_their_language() -> None:
    italian = ["TITOLO", "DESCRIZIONE", "PREZZO", "CODICE_VALUTA", "QUANTITÀ", "TAG", "MATERIALI"]
    header = [*italian, *(f"IMMAGINE{n}" for n in range(1, 11)), "SKU"]
    images = ["https://i.etsystatic.com/1.jpg", "", "https://i.etsystatic.com/3.jpg", *[""] * 7]

    manifest = table(
        header,
        ["Anello", "a\nb", "5", "EUR", "1", "x", "y", *images, "32"],
        ["Collana", "", "5", "EUR", "1", "", "", "https://i.etsystatic.com/4.jpg", *[""] * 9, ""],
    )

    assert pictures(manifest) == [
        ("32", "Anello", "https://i.etsystatic.com/1.jpg", "1"),
        ("32-2", "Anello", "https://i.etsystatic.com/3.jpg", "2"),
        ("Collana", "Collana", "https://i.etsystatic.com/4.jpg", "1"),
    ]


MERCHANT = ["id", "title", "link", "image_link", "additional_image_link", "item_group_id"]
FEED = "https://cdn.example/p?id=1&w=2%2C3"


def test_merchant_sizes_that_share_an_image_are_rows_of_their_own() -> None:
    manifest = table(
        MERCHANT,
        ["0", "Shirt S", "x", FEED, "https://cdn.example/b.jpg,https://cdn.example/c,d.jpg", "g"],
        ["A-L", "Shirt L", "x", FEED, "", "g"],
        delimiter="\t",
    )

    assert pictures(manifest) == [
        ("0", "Shirt S", FEED, "1"),
        ("0-2", "Shirt S", "https://cdn.example/b.jpg", "2"),
        ("0-3", "Shirt S", "https://cdn.example/c,d.jpg", "3"),
        ("A-L", "Shirt L", FEED, "1"),
    ]


RSS = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>
<item><g:id>007</g:id><title>Mug &amp; cup</title><g:image_link>https://x/a.jpg</g:image_link>
<g:additional_image_link>https://x/b,1.jpg</g:additional_image_link>
<g:additional_image_link>https://x/c.jpg</g:additional_image_link>
<g:shipping><g:country>US</g:country><g:price>5</g:price></g:shipping></item>
<item><g:id>8</g:id><title>Lamp</title><g:image_link> </g:image_link></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
<entry><g:id>1</g:id><title>Mug</title><link href="https://shop/mug"/><g:image_link>https://x/a.jpg</g:image_link>
</entry></feed>"""


def test_merchant_rss() -> None:
    manifest = open_manifest(io.BytesIO(RSS.encode()))

    assert pictures(manifest) == [
        ("007", "Mug & cup", "https://x/a.jpg", "1"),
        ("007-2", "Mug & cup", "https://x/b,1.jpg", "2"),
        ("007-3", "Mug & cup", "https://x/c.jpg", "3"),
        ("8", "Lamp", "", "0"),
    ]
    assert cell(manifest, 0, "shipping") == '{"country": "US", "price": "5"}'


def test_merchant_atom() -> None:
    manifest = open_manifest(io.BytesIO(ATOM.encode()))

    assert pictures(manifest) == [("1", "Mug", "https://x/a.jpg", "1")]
    assert cell(manifest, 0, "link") == "https://shop/mug"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<g:title>Red mug <b>XL</b></g:title>", "Red mug XL"),
        ("<title><b>Red</b> <i>mug</i></title>", "Red mug"),
        ("<title><p>Red <em>m</em>ug</p><p>Oak<br/>oil</p></title>", "Red mug Oak oil"),
        ("<title>Lamp</title><g:title>Mug</g:title>", "Mug"),
        ("<g:title>Mug</g:title><title>Lamp</title><m:title>Pan</m:title>", "Mug"),
        ("<m:title>Pan</m:title><title>Lamp</title><g:title> </g:title>", "Lamp"),
        ("<m:title>Pan</m:title>", "Pan"),
        ("<g:title>Red</g:title><g:title>mug</g:title>", "Red, mug"),
        ("<g:title><g:word>Red</g:word><g:word>mug</g:word></g:title>", '{"word": "Red, mug"}'),
        ("<g:title><g:word>Red <b>mug</b></g:word></g:title>", '{"word": "Red mug"}'),
    ],
)
def test_a_cell_of_a_feed_is_its_whole_text_and_one_vocabularys(inside: str, text: str) -> None:
    xml = RSS.replace("<title>Lamp</title>", inside).replace("<rss ", '<rss xmlns:m="http://search.yahoo.com/mrss/" ')

    assert cell(open_manifest(io.BytesIO(xml.encode())), 3, "title") == text


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (RSS[:-30], "is not well-formed XML"),
        (RSS.replace('"1.0"?', '"1.0" encoding="gb2312"?', 1), "names an encoding that XML is not read in"),
        (RSS.replace('"1.0"?', '"1.0" encoding="klingon"?', 1), "names an encoding that XML is not read in"),
        (RSS.replace("Lamp", "<x>" * 2000 + "</x>" * 2000), "nested too deeply"),
        (f'<!DOCTYPE x [<!ENTITY a "b">]>{ATOM}', "XML with a document type is not read"),
    ],
)
def test_broken_feeds_are_refused(xml: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        open_manifest(io.BytesIO(xml.encode()))


def test_meta_catalogues_are_told_from_googles() -> None:
    manifest = table(
        ["id", "title", "image_link", "additional_image_link", "video[0].url", "gtin"],
        ["0", "Mug", "https://x/a.jpg", "https://x/b.jpg,https://x/c.jpg", "", "8.80609E+12"],
    )

    assert [key for key, *_ in pictures(manifest)] == ["0", "0-2", "0-3"]
    assert any(note.startswith("Meta catalogue: ") for note in manifest.notes)
    assert "damaged by a spreadsheet" in manifest.warnings[0]


MAGENTO = ["sku", "store_view_code", "attribute_set_code", "name", "base_image", "small_image", "additional_images"]


def test_magento_store_views_are_the_same_product() -> None:
    manifest = table(
        MAGENTO,
        ["MB01", "", "Bag", "Duffle", "/m/b/a.jpg", "/m/b/a.jpg", "/m/b/a.jpg,/m/b/b.jpg"],
        ["MB01", "de", "Bag", "Tasche", "", "", ""],
        ["MB02", "", "Bag", "Pack", "", "", ""],
        image_base_url="https://shop.example/media/catalog/product/",
    )

    base = "https://shop.example/media/catalog/product/m/b"
    assert pictures(manifest) == [
        ("MB01", "Duffle", f"{base}/a.jpg", "1"),
        ("MB01-2", "Duffle", f"{base}/b.jpg", "2"),
        ("MB02", "Pack", "", "0"),
    ]


def test_magento_images_may_come_from_a_second_file(tmp_path: Path) -> None:
    (tmp_path / "images.csv").write_text("sku,image\nB,/b/1.jpg\nA,/a/1.jpg\nB,/b/2.jpg\nX,/x.jpg\n", encoding="utf-8")

    manifest = table(["sku", "name"], ["A", "Bag"], ["B", "Pack"], ["C", "Tote"], images=tmp_path / "images.csv")

    assert pictures(manifest) == [
        ("A", "Bag", "/a/1.jpg", "1"),
        ("B", "Pack", "/b/1.jpg", "1"),
        ("B-2", "Pack", "/b/2.jpg", "2"),
        ("C", "Tote", "", "0"),
    ]
    assert any("such as X" in warning for warning in manifest.warnings)
    assert any("--image-base-url" in warning for warning in manifest.warnings)


def test_magento_without_its_images_file_says_so() -> None:
    manifest = table(["name", "sku", "attribute_set"], ["Bag", "A", "Bag"])

    assert pictures(manifest) == [("A", "Bag", "", "0")]
    assert "--images FILE" in manifest.warnings[0]


def test_an_images_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.csv").write_text("product,photo\nA,b\n", encoding="utf-8")

    with pytest.raises(ManifestError, match="the images file has no column sku"):
        table(["sku", "name"], ["A", "Bag"], images=tmp_path / "images.csv")


@pytest.mark.parametrize(
    "header",
    [
        ["sku", "title", "image_url"],
        ["id", "title", "image_url", "description"],
        ["handle", "title", "image"],
        ["sku", "title", "image1", "image2", "price"],
        ["SKU", "Name", "Image", "URL_IMG"],
        ["id", "title", "image_link", "endpoint"],
        ["Handle", "Title", "Image Src", "Endpoint"],
    ],
)
def test_tables_of_ones_own_pass_unchanged(header: list[str]) -> None:
    row = [f"https://x/{n}.jpg, https://y/{n}.jpg" for n in range(len(header))]

    manifest = table(header, row)

    assert manifest.columns == tuple(header)
    assert [list(r.cells) for r in manifest.rows()] == [row]


def test_platform_none_switches_recognition_off() -> None:
    assert table(MERCHANT, ["1", "a", "", "", "", ""], platform="none").columns == tuple(MERCHANT)


def test_a_platform_can_be_asked_for() -> None:
    manifest = table(["sku", "image"], ["A", "/a.jpg,/b.jpg"], platform="Magento2")

    assert [key for key, *_ in pictures(manifest)] == ["A", "A-2"]
    assert "Magento 2 export: as asked with --platform" in manifest.notes


def test_an_unknown_platform_lists_those_known() -> None:
    with pytest.raises(ManifestError, match="--platform shopfy: unknown") as caught:
        table(["sku"], ["A"], platform="shopfy")

    assert "did you mean shopify?" in caught.value.hint
    assert "etsy, magento2, merchant, meta, prestashop, shopify, wix, woocommerce, none" in caught.value.hint


@pytest.mark.parametrize(
    ("header", "message"),
    [(["a", "b"], "no column names the product"), (["Handle", "b"], "no column holds images")],
)
def test_a_platform_that_does_not_fit_is_refused(header: list[str], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        table(header, ["x", "y"], platform="shopify")


def test_a_data_frame_may_be_an_export() -> None:
    frame = pd.DataFrame({"id": [7, 8], "title": ["a", "b"], "image_link": ["https://x/a.jpg", None]})

    assert pictures(open_manifest(frame)) == [("7", "a", "https://x/a.jpg", "1"), ("8", "b", "", "0")]


def test_a_large_export_keeps_its_keys_distinct_and_its_order() -> None:
    rows = [[f"p-{n // 3}", f"P {n // 3}" if n % 3 == 0 else "", f"{CDN}/{n}.jpg"] for n in range(30_000)]

    manifest = table(["Handle", "Title", "Image Src"], *rows, limit=29_999)

    found = [row.cells for row in manifest.rows()]
    assert len(found) == len({cells[0] for cells in found}) == 29_999
    assert [cells[2] for cells in found] == [row[2] for row in rows[:-1]]


def test_platform_names_are_distinct_and_each_is_one_file() -> None:
    assert sorted(p.name for p in platforms()) == [
        "etsy",
        "magento2",
        "merchant",
        "meta",
        "prestashop",
        "shopify",
        "wix",
        "woocommerce",
    ]
