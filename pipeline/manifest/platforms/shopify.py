"""Shopify product export, the old template and the one of 2025.

One row per variant and per image; image-only rows carry the handle and nothing else.  SKUs are mostly empty or
repeated in real exports, so the handle is the product.

Source: https://help.shopify.com/en/manual/products/import-export/using-csv
"""

from pipeline.manifest.platforms.platform import Platform

PLATFORM = Platform(
    name="shopify",
    label="Shopify export",
    signatures=(
        ("handle", "image src"),
        ("url handle", "product image url"),
        ("handle", "variant image"),
    ),
    keys=("handle", "url handle", "variant sku", "sku"),
    titles=("title",),
    images=("image src", "product image url", "variant image", "variant image url"),
    grouped=True,
    variant_columns=(
        r"variant .*|option ?\d value|image .*|sku|barcode|price.*|compare.at price.*|cost per item|charge tax"
        r"|tax code|unit price .*|inventory .*|continue selling.*|weight .*|requires shipping|fulfillment service"
    ),
)
