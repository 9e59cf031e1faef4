"""Which image each row names at each step: what tells the output of one photo from that of another.

Looks at no other parameter, so a manifest will do that lacks columns which a prompt needs.  Pure.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pipeline import endpoints
from pipeline.errors import RecipeError
from pipeline.expand import task_step, with_image
from pipeline.recipe import ENDPOINT_COLUMN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.recipe import Recipe, Step
    from pipeline.task import Row


class FirstImages:
    """The images of a manifest with *columns*, as *recipe* takes them from a row."""

    def __init__(self, recipe: Recipe, columns: Sequence[str]) -> None:
        self._columns = columns
        self._default = recipe.image_default
        self._steps = {step.name: step for step in recipe.steps}
        folded = [column.strip().casefold() for column in columns]
        self._endpoint_at = folded.index(ENDPOINT_COLUMN) if recipe.from_rows and ENDPOINT_COLUMN in folded else None
        self._image = cache(self._bound)

    def asks(self, row: Row, step: str) -> bool:
        """Whether *step* is one of *row*: in a task manifest each row has its own."""
        return self._endpoint_at is None or row.cells[self._endpoint_at].strip() == step

    def names(self, row: Row, step: str, image: str | None) -> bool:
        """Whether *image*, from which *step* made its output, is the one that *row* names now."""
        if image is None:
            return True
        now = self._image(step)
        if now is not None:
            return now(row.cells) == image.strip()
        return any(cell.strip() == image.strip() for cell in row.cells)

    def _bound(self, name: str) -> Callable[[Sequence[str]], str] | None:
        """From cells to the first image of the step *name*; None where recipe and columns do not tell."""
        try:
            step = self._step(name)
            return None if step is None else self._first(step)
        except RecipeError:
            return None

    def _step(self, name: str) -> Step | None:
        if self._endpoint_at is not None:
            return task_step(name, self._columns)
        step = self._steps.get(name)
        return None if step is None else with_image(step, self._columns, self._default)

    def _first(self, step: Step) -> Callable[[Sequence[str]], str]:
        templates = step.templates()
        named = [name for name in endpoints.get(step.endpoint).images if name in templates]
        renders = [templates[name].bind(self._columns) for name in named]
        return lambda cells: next((text for render in renders if (text := render(cells).strip())), "")
