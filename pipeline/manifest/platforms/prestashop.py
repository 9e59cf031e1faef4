"""PrestaShop and thirty bees: the import template, which their export modules write too, and the product list.

The header itself says how a cell is packed: ``Image URLs (x,y,z...)``.  Real files repeat one EAN on every row, so
the reference comes first.

Source: https://docs.prestashop-project.org/1.7-documentation/merchants-guide/advanced-parameters/import
"""

from pipeline.manifest.platforms.platform import Platform

_IMAGES = r"image urls? ?\(x.y.z(\.\.\.|…)\)( ?\*)?"
_REFERENCE = r"reference( ?#)?( ?\*)?"
_ID = "(product )?id( product)?"

PLATFORM = Platform(
    name="prestashop",
    label="PrestaShop / thirty bees file",
    signatures=(
        (_IMAGES,),
        (r"product id", "image", "name", _REFERENCE, r"price \(tax .*\)|final price"),
    ),
    keys=(_REFERENCE, _ID, "ean ?-?13"),
    titles=(r"name( ?\*)?",),
    images=(_IMAGES, "image"),
    separators=",;",
)
