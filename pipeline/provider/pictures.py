"""Where the pictures are in a successful answer: raw bytes, base64, data URIs or URLs, alone or in lists.

Pure; never raises.  Tells images by their first bytes, because content types lie.  Decodes no image.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from pipeline.provider.wording import parsed
from pipeline.task import Picture

RESULTS = ("images", "output", "outputs")
"""Fields that hold results and nothing else; ``images`` and ``output`` often say the same twice."""

OTHERS = ("data", "result", "results", "b64_json", "base64", "generation_url")
"""Fields that are looked at when those hold nothing."""

ECHOES = ("image", "image_url", "image_base64", "url")
"""Fields that are looked at only where there is none of RESULTS: beside an empty one they are the input, echoed."""

DEPTH = 6
"""How deep pictures may be nested; known answers need three."""

URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
PATH = re.compile(r"/[\w.~%/+-]+(?:\?\S*)?")
PATH_MOST = 2048

MAGIC = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"\x00\x00\x00\x0cJXL \r\n\x87\n",
)
BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")


def is_image(data: bytes) -> bool:
    """Tell whether *data* begins like an image."""
    if data[:4] == b"RIFF":
        return data[8:12] == b"WEBP"
    if data[4:8] == b"ftyp":
        return data[8:12] in BRANDS
    return data.startswith(MAGIC)


def pictures_in(body: bytes) -> tuple[Picture, ...]:
    """Give the pictures that *body* is or names; empty when there is none."""
    if is_image(body):
        return (Picture(data=body),)
    return pictures_named(parsed(body))


def pictures_named(document: Any) -> tuple[Picture, ...]:
    """Give the pictures that the JSON *document* names, in its order, each URL once."""
    if isinstance(document, str):
        document = parsed(document) if document.lstrip()[:1] in {"[", "{"} else document
    seen: set[str] = set()
    return tuple(picture for picture in _walk(document, DEPTH) if picture.url is None or _new(picture.url, seen))


def decode_base64(text: str) -> bytes | None:
    """Decode *text*, tolerating line breaks, the URL alphabet and missing padding; None when it is no base64."""
    compact = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def decode_data_uri(uri: str) -> bytes | None:
    """Give the bytes of a base64 data URI; None when it is none."""
    head, comma, payload = uri.partition(",")
    if not comma or head[:5].lower() != "data:" or not head.lower().endswith(";base64"):
        return None
    return decode_base64(payload)


def _walk(value: Any, depth: int) -> list[Picture]:
    if depth == 0:
        return []
    match value:
        case str():
            picture = _one(value.strip())
            return [picture] if picture else []
        case list():
            return [picture for item in value for picture in _walk(item, depth - 1)]
        case dict():
            others = OTHERS if any(name in value for name in RESULTS) else (*OTHERS, *ECHOES)
            return _fields(value, RESULTS, depth) or _fields(value, others, depth)
        case _:
            return []


def _fields(value: dict[str, Any], names: tuple[str, ...], depth: int) -> list[Picture]:
    """Give the pictures of the field that has most: the others repeat some of them."""
    return max((_walk(value[name], depth - 1) for name in names if name in value), key=len, default=[])


def _new(url: str, seen: set[str]) -> bool:
    if url in seen:
        return False
    seen.add(url)
    return True


def _one(text: str) -> Picture | None:
    if URL.fullmatch(text):
        return Picture(url=text)
    if text[:5].lower() == "data:":
        data = decode_data_uri(text)
        return Picture(data=data) if data else None
    # Base64 before paths: that of every JPEG begins with "/9j/".
    if _begins_like_image(text) and (data := decode_base64(text)):
        return Picture(data=data)
    if len(text) <= PATH_MOST and PATH.fullmatch(text):
        return Picture(url=text)
    return None


def _begins_like_image(text: str) -> bool:
    start = decode_base64("".join(text[:40].split())[:24])
    return start is not None and is_image(start)
