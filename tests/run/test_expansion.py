"""Whatever stands in a row: bodies are what a slow, careful way makes of them; nothing but a RecipeError is raised."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.endpoints import BadParameters, get
from pipeline.errors import RecipeError
from pipeline.expand import BoundRecipe
from pipeline.recipe import Recipe
from pipeline.task import Row
from pipeline.template import Template

if TYPE_CHECKING:
    from pipeline.wish import Wish

COLUMNS = ("sku", "image", "text", "number", "switch")
cells = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "0", "1", "25", "101", "7.5", "-1", "true", "no", "{text}", "%s", '"', "\\", "\ud800", "007"]
    ),
)
rows = st.tuples(
    st.just("k"), st.sampled_from(["https://s.example/a.jpg", " https://s.example/b.jpg ", ""]), cells, cells, cells
)
steps = st.fixed_dictionaries(
    {
        "subject_image": st.just("{image}"),
        "prompt": st.sampled_from(["{text}", "a {text} of 100 % {number}", "plain {{x}}"]),
    },
    optional={
        "steps": st.sampled_from(["{number}", 20, "25"]),
        "cfg": st.sampled_from(["{number}", 2]),
        "seed": st.sampled_from(["{number}", -1]),
        "negative_prompt": st.sampled_from(["{text}", "bad"]),
    },
)
recipes_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["recipe", "step", "name", "key", "endpoint", "params", "dedupe", "checks", "ic-light", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def wish_of(params: dict[str, Any], cells_: tuple[str, ...]) -> Wish | None:
    recipe = Recipe.from_dict({"step": [{"name": "s", "endpoint": "ic-light", "params": params}]})
    bound = BoundRecipe(recipe, COLUMNS, "{sku}", lambda ref: (ref, ref))
    return next(bound.wishes("k", Row(1, cells_)), None)


def slowly(params: dict[str, Any], cells_: tuple[str, ...]) -> dict[str, Any] | None:
    """The body as one would write it without a million rows in mind; None when the row cannot be sent."""
    endpoint = get("ic-light")
    values = {}
    for name, value in params.items():
        varies = isinstance(value, str) and not Template.parse(value).constant
        text = Template.parse(value).bind(COLUMNS)(cells_) if isinstance(value, str) else value
        text = endpoint.cleaned(name, text)
        if varies and not text:
            if name in endpoint.required:
                return None
            continue
        try:
            values[name], _ = endpoint.check(name, text)
        except BadParameters:
            return None
    return values


@given(steps, rows)
def test_a_body_is_what_the_slow_way_makes_of_it(params: dict[str, Any], cells_: tuple[str, ...]) -> None:
    wish, body = wish_of(params, cells_), slowly(params, cells_)

    if body is None:
        assert wish is None or wish.state == "invalid"
    else:
        assert wish is not None
        assert wish.state == "planned"
        assert json.loads(wish.params) == body
        assert wish.params == json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@given(steps, rows, steps, rows)
def test_fingerprints_are_equal_exactly_when_bodies_are(
    params: dict[str, Any], cells_: tuple[str, ...], others: dict[str, Any], other_cells: tuple[str, ...]
) -> None:
    one, other = wish_of(params, cells_), wish_of(others, other_cells)

    if one and other and one.fingerprint and other.fingerprint:
        assert (one.fingerprint == other.fingerprint) == (json.loads(one.params) == json.loads(other.params))


@given(st.text(alphabet="ab {}%\\\"'é\n", max_size=20))
def test_a_template_parses_or_raises_a_recipe_error(text: str) -> None:
    try:
        template = Template.parse(text)
    except RecipeError:
        return
    columns = template.columns or ("a",)
    rendered = template.bind(columns)(tuple("%s{}" for _ in columns))
    literals = template.parts[0::2]
    assert rendered == "%s{}".join(literals)


@given(recipes_like)
def test_a_recipe_loads_or_raises_a_recipe_error(data: Any) -> None:
    try:
        recipe = Recipe.from_dict(data if isinstance(data, dict) else {"step": data})
    except RecipeError:
        return
    assert recipe.steps
    assert recipe.as_json() == recipe.as_json()
    with suppress(RecipeError):
        BoundRecipe(recipe, COLUMNS, "{sku}", lambda ref: (ref, ref))
