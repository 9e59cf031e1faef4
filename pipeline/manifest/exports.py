"""Deciding whether a table is a shop's export, and reading it as product images when it is.

Owns ``--platform``, ``--images`` and what is missing for them.  Knows nothing about file formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.manifest import columns as names
from pipeline.manifest.platforms import NONE, Platform, named, recognise
from pipeline.manifest.platforms.platform import Layout, layout, matching
from pipeline.manifest.products import ProductReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.manifest.notices import Notices
    from pipeline.manifest.reader import Reader

_WITH_IMAGES_FILE = "magento2"
"""The one platform whose images come in a second file."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What the user says about an export; None leaves it to the file."""

    platform: str | None = None
    image_base_url: str | None = None
    images: Reader | None = None
    """The second file, from product to images."""


def as_export(table: Reader, demands: Demands, name: str, notices: Notices) -> Reader:
    """*table* read as product images when it is a known export; *table* itself otherwise."""
    platform, reason = _platform(table.columns, demands)
    if platform is None:
        return table
    found = layout(platform, table.columns)
    _check(platform, found, name, demands, notices)
    notices.note(f"{platform.label}: {reason}")
    base_url = demands.image_base_url or platform.image_base_url
    if base_url:
        notices.note(f"relative images are taken from {base_url}")
    more = image_lists(demands.images, platform) if demands.images else {}
    return ProductReader(table, platform, found, base_url, more, notices)


def _platform(columns: Sequence[str], demands: Demands) -> tuple[Platform | None, str]:
    if demands.platform is not None and names.fold(demands.platform) == NONE:
        return None, ""
    if demands.platform is not None:
        return named(demands.platform), "as asked with --platform"
    recognised = recognise(columns)
    if recognised:
        return recognised[0], f"columns {', '.join(recognised[1])}"
    if demands.images:
        return named(_WITH_IMAGES_FILE), "an images file was given"
    return None, ""


def _check(platform: Platform, found: Layout, name: str, demands: Demands, notices: Notices) -> None:
    if not found.keys and not found.titles:
        raise ManifestError(
            f"{name}: is no {platform.label}: no column names the product ({', '.join(platform.keys)})",
            hint="choose another --platform, or none",
        )
    if demands.images and not found.keys:
        raise ManifestError(f"{name}: --images needs a column sku to find each product's images")
    if found.images or demands.images:
        return
    if platform.name != _WITH_IMAGES_FILE:
        raise ManifestError(
            f"{name}: is no {platform.label}: no column holds images ({', '.join(platform.images)})",
            hint="choose another --platform, or none",
        )
    remedy = "add --images FILE, or images to the job file"
    notices.warn(f"{name}: no column holds images; Magento keeps them in a second file: {remedy}")


def image_lists(table: Reader, platform: Platform) -> Mapping[str, Sequence[str]]:
    """Images by product, from a file with a column ``sku`` and a column ``image``."""
    from pipeline.manifest import references

    key = names.find(table.columns, "sku")
    images = [i for pattern in platform.images for i in matching(table.columns, pattern)]
    if key is None or not images:
        raise ManifestError(
            f"the images file has no column {'sku' if key is None else 'image'}",
            hint=f"its columns are {', '.join(table.columns)}; it needs sku and image",
        )
    lists: dict[str, list[str]] = {}
    for batch in table.batches(1000):
        for row in batch:
            for i in images:
                found = references.split(row.cells[i], platform.separators)
                lists.setdefault(row.cells[key].strip(), []).extend(found)
    return lists
