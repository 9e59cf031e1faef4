"""Small copies of pictures, and the look at a pair of them; alone, or as a process that takes jobs line by line.

A job and its answer are one JSON object per line on stdin and stdout.  A damaged picture answers with an error; only
a decoder that crashes takes the process with it.  Knows neither the ledger nor what a picture is for.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

from pipeline.images.colors import to_8_bit, to_plain_rgb, usable_profile
from pipeline.images.decode import Limits, open_image
from pipeline.images.quiet import pillow_is_quiet
from pipeline.report.flags import measure

if TYPE_CHECKING:
    from pipeline.report.flags import Pixels

QUALITY = 80
EFFORT = 2
"""WebP's method: 2 takes half the time of the default 4 and makes files a few per cent larger."""
LOOK_SIDE = 192
"""Longest side in pixels at which a pair is looked at."""
_SRGB = ImageCms.createProfile("sRGB")


def shrink(source: Path, targets: dict[str, int]) -> None:
    """Write a WebP of *source* to each path of *targets* with its longest side at most so many pixels, upright, sRGB.

    Raises OSError, UnreadableImage, and what a decoder stumbles over.
    """
    image = open_image(source.read_bytes(), Limits())
    with pillow_is_quiet():
        largest = max(targets.values())
        image.draft("RGB", (largest, largest))  # a JPEG is decoded at the nearest size above
        picture = _upright(image)
        for path, side in sorted(targets.items(), key=lambda each: -each[1]):
            small = picture.copy()
            small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
            _write(small, Path(path))
            picture = small


def look(before: Path | None, after: Path) -> dict[str, Any]:
    """What `flags.measure` sees in two small pictures, as plain values.  Raises as `shrink` does."""
    return asdict(measure(None if before is None else _pixels(before), _pixels(after)))


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job; what is wrong with its picture is part of the answer."""
    try:
        if "after" in job:
            before = job["before"]
            return {"seen": look(None if before is None else Path(before), Path(job["after"]))}
        shrink(Path(job["source"]), job["targets"])
    except Exception as error:  # noqa: BLE001  # decoders raise whatever they stumble over: SyntaxError, RuntimeError
        return {"error": str(error) or type(error).__name__}
    return {}


def _upright(image: Image.Image) -> Image.Image:
    """As a viewer shows it: turned by its EXIF mark, in sRGB."""
    turned = ImageOps.exif_transpose(image)
    plain, _ = to_plain_rgb(to_8_bit(turned)[0])
    profile = usable_profile(plain)
    if plain.mode not in ("RGB", "RGBA"):
        plain = plain.convert("RGBA" if plain.has_transparency_data else "RGB")
    elif profile:
        plain = _to_srgb(plain, profile)
    return plain


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    from io import BytesIO

    try:
        converted = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(BytesIO(profile)), _SRGB)
    except (OSError, ImageCms.PyCMSError):  # a damaged profile is as good as none
        return image
    return converted or image


def _write(image: Image.Image, path: Path) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in ("icc_profile", "exif", "xmp"):
        image.info.pop(name, None)
    image.save(aside, "WEBP", quality=QUALITY, method=EFFORT)
    os.replace(aside, path)  # noqa: PTH105  # Path.replace is the same call; this reads as what it is


def _pixels(path: Path) -> Pixels:
    with pillow_is_quiet():
        image = open_image(path.read_bytes(), Limits()).convert("RGBA")
        image.thumbnail((LOOK_SIDE, LOOK_SIDE), Image.Resampling.BOX)
        return np.asarray(image)


def main() -> None:
    """Answer jobs until there are no more."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
