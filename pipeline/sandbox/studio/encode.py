"""Write the finished picture: format, quality, the band at its bottom edge and the note inside the file."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from pipeline.sandbox.studio.color import Pixels

NOTE = "photobatch sandbox: local approximation, not the model"

_CONTENT_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="photobatch sandbox">'
    f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{NOTE}</rdf:li></rdf:Alt></dc:description>'
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


@dataclass(frozen=True, slots=True)
class Edited:
    """One edited image as it is sent back: `data` is the encoded file, `seed` what it was made with, if any."""

    data: bytes
    content_type: str
    width: int
    height: int
    seed: int | None = None


def finish(rgb: Pixels, kind: str, quality: int, *, alpha: Pixels | None = None, seed: int | None = None) -> Edited:
    """Encode *rgb* (height, width, 3) as *kind* (png, jpeg, jpg, webp) with the band and the note.

    *quality* 0..100 counts for JPEG and WebP.  *alpha* (height, width) is kept by PNG and WebP; JPEG has
    none and is flattened on white.
    """
    form = "jpeg" if kind == "jpg" else kind
    picture = Image.fromarray(rgb)
    if alpha is not None:
        picture.putalpha(Image.fromarray(alpha))
    if form == "jpeg" and alpha is not None:
        picture = _on_white(picture)
    picture = _banded(picture)
    return Edited(_encoded(picture, form, quality), _CONTENT_TYPES[form], picture.width, picture.height, seed)


def _encoded(picture: Image.Image, form: str, quality: int) -> bytes:
    out = io.BytesIO()
    note = _XMP.encode()
    if form == "png":
        chunks = PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", _XMP)
        picture.save(out, "PNG", compress_level=2, pnginfo=chunks)
    elif form == "webp":
        picture.save(out, "WEBP", quality=quality, method=2, xmp=note)
    else:
        sampling = 0 if quality >= 90 else 2  # noqa: PLR2004 - full colour resolution where quality is asked for
        picture.save(out, "JPEG", quality=max(1, quality), subsampling=sampling, xmp=note)
    return out.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def band_height(size: tuple[int, int]) -> int:
    """Return how many of the last rows the band takes in a picture of *size* (width, height); 0 on tiny ones."""
    width, height = size
    if height < 64 or width < 96:  # noqa: PLR2004 - nobody could read it
        return 0
    return max(7, round(0.018 * min(height, 2 * width)))


def _banded(picture: Image.Image) -> Image.Image:
    """Darken the last rows and write the note there."""
    rows = band_height(picture.size)
    if not rows:
        return picture
    strip = _strip(picture.width, rows)
    place = (0, picture.height - rows)
    under = picture.crop((*place, *picture.size)).convert("RGBA")
    marked = Image.alpha_composite(under, strip)
    picture.paste(marked if picture.mode == "RGBA" else marked.convert("RGB"), place)
    return picture


def _strip(width: int, rows: int) -> Image.Image:
    strip = Image.new("RGBA", (width, rows), (18, 18, 20, 150))
    pen = ImageDraw.Draw(strip)
    size = 0.78 * rows
    font = ImageFont.load_default(size)
    if isinstance(font, ImageFont.FreeTypeFont) and font.getlength(NOTE) > 0.94 * width:
        font = ImageFont.load_default(size * 0.94 * width / font.getlength(NOTE))
    pen.text((width / 2, rows / 2), NOTE, font=font, fill=(255, 255, 255, 235), anchor="mm")
    return strip


def blank(size: tuple[int, int], grey: int = 236) -> Pixels:
    """Return an even grey picture of *size* (width, height): the answer to a call that sent no image."""
    return np.full((size[1], size[0], 3), grey, np.uint8)
