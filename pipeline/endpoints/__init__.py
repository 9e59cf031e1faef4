"""The endpoints that can be called: the five of this package and those that other packages add.

Another package adds one with an entry point in the group ``photobatch.endpoints`` that loads an
``pipeline.endpoints.Endpoint``.  Knows nothing of HTTP or files.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from pipeline.endpoints import bg_replace, ic_light, relighting, scenecraft, seg_swap
from pipeline.endpoints.endpoint import (
    COMPOSITE,
    GENERATED,
    BadParameters,
    Endpoint,
    Price,
    Problem,
    averaged,
    fixed_range,
)
from pipeline.endpoints.parameters import nearest
from pipeline.errors import RecipeError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "COMPOSITE",
    "GENERATED",
    "GROUP",
    "BadParameters",
    "Endpoint",
    "Price",
    "Problem",
    "averaged",
    "every",
    "fixed_range",
    "get",
]

GROUP = "photobatch.endpoints"
OWN = (relighting, ic_light, seg_swap, scenecraft, bg_replace)


@cache
def every() -> dict[str, Endpoint]:
    """All endpoints by slug: ours first, then those of installed plug-ins; raises RecipeError for a broken one."""
    found = {module.ENDPOINT.slug: module.ENDPOINT for module in OWN}
    for point in entry_points(group=GROUP):
        endpoint = _plugged_in(point)
        if endpoint.slug in found:
            raise RecipeError(
                f"there are two endpoints {endpoint.slug!r}: entry point {point.name} = {point.value} adds another",
                hint="give the new one another slug, or uninstall its package",
            )
        found[endpoint.slug] = endpoint
    return found


def _plugged_in(point: EntryPoint) -> Endpoint:
    hint = "mend or uninstall the package that declares it"
    try:
        endpoint = point.load()
    except Exception as error:  # whatever somebody else's module raises while it is imported
        raise RecipeError(
            f"the endpoint plug-in {point.name} = {point.value} cannot be loaded: {type(error).__name__}: {error}",
            hint=hint,
        ) from error
    if not isinstance(endpoint, Endpoint):
        kind = type(endpoint).__name__
        raise RecipeError(f"the endpoint plug-in {point.name} = {point.value} is a {kind}, not an Endpoint", hint=hint)
    return endpoint


def get(slug: str) -> Endpoint:
    """The endpoint *slug*; raises RecipeError naming the nearest one."""
    known = every()
    if slug not in known:
        raise RecipeError(
            f"there is no endpoint {slug!r}{nearest(slug, list(known))}",
            hint="`photobatch endpoints` lists them",
        )
    return known[slug]
