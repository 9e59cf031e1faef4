"""From flags to what a plan or a run is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.options import listed
from pipeline.errors import ManifestError, RecipeError
from pipeline.paths import exists, local_path

if TYPE_CHECKING:
    from pipeline.recipe import Recipe


def recipe_from(recipe: Path | None, endpoint: str | None, settings: list[str] | None) -> Recipe:
    """The recipe that the flags mean; raises RecipeError when they contradict each other."""
    from pipeline.api import as_recipe
    from pipeline.recipe import Recipe, parse_settings

    settings = listed(settings, "--set")
    if recipe is not None and endpoint is not None:
        raise RecipeError("--recipe and --endpoint exclude each other", hint="give one of them")
    if recipe is not None:
        loaded = as_recipe(recipe)
        return loaded.with_settings(parse_settings(settings)) if settings else loaded
    if endpoint is not None:
        return Recipe.one_step(endpoint, settings)
    if settings:
        raise RecipeError("--set needs --endpoint or --recipe", hint="`photobatch endpoints` lists the endpoints")
    return Recipe(steps=())


def source(manifest: str) -> Any:
    """The manifest argument; raises ManifestError for a path that is not there."""
    if manifest == "-" or "://" in manifest or exists(local_path(manifest)):
        return manifest
    raise ManifestError(f"{manifest}: there is no such file or folder", hint="is the path right?")


def assumed_prices(pairs: list[str] | None) -> dict[str, float]:
    """``SLUG=USD`` pairs; raises RecipeError."""
    from pipeline.recipe import parse_settings

    prices = {}
    for slug, text in parse_settings(listed(pairs, "--assume-price"), flag="--assume-price", form="SLUG=USD").items():
        try:
            prices[slug] = float(text)
        except ValueError as error:
            raise RecipeError(f"--assume-price {slug}={text} is no amount", hint="write SLUG=USD") from error
    return prices
