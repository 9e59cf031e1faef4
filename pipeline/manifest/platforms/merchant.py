"""Google Merchant Center product data: TSV, CSV, or RSS and Atom feeds.

Up to ten further images in one cell, or in repeated XML elements; a comma inside a URL is ``%2C``.  Sizes of one
product share an image under their own ids; they are rows of their own.

Source: https://support.google.com/merchants/answer/7052112
"""

from pipeline.manifest.platforms.platform import Platform

PLATFORM = Platform(
    name="merchant",
    label="Google Merchant product data",
    signatures=(("id", "image link"),),
    keys=("id",),
    titles=("title",),
    images=("image link", "additional image link"),
    separators=",",
)
