from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.ledger import schema
from pipeline.planning import take_in
from pipeline.recipe import Recipe
from pipeline.wanted import Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ledger.taken import Taken

RECIPE = Recipe.from_dict(
    {"step": [{"name": "oak", "endpoint": "ic-light", "params": {"subject_image": "{image}", "prompt": "{title}"}}]}
)
CATALOGUE = st.dictionaries(st.integers(0, 12).map("SKU-{}".format), st.integers(0, 3), min_size=1)


def ledger() -> closing[sqlite3.Connection]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(schema.TABLES + schema.INDEXES)
    return closing(db)


def take(db: sqlite3.Connection, catalogue: dict[str, int], place: str = "https://cdn.example.com/") -> Taken:
    rows = [(sku, f"{place}{sku}.jpg", f"Mug {title}") for sku, title in catalogue.items()]
    frame = pd.DataFrame(rows, columns=["sku", "image", "title"])
    return take_in(Wanted(frame, RECIPE), db, clock=lambda: 1.0).intake.taken


@given(st.lists(st.tuples(CATALOGUE, st.randoms(use_true_random=False)), min_size=2, max_size=4))
def test_every_night_each_row_is_new_changed_unchanged_or_gone(nights: list[tuple[dict[str, int], object]]) -> None:
    before: dict[str, int] = {}
    with ledger() as db:
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


def test_tasks_whose_rows_a_repair_lost_are_found_again() -> None:
    catalogue = {f"SKU-{number}": 0 for number in range(10)}
    with ledger() as db:
        take(db, catalogue)
        db.execute("DELETE FROM rows WHERE id > 8")

        again = take(db, {**catalogue, "SKU-new": 0})

        assert (again.unchanged, again.new, again.left) == (10, 1, 0)
        orphans = "SELECT count(*) FROM tasks WHERE row_id NOT IN (SELECT id FROM rows)"
        assert db.execute(orphans).fetchone() == (0,)
        assert db.execute("SELECT count(DISTINCT row_id) FROM tasks WHERE live").fetchone() == (11,)


def test_equal_rows_without_an_image_are_taken_every_night() -> None:
    rows = [("a", "https://cdn.example.com/a.jpg", "Mug"), ("b", "", "Mug"), ("b", "", "Mug")]
    frame = pd.DataFrame(rows, columns=["sku", "image", "title"])
    with ledger() as db:
        for _ in range(3):
            taken = take_in(Wanted(frame, RECIPE, key="sku"), db, clock=lambda: 1.0).intake.taken

            assert taken.rows == 3


def test_what_asks_for_few_tasks_of_many_asks_an_index() -> None:
    with ledger() as db:
        for question, index in (
            (f"SELECT id FROM tasks WHERE {schema.AT_RISK} AND state='submitted'", "at_risk"),
            (f"SELECT id FROM tasks w WHERE fingerprint=x'00' AND {schema.paid_or_at_risk('w.')}", "one_payment"),
            ("SELECT count(*) FROM tasks WHERE state='planned' AND live", "open_tasks"),
            ("SELECT digest FROM rows WHERE live AND NOT local AND digest IN (x'00')", "same_row"),
        ):
            plan = db.execute(f"EXPLAIN QUERY PLAN {question}").fetchall()
            assert any(f" INDEX {index}" in line[-1] for line in plan), plan


def test_an_output_stays_while_its_photo_cannot_be_read(tmp_path: Path) -> None:

    Image.new("RGB", (300, 300)).save(tmp_path / "SKU-1.jpg")
    with ledger() as db:
        take(db, {"SKU-1": 0}, f"{tmp_path}/")
        db.execute("UPDATE tasks SET state='done'")
        (tmp_path / "SKU-1.jpg").unlink()

        take(db, {"SKU-1": 0}, f"{tmp_path}/")

        assert db.execute("SELECT state, live FROM tasks").fetchall() == [("done", 1)]


def test_a_cell_that_leaves_a_gap_in_a_text_is_told() -> None:
    rows = [
        (f"SKU-{number}", f"https://cdn.example.com/{number}.jpg", "" if number == 3 else "Mug") for number in range(9)
    ]
    recipe = {"name": "oak", "endpoint": "ic-light", "params": {"subject_image": "{image}", "prompt": "{title} on oak"}}
    frame = pd.DataFrame(rows, columns=["sku", "image", "title"])
    with ledger() as db:
        planner = take_in(Wanted(frame, Recipe.from_dict({"step": [recipe]})), db, clock=lambda: 1.0)

    (warning,) = planner.bound.warnings
    assert "'title' is empty where the text needs it, first in row 4" in warning
