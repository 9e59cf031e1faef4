"""Magento 2 (Adobe Commerce) product export, and its sample data with the images in a second file.

Images are paths such as ``/m/b/mb01.jpg`` under ``pub/media/catalog/product``; they need ``--image-base-url`` or the
folder.  Store views repeat a product's sku in further rows.  ``small_image`` and ``thumbnail_image`` only repeat
``base_image`` and are not read.

Source: https://experienceleague.adobe.com/en/docs/commerce-admin/systems/data-transfer/data-attributes-product
"""

from pipeline.manifest.platforms.platform import Platform

PLATFORM = Platform(
    name="magento2",
    label="Magento 2 export",
    signatures=(
        ("sku", "base image"),
        ("sku", "additional images"),
        ("sku", "attribute set( code)?"),
    ),
    keys=("sku",),
    titles=("name",),
    images=("base image", "image", "additional images"),
    grouped=True,
    variant_columns="store view code",
    separators=",",
)
