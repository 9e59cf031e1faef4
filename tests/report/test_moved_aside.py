"""Outputs that are not wanted where they stand are moved aside, and the ledger follows at little cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline import departed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.report.conftest import Shop

KEYS = [f"K{number}" for number in range(12)]
BYSTANDERS = 5_000


class Watched:
    """The shop's ledger; counts its commits and the steps of SQLite's machine, and ends at the commit *ends_at*."""

    def __init__(self, shop: Shop, ends_at: int | None = None) -> None:
        self.shop = shop
        self.ends_at = ends_at
        self.commits = self.steps = 0

    def run(self, operation: Callable[[Any], Any]) -> Any:
        self.commits += 1
        if self.commits == self.ends_at:
            raise KeyboardInterrupt

        def step() -> None:
            self.steps += 1

        def watched(db: Any) -> Any:
            db.set_progress_handler(step, 1)
            try:
                return operation(db)
            finally:
                db.set_progress_handler(None, 1)

        return self.shop.ledger.run(watched)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """Every row but MUG has left, and each had its own output."""
    shop.write(*((key, f"Mug {key}", "mug.jpg") for key in ("MUG", *KEYS)))
    shop.plan({**shop.recipe, "step": shop.recipe["step"][1:]})
    for key in KEYS:
        shop.make(key, "scene")
    shop.write(("MUG", "Mug MUG", "mug.jpg"))
    shop.plan({**shop.recipe, "step": shop.recipe["step"][1:]})
    return shop


def paths(shop: Shop) -> set[str]:
    return {path for (path,) in shop.ledger.run(lambda db: db.execute("SELECT path FROM outputs").fetchall())}


def test_many_outputs_are_moved_with_few_commits_and_without_a_look_at_all_others(shop: Shop) -> None:
    others = [(100_000 + n, f"images/b{n}/scene.jpg") for n in range(BYSTANDERS)]
    shop.ledger.run(
        lambda db: db.executemany("INSERT INTO outputs VALUES (?, 1, ?, 1, '', 1, 1, 'image/jpeg', 0)", others)
    )
    standing = shop.ledger.run(departed.outputs)
    ledger = Watched(shop)

    assert departed.move_aside(ledger, shop.store, standing) == len(KEYS)

    assert {path.split("/")[0] for path in paths(shop) - {path for _, path in others}} == {"superseded"}
    assert ledger.commits == 1
    assert ledger.steps < BYSTANDERS


def test_what_a_crash_left_moved_and_untold_is_found_by_the_next_call(shop: Shop) -> None:
    with pytest.raises(KeyboardInterrupt):
        departed.prune(Watched(shop, ends_at=2), shop.store)
    assert not list((shop.out / "images").rglob("*.jpg"))
    assert {path.split("/")[0] for path in paths(shop)} == {"images"}

    assert departed.prune(shop.ledger, shop.store) == len(KEYS)

    assert all((shop.out / path).is_file() for path in paths(shop))
    assert departed.prune(shop.ledger, shop.store) == 0
