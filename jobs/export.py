"""`photobatch export`: the shop's own import file, with the URLs of the new images."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs import options
from jobs.console import say
from jobs.folder import existing, is_rehearsal
from pipeline.words import many


class To(StrEnum):
    """Whose import file is written."""

    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    MERCHANT = "merchant"
    CSV = "csv"


TO = typer.Option("--to", help="shopify, woocommerce, merchant, or csv: the manifest with one more column.")
BASE = typer.Option(
    "--image-base", metavar="URL", help="Where the folder's contents are on the web: URL/images/<key>/<step>.jpg."
)
OUTPUT = typer.Option("-o", "--output", help="The file to write.", parser=options.named)
STEP = typer.Option("--step", help="Only outputs of this step. Default: of all, in order.")
MANIFEST = typer.Option("--manifest", help="Read this file instead of the one the last run was made from.")


def export(
    folder: options.Folder,
    to: Annotated[To, TO],
    image_base: Annotated[str, BASE],
    output: Annotated[Path, OUTPUT],
    step: Annotated[str | None, STEP] = None,
    manifest: Annotated[str | None, MANIFEST] = None,
) -> None:
    """Write the shop's own import file with the new image URLs; every other cell stays as it was."""
    from pipeline.shop_file import write_shop_file

    existing(folder)
    made = write_shop_file(folder, to=to, image_base=image_base, destination=output, step=step, manifest=manifest)
    kept = "the manifest with one more column" if to == "csv" else "the manifest with its images replaced"
    how = kept if made.in_place else "made anew"
    if is_rehearsal(folder):
        say(f"warning: {folder} holds a rehearsal: these are the sandbox's pictures, not for a shop")
    say(f"{made.path}: {how}; {many(made.with_new_image, 'row')} with new images, {made.without:,} without")
    if made.marked:
        named = many(made.marked, "product")
        say(f"warning: {named} got a handle with a suffix: without it, it would be another product's, or empty")
    if made.changed:
        named = "row names" if made.changed == 1 else "rows name"
        say(
            f"warning: {made.changed:,} {named} another image than the output was made from, so it was not used:"
            " run again, then export; only what was not made before is paid for"
        )
