from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pipeline.expand import BoundRecipe
from pipeline.recipe import Recipe
from pipeline.task import Row
from pipeline.wish import BadImage, Wish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.alike import Alike

COLUMNS = ("sku", "title", "image", "seed", "light")
STEPS = {
    "step": [
        {
            "name": "scene",
            "endpoint": "bg-replace",
            "params": {
                "image": "{image}",
                "ref_image": "https://example.com/100%.png",
                "prompt": "{title}, 100 % {light}",
                "seed": "{seed}",
            },
        },
        {
            "name": "light",
            "endpoint": "segmind-relighting-v2",
            "params": {
                "image": "{image}",
                "light_direction": "left",
                "light_intensity": "{light}",
                "light_temperature": "warm",
                "light_type": "softbox",
            },
        },
    ]
}
CELLS = st.tuples(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
    st.sampled_from(["Mug", " Mug\t", 'a "b" %s {c}', "", "  ", "é\n", "e\u0301\r\nb", "\u0301", "\ud800"]),
    st.sampled_from(["https://a.example/1.jpg", " https://a.example/2.jpg ", "photo.jpg", "", "https://bad.example/x"]),
    st.sampled_from(["1", "-1", "", "x", "999999999999999"]),
    st.sampled_from(["mood", "bright", "Bright", "dark", ""]),
)


PLAIN_CELLS = st.tuples(
    st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=5),
    st.sampled_from(["Mug", 'a "b" %s {c}', "é\n", "e\u0301\r\nb"]),
    st.sampled_from(["https://a.example/1.jpg", " https://a.example/2.jpg "]),
    st.sampled_from(["1", "-1"]),
    st.sampled_from(["mood", "bright"]),
)


def identify(ref: str) -> tuple[str, str]:
    if "bad" in ref:
        raise BadImage("there is no such host")
    return (ref, ref) if ref.startswith("https://") else (f"/photos/{ref}", f"sha256:{ref}")


def bound() -> BoundRecipe:
    return BoundRecipe(Recipe.from_dict(STEPS), COLUMNS, "{sku}", identify, plain=plain)


def plain(refs: Sequence[str]) -> bool:
    return all(ref.startswith("https://") and "bad" not in ref for ref in refs)


@given(st.lists(CELLS, min_size=1, max_size=8))
def test_rows_expanded_together_ask_for_what_each_asks_for_alone(cells: list[tuple[str, ...]]) -> None:
    rows = [Row(number, each) for number, each in enumerate(cells, 1)]
    recipe = bound()

    together = recipe.together(rows)

    alone = [list(recipe.wishes(recipe.key(row), row)) for row in rows]
    if together is None:
        return
    keys, asked = together
    assert keys == [recipe.key(row) for row in rows]
    assert [singly(keys, each) for each in asked] == [list(of_step) for of_step in zip(*alone, strict=True)]


@given(st.lists(PLAIN_CELLS, min_size=1, max_size=8))
def test_plain_rows_are_expanded_together(cells: list[tuple[str, ...]]) -> None:
    assert bound().together([Row(number, each) for number, each in enumerate(cells, 1)]) is not None


def singly(keys: list[str], asked: Alike) -> list[Wish]:
    varying = zip(keys, asked.fingerprints, asked.bodies, asked.sources, strict=True)
    return [
        Wish(
            key,
            asked.step,
            asked.endpoint,
            "planned",
            fingerprint,
            body,
            asked.estimate_nano,
            asked.reserve_nano,
            source,
            local=False,
        )
        for key, fingerprint, body, source in varying
    ]
