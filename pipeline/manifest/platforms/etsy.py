"""Etsy shop data download ("Currently for Sale Listings").

Images are in ten columns whose names, like all headers, are in the shop owner's language: ``IMAGE1``,
``IMMAGINE1``.  There is no listing number; the SKU is optional, so the title identifies what has none.

Source: https://help.etsy.com/hc/en-us/articles/360000343508
"""

from pipeline.manifest.platforms.platform import Platform

_IMAGE = (
    "image|immagine|bild|imagen|imagem|afbeelding|photo|foto|obraz|zdjęcie|изображение|фото|画像|이미지|图片"
    "|resim|görsel"
)
_CURRENCY = (
    "currency code|codice valuta|währungscode|währung|code (de la )?devise|code monnaie|código de (la )?(moneda|moeda)"
    "|código da moeda|valutacode|kod waluty|код валюты|通貨コード"
)
_TAGS = "tags?|schlagwörter|etiquetas|étiquettes|mots.clés|tagi|теги|タグ"
_MATERIALS = "materials|materiali|materialien|matériaux|materiales|materiais|materialen|materiały|материалы|素材"
_TITLE = "title|titolo|titel|titre|título|tytuł|название|タイトル"

PLATFORM = Platform(
    name="etsy",
    label="Etsy listings",
    signatures=(
        (f"({_IMAGE}) ?1", f"({_IMAGE}) ?2", _CURRENCY),
        (f"({_IMAGE}) ?1", f"({_IMAGE}) ?2", _TAGS, _MATERIALS),
    ),
    keys=("sku",),
    titles=(_TITLE,),
    images=(rf"({_IMAGE}) ?\d\d?",),
    separators="",
)
