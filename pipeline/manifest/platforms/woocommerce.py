"""WooCommerce product export (Products > Export).

One row per product and per variation, all images of a row in one cell; a comma inside an image URL is escaped.
Headers follow the language of the shop.

Source: https://github.com/woocommerce/woocommerce/wiki/Product-CSV-Import-Schema
"""

from pipeline.manifest.platforms.platform import Platform

_IMAGES = "images|bilder|imágenes|immagini|afbeeldingen|imagens|obrazki"
_SKU = "sku|artikelnummer|ugs|cod|ref"
_TYPE = "type|typ|tipo"
_NAME = "name|nombre|nom|nome|naam|nazwa"

PLATFORM = Platform(
    name="woocommerce",
    label="WooCommerce export",
    signatures=(
        (_IMAGES, _SKU, _TYPE, _NAME),
        (_IMAGES, _NAME, r"published|is featured\?|visibility in catalog|tax status|in stock\?|regular price"),
    ),
    keys=(_SKU, "id"),
    titles=(_NAME,),
    images=(_IMAGES,),
    separators=",",
    escaped_comma=True,
)
