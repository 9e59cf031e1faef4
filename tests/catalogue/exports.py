"""Exports as the shops write them, small enough to count by hand.  URLs are never fetched."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

CDN = "https://cdn.example.com"
MEDIA = [f"a1b2c3_{str(digit) * 32}~mv2.jpg" for digit in (0, 1)]
"""How Wix names images."""


@dataclass(frozen=True)
class Export:
    """One export file, and what a person counts in it."""

    shop: str
    """What the program must call it."""
    name: str
    data: bytes
    products: int
    images: int
    """Distinct images per product, added up: each is one task."""
    to_pay: int
    """The same without images that several products share."""
    bare: int = 0
    """Products without any image."""
    keys: tuple[str, ...] = ()
    """The keys of all tasks, in order."""
    flags: tuple[str, ...] = ()
    beside: dict[str, bytes] = field(default_factory=dict)
    """Files that lie beside it."""


def table(header: list[str], *rows: list[str], delimiter: str = ",", end: str = "\r\n") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    return out.getvalue().encode()


SHOPIFY = Export(
    "Shopify export",
    "products_export_1.csv",
    table(
        [
            "Handle ",
            " Title",
            "Body (HTML)",
            "Variant SKU",
            "Variant Barcode",
            "Image Src",
            "Image Position",
            "Variant Image",
        ],
        ["oak-chair", "Oak chair", "<p>Solid,\n oak</p>", "", "'0850064060010", f"{CDN}/1.jpg?v=1", "1", ""],
        ["oak-chair", "", "", "", "", f"{CDN}/2.jpg?v=1", "2", ""],
        ["oak-chair", "", "", "", "3.65275E+11", "", "", f"{CDN}/1.jpg?v=1"],
        ["lamp", "Lamp", "", "", "", f"{CDN}/3.jpg", "1", ""],
        ["gift-card", "Gift card", "", "", "", "", "", ""],
    ),
    products=3,
    images=3,
    to_pay=3,
    bare=1,
    keys=("oak-chair", "oak-chair-2", "lamp"),
)

SHOPIFY_2025 = Export(
    "Shopify export",
    "products_export_new.csv",
    table(
        ["Title", "URL handle", "SKU", "Product image URL", "Image position", "Variant image URL"],
        ["Oak chair", "oak-chair", "OC-1", f"{CDN}/1.jpg", "1", f"{CDN}/4.jpg"],
        ["", "oak-chair", "", f"{CDN}/2.jpg", "2", ""],
    ),
    products=1,
    images=3,
    to_pay=3,
    keys=("oak-chair", "oak-chair-2", "oak-chair-3"),
)

WOOCOMMERCE = Export(
    "WooCommerce export",
    "wc-product-export.csv",
    b"\xef\xbb\xbf"
    + table(
        ["ID", "Type", "SKU", "Name", "Published", "Images", "Parent"],
        ["44", "variable", "hoodie", "Hoodie", "1", f"{CDN}/h1.jpg, {CDN}/h2\\,b.jpg", ""],
        ["45", "variation", "hoodie-red", "Hoodie - Red", "1", f"{CDN}/h1.jpg", "hoodie"],
        ["46", "variation", "", "Hoodie - Blue", "1", f"{CDN}/h3.jpg", "hoodie"],
        ["47", "simple", "", "Cap", "1", "", ""],
    ),
    products=4,
    images=4,
    to_pay=3,
    bare=1,
    keys=("hoodie", "hoodie-2", "hoodie-red", "46"),
)

MAGENTO = Export(
    "Magento 2 export",
    "catalog_product.csv",
    table(
        ["sku", "store_view_code", "attribute_set_code", "name", "base_image", "small_image", "additional_images"],
        ["24-MB01", "", "Bag", "Joust Duffle", "/m/b/mb01.jpg", "/m/b/mb01.jpg", "/m/b/mb01_alt.jpg,/m/b/mb01_b.jpg"],
        ["24-MB01", "fr", "", "Sac Joust", "", "", ""],
        ["24-MB02", "", "Bag", "Tote", "/m/b/mb02.jpg", "", ""],
    ),
    products=2,
    images=4,
    to_pay=4,
    keys=("24-MB01", "24-MB01-2", "24-MB01-3", "24-MB02"),
    flags=("--image-base-url", f"{CDN}/media/catalog/product"),
)

MAGENTO_TWO_FILES = Export(
    "Magento 2 export",
    "products_bags.csv",
    table(
        ["sku", "attribute_set", "name", "price"],
        ["24-MB01", "Bag", "Joust Duffle", "34"],
        ["24-MB02", "Bag", "Tote", "12"],
        ["24-MB03", "Bag", "Sling", "12"],
    ),
    products=3,
    images=3,
    to_pay=3,
    bare=1,
    keys=("24-MB01", "24-MB01-2", "24-MB02"),
    flags=("--images", "images_bags.csv", "--image-base-url", CDN),
    beside={
        "images_bags.csv": table(
            ["sku", "image"],
            ["24-MB01", "/m/b/mb01.jpg"],
            ["24-MB01", "/m/b/mb01_alt.jpg"],
            ["24-MB02", "/m/b/mb02.jpg"],
        )
    },
)

PRESTASHOP = Export(
    "PrestaShop / thirty bees file",
    "products_import.csv",
    table(
        ["Product ID", "Active (0/1)", "Name *", "Reference #", "EAN13", "Image URLs (x,y,z...)"],
        ["1", "1", "Mug", "demo_1", "0000080446392", f"{CDN}/a,b.jpg, {CDN}/c.jpg"],
        ["2", "1", "Jug", "demo_2", "0000080446392", f"{CDN}/c.jpg"],
        delimiter=";",
    ).replace(b"jpg\r\n", b"jpg;\r\n"),  # one delimiter more than the header has
    products=2,
    images=3,
    to_pay=2,
    keys=("demo_1", "demo_1-2", "demo_2"),
)

THIRTYBEES = Export(
    "PrestaShop / thirty bees file",
    "thirtybees.csv",
    table(
        ["ID", "Name *", "Reference", "EAN-13", "Image URLs (x;y;z...)"],
        ["1", "Mug", "tb_1", "1", f"{CDN}/a.jpg;{CDN}/b.jpg"],
        ["2", "Jug", "tb_2", "1", f"{CDN}/c.jpg"],
    ),
    products=2,
    images=3,
    to_pay=3,
    keys=("tb_1", "tb_1-2", "tb_2"),
)

WIX = Export(
    "Wix Stores export",
    "catalog_products.csv",
    b"\xef\xbb\xbf"
    + table(
        ["handleId", "fieldType", "name", "description", "productImageUrl", "sku"],
        [
            "product_1",
            "Product",
            "Vase",
            "blue\nvase",
            "a1b2c3_" + "0" * 32 + "~mv2.jpg;a1b2c3_" + "1" * 32 + "~mv2.jpg",
            "",
        ],
        ["product_1", "Variant", "", "", "", "0007"],
        ["product_2", "Product", "Bowl", "", "", ""],
    ),
    products=2,
    images=2,
    to_pay=2,
    bare=1,
    keys=("product_1", "product_1-2"),
)

ETSY = Export(
    "Etsy listings",
    "EtsyListingsDownload.csv",
    table(
        ["TITOLO", "DESCRIZIONE", "PREZZO", "CODICE VALUTA", "IMMAGINE1", "IMMAGINE2", "IMMAGINE3", "SKU"],
        ["Tazza blu", "fatta\na mano", "12", "EUR", f"{CDN}/t1.jpg", "", f"{CDN}/t3.jpg", "32"],
        ["Tazza rossa", "", "12", "EUR", f"{CDN}/r1.jpg", "", "", ""],
    ),
    products=2,
    images=3,
    to_pay=3,
    keys=("32", "32-2", "Tazza rossa"),
)

MERCHANT = Export(
    "Google Merchant product data",
    "feed.txt",
    table(
        ["id", "title", "item group id", "image link", "additional image link"],
        ["t-s", "Tee S", "tee", f"{CDN}/img?id=1&w=800", f"{CDN}/a%2Cb.jpg,{CDN}/c.jpg"],
        ["t-m", "Tee M", "tee", f"{CDN}/img?id=1&w=800", ""],
        ["0", "Cap", "", f"{CDN}/cap.jpg", ""],
        delimiter="\t",
    ),
    products=3,
    images=5,
    to_pay=4,
    keys=("t-s", "t-s-2", "t-s-3", "t-m", "0"),
)

MERCHANT_RSS = Export(
    "Google Merchant product data",
    "feed.xml",
    f"""<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
<item><g:id>t-s</g:id><title>Tee</title><g:image_link>{CDN}/1.jpg</g:image_link>
<g:additional_image_link>{CDN}/2.jpg</g:additional_image_link>
<g:additional_image_link>{CDN}/3.jpg</g:additional_image_link></item>
<item><g:id>t-m</g:id><title>Tee</title><g:image_link>{CDN}/1.jpg</g:image_link></item>
</channel></rss>""".encode(),
    products=2,
    images=4,
    to_pay=3,
    keys=("t-s", "t-s-2", "t-s-3", "t-m"),
)

META = Export(
    "Meta catalogue",
    "catalogue_products.csv",
    table(
        ["id", "title", "image_link", "additional_image_link", "fb_product_category", "video[0].url", "gtin"],
        ["0", "Mug", f"{CDN}/1.jpg", f"{CDN}/2.jpg,{CDN}/3.jpg", "home", "", "8.80609E+12"],
        ["1", "Jug", f"{CDN}/4.jpg", "", "home", "", ""],
    ),
    products=2,
    images=4,
    to_pay=4,
    keys=("0", "0-2", "0-3", "1"),
)

ALL = {
    "shopify": SHOPIFY,
    "shopify-2025": SHOPIFY_2025,
    "woocommerce": WOOCOMMERCE,
    "magento": MAGENTO,
    "magento-two-files": MAGENTO_TWO_FILES,
    "prestashop": PRESTASHOP,
    "thirtybees": THIRTYBEES,
    "wix": WIX,
    "etsy": ETSY,
    "merchant": MERCHANT,
    "merchant-rss": MERCHANT_RSS,
    "meta": META,
}
