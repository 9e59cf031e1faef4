from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.expand import BoundRecipe
from pipeline.recipe import Recipe
from pipeline.task import Row
from pipeline.wish import BadImage

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
    st.sampled_from(["Mug", 'a "b" %s {c}', "", "  ", "é\n", "\ud800"]),
    st.sampled_from(["https://a.example/1.jpg", " https://a.example/2.jpg ", "photo.jpg", "", "https://bad.example/x"]),
    st.sampled_from(["1", "-1", "", "x", "999999999999999"]),
    st.sampled_from(["mood", "bright", "Bright", "dark", ""]),
)


def identify(ref: str) -> tuple[str, str]:
    if "bad" in ref:
        raise BadImage("there is no such host")
    return (ref, ref) if ref.startswith("https://") else (f"/photos/{ref}", f"sha256:{ref}")


def bound() -> BoundRecipe:
    return BoundRecipe(Recipe.from_dict(STEPS), COLUMNS, "{sku}", identify)


@given(st.lists(CELLS, min_size=1, max_size=8))
def test_rows_expanded_together_ask_for_what_each_asks_for_alone(cells: list[tuple[str, ...]]) -> None:
    rows = [Row(number, each) for number, each in enumerate(cells, 1)]
    keys = [f"key-{row.number}" for row in rows]
    alone, together = bound(), bound()

    expected = [list(alone.wishes(key, row)) for key, row in zip(keys, rows, strict=True)]

    assert [list(found) for found in together.wishes_of(keys, rows)] == expected
    assert together.rows_without_image == alone.rows_without_image
