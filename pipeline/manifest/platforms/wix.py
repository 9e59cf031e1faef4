"""Wix Stores export: classic (``productImageUrl``) and the newer catalogue (PRODUCT, VARIANT and MEDIA rows).

Image cells hold media ids (``abc123~mv2.jpg``), not URLs; Wix serves them under static.wixstatic.com/media/, as every
Wix page does.  Only product rows carry images; variants share their handle.

Source: https://support.wix.com/en/article/wix-stores-creating-a-csv-file-to-import-products
"""

from pipeline.manifest.platforms.platform import Platform

PLATFORM = Platform(
    name="wix",
    label="Wix Stores export",
    signatures=(
        ("handleid", "productimageurl"),
        ("handle", "fieldtype", "media( ?url)?"),
    ),
    keys=("handleid", "handle", "sku"),
    titles=("name",),
    images=("productimageurl", "media( ?url)?"),
    grouped=True,
    variant_columns=r"fieldtype|sku|price|surcharge|visible|inventory|weight|productoptiondescription\d|media.*",
    separators=";",
    image_base_url="https://static.wixstatic.com/media/",
)
