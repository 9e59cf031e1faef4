"""Meta (Facebook, Instagram) commerce catalogue: Google's columns, and nested ones such as ``video[0].url``.

Source: https://developers.facebook.com/docs/commerce-platform/catalog/fields
"""

from pipeline.manifest.platforms.platform import Platform

_ONLY_META = (
    r".+\[\d+\](\..+)?|fb product category|quantity to sell on facebook|commerce tax category|internal label"
    r"|origin country|importer name|applinks?\..*|ios app store id|android app name"
)

PLATFORM = Platform(
    name="meta",
    label="Meta catalogue",
    signatures=(
        ("id", "image link", _ONLY_META),
        ("id", r"image\[0\]\.url"),
    ),
    keys=("id",),
    titles=("title", "name"),
    images=("image link", "additional image link", r"image\[\d+\]\.url"),
    separators=",",
)
