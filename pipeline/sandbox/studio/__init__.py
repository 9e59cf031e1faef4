"""The studio: five real edits on numpy and Pillow, so that a batch can be rehearsed offline and for free.

`edit` is pure: the same slug, parameters and images give the same bytes, in any process.  Every picture
says that it is a local approximation, in a thin band at its bottom edge and in its XMP.  Knows nothing of
HTTP, of where images come from, or of prices.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from pipeline import endpoints
from pipeline.errors import RecipeError
from pipeline.sandbox.studio import bg_replace, ic_light, relighting, scenecraft, seg_swap
from pipeline.sandbox.studio.encode import Edited, blank, finish
from pipeline.sandbox.studio.source import UnreadableImage, open_photo

__all__ = ["Edited", "UnreadableImage", "edit"]

Edit = Callable[[Mapping[str, Any], Mapping[str, bytes]], list[Edited]]

EDITS: dict[str, Edit] = {
    "segmind-relighting-v2": relighting.relight,
    "ic-light": ic_light.relight,
    "seg-swap": seg_swap.swap,
    "segmind-scenecraft-v01": scenecraft.place,
    "bg-replace": bg_replace.replace,
}


def edit(slug: str, params: Mapping[str, Any], images: Mapping[str, bytes]) -> list[Edited]:
    """Do what *params*, as sent to endpoint *slug*, ask for, and return one entry per image asked for.

    *images* holds the bytes of each image field of *params*.  Parameters that were not sent have the
    endpoint's defaults; a seed that is missing or -1 follows from the parameters.  An endpoint that a
    plug-in added gets its first image back.  Raises UnreadableImage.
    """
    settings = {**_defaults(slug), **{name: value for name, value in params.items() if value is not None}}
    if settings.get("seed", -1) in {None, -1}:
        settings["seed"] = _seed_from(params)
    return EDITS.get(slug, _unchanged)(settings, images)


def _defaults(slug: str) -> dict[str, Any]:
    try:
        return endpoints.get(slug).defaults()
    except RecipeError:
        return {}


def _seed_from(params: Mapping[str, Any]) -> int:
    text = json.dumps(dict(params), sort_keys=True, default=str)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _unchanged(settings: Mapping[str, Any], images: Mapping[str, bytes]) -> list[Edited]:
    """Answer for an endpoint that the studio has no edit for: the first image sent, or a blank one."""
    del settings
    for field, data in images.items():
        photo = open_photo(data, field)
        return [finish(photo.rgb, "png", 100, alpha=photo.alpha)]
    return [finish(blank((1024, 1024)), "png", 100)]
