from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ledger import schema
from pipeline.planning import take_in
from pipeline.recipe import Recipe
from pipeline.wanted import Wanted

if TYPE_CHECKING:
    from pipeline.ledger.taken import Taken

RECIPE = Recipe.from_dict(
    {"step": [{"name": "oak", "endpoint": "ic-light", "params": {"subject_image": "{image}", "prompt": "{title}"}}]}
)
CATALOGUE = st.dictionaries(st.integers(0, 12).map("SKU-{}".format), st.integers(0, 3), min_size=1)


def take(db: sqlite3.Connection, catalogue: dict[str, int]) -> Taken:
    rows = [(sku, f"https://cdn.example.com/{sku}.jpg", f"Mug {title}") for sku, title in catalogue.items()]
    frame = pd.DataFrame(rows, columns=["sku", "image", "title"])
    return take_in(Wanted(frame, RECIPE), db, clock=lambda: 1.0).intake.taken


@given(st.lists(st.tuples(CATALOGUE, st.randoms(use_true_random=False)), min_size=2, max_size=4))
def test_every_night_each_row_is_new_changed_unchanged_or_gone(nights: list[tuple[dict[str, int], object]]) -> None:
    before: dict[str, int] = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.executescript(schema.TABLES + schema.INDEXES)
        for catalogue, chance in nights:
            skus = list(catalogue)
            chance.shuffle(skus)  # type: ignore[attr-defined]  # a random.Random that shrinks
            tonight = {sku: catalogue[sku] for sku in skus}
            taken = take(db, tonight)

            assert taken.new + taken.changed + taken.unchanged == taken.rows == len(tonight)
            assert taken.unchanged == sum(before.get(sku) == title for sku, title in tonight.items())
            assert taken.left == len(before.keys() - tonight.keys())
            assert db.execute("SELECT count(*) FROM rows WHERE live").fetchone()[0] == len(tonight)
            live = db.execute("SELECT key, params FROM tasks WHERE live").fetchall()
            assert {key: params.partition('"prompt":"Mug ')[2][0] for key, params in live} == {
                sku: str(title) for sku, title in tonight.items()
            }
            before = tonight
