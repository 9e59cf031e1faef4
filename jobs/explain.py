"""`photobatch explain`: what a run would do with every task, and why; spends nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options
from jobs.console import on_one_line, print_json, redacted, say
from jobs.folder import existing
from jobs.tables import print_totals
from jobs.wanting import assumed_prices, recipe_from, source

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.wanted import Wanted

KEY = typer.Option("--key", metavar="K", help="Only this row; or, as for `run`, the column that names rows.")


def explain(
    folder: options.Folder,
    manifest: options.Manifest,
    recipe: options.Recipe = None,
    endpoint: options.EndpointSlug = None,
    set_: options.Settings = None,
    key: Annotated[str | None, KEY] = None,
    limit: options.Limit = None,
    platform: options.Platform = None,
    images: options.Images = None,
    encoding: options.Encoding = None,
    encoding_errors: options.EncodingErrors = "strict",
    delimiter: options.Delimiter = None,
    image_base_url: options.ImageBaseUrl = None,
    allow_private: options.AllowPrivate = False,
    check_images: options.CheckImages = False,
    assume_price: options.AssumePrice = None,
    json: options.Json = False,
) -> None:
    """Say for every task what a run would do and why. Spends nothing, changes nothing.

    Without --recipe or --endpoint: the recipe of the folder's last run.

    Examples:
      photobatch explain out/autumn catalog.csv

      photobatch explain out/autumn catalog.csv --recipe relight.toml --key MUG-001 --json
    """
    from pipeline.api import look_now, remembered
    from pipeline.explain import Line, Totals
    from pipeline.explain import explain as explained
    from pipeline.target import SANDBOX
    from pipeline.wanted import Wanted

    existing(folder)
    origin = remembered(folder)
    asked = Wanted(
        source(manifest),
        _recipe(folder, recipe, endpoint, set_),
        limit=limit,
        platform=platform,
        images=images,
        encoding=encoding,
        encoding_errors=encoding_errors,
        delimiter=delimiter,
        image_base_url=image_base_url,
        allow_private=allow_private or (origin is not None and origin[0] == SANDBOX),
        check_images=check_images,
        assumed_nano={slug: round(usd * 1e9) for slug, usd in assumed_prices(assume_price).items()},
    )
    only, wanted = _row_or_column(key, asked)
    totals, lines = Totals(), list[Line]()
    for line in explained(wanted, folder, prepare=partial(look_now, wanted) if check_images else lambda _db: None):
        if only is not None and line.key != only:
            continue
        totals.add(line)
        if json:
            lines.append(line)
        else:
            sys.stdout.write(redacted(on_one_line(f"{line.does:8} {line.key}  {line.step}  {line.why}")) + "\n")
    if json:
        print_json({"tasks": [line.as_json() for line in lines], "totals": totals.as_json()})
        return
    if only is not None and not totals.tasks:
        say(f"{only!r} asks for nothing: no row of the manifest or of {folder} has this key, or it names no image")
    print_totals(totals)


def _recipe(folder: Path, recipe: Path | None, endpoint: str | None, settings: list[str] | None) -> Recipe:
    """The recipe of the flags, else that of the folder's last run."""
    from pipeline.inspection import last_recipe

    if recipe is None and endpoint is None and (last := last_recipe(folder)) is not None:
        from pipeline.recipe import parse_settings

        return last.with_settings(parse_settings(settings)) if settings else last
    return recipe_from(recipe, endpoint, settings)


def _row_or_column(key: str | None, wanted: Wanted) -> tuple[str | None, Wanted]:
    """(the row that is asked for, what is wanted): a template or a column's name says how rows are named."""
    if key is None:
        return None, wanted
    if "{" in key or key in wanted.open().columns:
        return None, replace(wanted, key=key)
    return key, wanted
