"""Make of any photograph the PNG, JPEG or WebP that every endpoint reads, and say what had to be changed.

What needs no change passes through byte for byte.  Otherwise the picture is turned upright once, reduced to its first
frame, to 8 bits and to gray or RGB, keeps its alpha and its colour profile, and is written without loss as PNG, or as
JPEG at quality 95 without chroma subsampling when it has no alpha and its source was lossy already.  Knows no files.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from pipeline.images.colors import to_8_bit, to_plain_rgb, usable_profile
from pipeline.images.decode import Limits, UnreadableImage, decode, has_alpha, open_image
from pipeline.images.errors import BadInput
from pipeline.images.header import jpeg_segments
from pipeline.images.quiet import pillow_is_quiet
from pipeline.images.sniff import FORMATS, format_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image, ImageFile

_READ_EVERYWHERE = frozenset(("PNG", "JPEG", "WEBP"))
_LOSSY = frozenset(("JPEG", "MPO", "WEBP", "AVIF"))
_JPEG_QUALITY = 95
_ORIENTATION = 0x0112
_TIFF_BITS, _TIFF_SUBFILE_TYPE, _TIFF_SUB_DIRECTORIES, _DNG_VERSION = 258, 254, 330, 50706
_MPO_ENTRIES = 0xB002
_APP2, _MULTI_PICTURE = 0xE2, b"MPF\0"
_PNG_BIT_DEPTH_AT, _DEEP_BITS = 24, 16


@dataclass(frozen=True, slots=True)
class Prepared:
    """An input image as it will be sent."""

    data: bytes = field(repr=False)
    content_type: str
    extension: str
    """Without the dot."""
    width: int
    height: int
    changed: tuple[str, ...]
    """What had to be changed, in words; empty when the bytes are the user's own."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Examined:
    """An input image decoded and made plain, not yet encoded again."""

    picture: Image.Image = field(repr=False)
    kind: str
    """The format of the file, as Pillow names it."""
    changed: tuple[str, ...]


def examine(data: bytes, *, limits: Limits | None = None, name: str = "the image") -> Examined:
    """Decode every pixel of *data* and say what will have to be changed before it is sent.  Raises BadInput."""
    try:
        image = decode(data, limits or Limits())
        _refuse_camera_raw(image, data)
    except UnreadableImage as error:
        raise BadInput(name, str(error)) from error
    with _convertible(name):
        picture, changed = _normal(image)
    kind = str(image.format)
    if _was_deep(image, data):
        changed = (*changed, "16-bit to 8-bit")
    if kind not in _READ_EVERYWHERE:
        changed = (*changed, f"{kind} to {_target(picture, kind)}")
    return Examined(picture, kind, changed)


def prepare(data: bytes, *, limits: Limits | None = None, name: str = "the image") -> Prepared:
    """The image *data* as every endpoint reads it.  Blocking: call it in a thread.  Raises BadInput.

    ``name`` is what the user calls the image, for the error.
    """
    seen = examine(data, limits=limits, name=name)
    sent = data
    if seen.changed:
        with _convertible(name):
            sent = _without_decoding(data, seen) or _encoded(seen.picture, _target(seen.picture, seen.kind))
    found = format_of(sent)
    assert found is not None
    digest = hashlib.sha256(sent).hexdigest()
    return Prepared(sent, found.content_type, found.extension, *seen.picture.size, seen.changed, digest)


@contextmanager
def _convertible(name: str) -> Iterator[None]:
    """Say in words that a picture decodes and cannot be converted: odd profiles, sizes that no encoder takes."""
    with pillow_is_quiet():
        try:
            yield
        except Exception as error:
            reason = f"it cannot be converted to what the endpoints read ({error or type(error).__name__})"
            raise BadInput(name, reason) from error


def _was_deep(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Whether Pillow cut 16 bits per colour to 8 while decoding, which it does without a word."""
    if image.mode.startswith(("I", "F")):
        return False
    if image.format == "PNG":
        return data[_PNG_BIT_DEPTH_AT] == _DEEP_BITS
    return _DEEP_BITS in getattr(image, "tag_v2", {}).get(_TIFF_BITS, ())


def _target(picture: Image.Image, kind: str) -> str:
    return "JPEG" if kind in _LOSSY and not has_alpha(picture) else "PNG"


def _normal(image: ImageFile.ImageFile) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture upright, in 8-bit gray or RGB with or without alpha, and what was changed for that."""
    changed = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        changed.append(f"the first of {frames} {'pages' if image.format == 'TIFF' else 'frames'}")
    picture: Image.Image = image
    for step in (_upright, to_8_bit, to_plain_rgb):
        picture, change = step(picture)
        if change:
            changed.append(change)
    return picture, tuple(changed)


def _upright(image: Image.Image) -> tuple[Image.Image, str]:
    """Apply the camera's orientation; Pillow has done so already for TIFF."""
    from PIL import ImageOps

    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
        turned = ImageOps.exif_transpose(image) if orientation in range(2, 9) else image
    except Exception:  # noqa: BLE001  # damaged EXIF: parsers raise anything, and a photo without EXIF is upright
        return image, ""
    return turned, "" if turned is image else f"turned upright (EXIF orientation {orientation})"


def _without_decoding(data: bytes, seen: Examined) -> bytes | None:
    """The first picture of a multi-picture JPEG as it is; None when it needs more or the file's index is wrong."""
    if seen.kind != "MPO" or len(seen.changed) > 1:
        return None
    limits = Limits(len(data), seen.picture.width * seen.picture.height)
    try:
        index = getattr(open_image(data, limits), "mpinfo", {})
        first = _without_index(data[: index[_MPO_ENTRIES][0]["Size"]])
        whole = decode(first, limits)
    except (UnreadableImage, LookupError):
        return None
    return first if (whole.format, whole.size) == ("JPEG", seen.picture.size) else None


def _without_index(picture: bytes) -> bytes:
    """*picture* without the segment that lists its siblings."""
    for marker, at, size in jpeg_segments(picture):
        if marker == _APP2 and picture.startswith(_MULTI_PICTURE, at):
            return picture[: at - 4] + picture[at + size :]
    return picture


def _encoded(picture: Image.Image, target: str) -> bytes:
    if has_alpha(picture) and "A" not in picture.getbands():  # one colour declared transparent
        picture = picture.convert("LA" if picture.mode == "L" else "RGBA")
    out = BytesIO()
    options = {"quality": _JPEG_QUALITY, "subsampling": 0} if target == "JPEG" else {}
    picture.save(out, FORMATS[target].name, icc_profile=usable_profile(picture), **options)
    return out.getvalue()


def _refuse_camera_raw(image: ImageFile.ImageFile, data: bytes) -> None:
    """A camera's raw file calls itself TIFF, and its first picture is a thumbnail."""
    tags = getattr(image, "tag_v2", {})
    is_preview = tags.get(_TIFF_SUBFILE_TYPE, 0) & 1 and _TIFF_SUB_DIRECTORIES in tags
    if is_preview or _DNG_VERSION in tags or (image.format == "TIFF" and data[8:10] == b"CR"):
        raise UnreadableImage("it is a camera raw file; develop it and export it as JPEG or PNG")
