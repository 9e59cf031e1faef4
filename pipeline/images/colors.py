"""Bring a decoded picture to 8-bit gray or RGB, with or without alpha, through its colour profile where it has one.

Each function returns the picture and, in words, what it changed ("" for nothing).  Knows no file formats.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageCms

if TYPE_CHECKING:
    import numpy as np

_KEPT_MODES = frozenset(("1", "L", "LA", "RGB", "RGBA"))
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_PROFILE_SPACE = slice(16, 20)
_SPACE_OF_MODE = {"1": b"GRAY", "L": b"GRAY", "LA": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB "}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_8_bit(image: Image.Image) -> tuple[Image.Image, str]:
    """Scale 16-bit, 32-bit and floating-point gray so that white stays white."""
    if not image.mode.startswith(("I", "F")):
        return image, ""
    import numpy as np  # a tenth of the command's start, for pictures that few catalogues have

    values = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    reduced = Image.fromarray(np.clip(values * (255 / _white(image.mode, values)) + 0.5, 0, 255).astype(np.uint8))
    if "icc_profile" in image.info:
        reduced.info["icc_profile"] = image.info["icc_profile"]
    return reduced, f"{'16' if ';16' in image.mode else '32'}-bit gray to 8-bit"


def to_plain_rgb(image: Image.Image) -> tuple[Image.Image, str]:
    """Turn palette, CMYK, Lab and other colour models into RGB; gray and RGB stay as they are."""
    if image.mode in _KEPT_MODES:
        return image, ""
    if image.mode in _PREMULTIPLIED:
        return image.convert(_PREMULTIPLIED[image.mode]), "premultiplied alpha to plain alpha"
    if image.mode in ("P", "PA"):
        target = "RGBA" if image.has_transparency_data else "RGB"
        return image.convert(target), f"palette to {target}"
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _through(image, lab), "Lab to sRGB"
    if image.mode == "CMYK":
        return _from_cmyk(image)
    return image.convert("RGB"), f"{image.mode} to RGB"


def usable_profile(image: Image.Image) -> bytes | None:
    """The picture's colour profile, unless it describes another colour model than the picture has now."""
    profile = image.info.get("icc_profile")
    return profile if profile and profile[_PROFILE_SPACE] == _SPACE_OF_MODE.get(image.mode) else None


def _white(mode: str, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """The value of white: the smallest usual one that holds the brightest pixel."""
    if ";16" in mode:
        return 65_535.0
    brightest = float(values.max())
    usual = (1.0, 255.0, 65_535.0, 2.0**32 - 1) if mode == "F" else (255.0, 65_535.0, 2.0**32 - 1)
    return next((white for white in usual if brightest <= white), brightest)


def _from_cmyk(image: Image.Image) -> tuple[Image.Image, str]:
    profile = image.info.get("icc_profile") or b""
    if profile[_PROFILE_SPACE] == b"CMYK":
        try:
            return _through(image, ImageCms.ImageCmsProfile(BytesIO(profile))), "CMYK to sRGB through its profile"
        except (OSError, ImageCms.PyCMSError):  # a damaged profile is as good as none
            pass
    plain = image.convert("RGB")
    plain.info.pop("icc_profile", None)
    return plain, "CMYK to RGB without a profile: check the colours"


def _through(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """Convert *image* from *profile* to sRGB, and note that it is sRGB now."""
    converted = ImageCms.profileToProfile(
        image,
        profile,
        _SRGB,
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None
    converted.info["icc_profile"] = _SRGB.tobytes()
    return converted
