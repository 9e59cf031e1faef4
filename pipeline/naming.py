"""How outputs are called when the user has an own idea: ``--name '{sku}-{step}'``.

``{key}`` and ``{step}`` are the task's; every column of the manifest may be named.  A slash in the template makes a
folder below ``images/``.  Whatever the cells hold, a name stays inside, and no two outputs share one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import RecipeError
from pipeline.ledger import names
from pipeline.outputs.names import safe_path
from pipeline.template import Template

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from pipeline.ledger import Ledger
    from pipeline.task import Task

_SLASH = re.compile(r"/(?![^{}]*\})")
"""A slash between folders, not one inside a column's name."""
OWN = ("key", "step")
"""Names that mean the task's own key and step, whatever columns there are."""


class Naming:
    """Gives outputs their names.  One per run."""

    def __init__(self, ledger: Ledger, template: str) -> None:
        self._ledger = ledger
        self._template = None if template == names.PLAIN else template
        self._bound: dict[tuple[str, ...], list[Callable[[Sequence[str]], str]]] = {}

    async def of(self, task: Task, n: int) -> str | None:
        """Path below ``images/`` without extension for image *n* of *task*; None for the usual ``<key>/<step>``."""
        if self._template is None or task.out_of_date:  # what no row asks for any more has no cells to be named by
            return None
        return await self._ledger.do(lambda db: self._claimed(db, task, n))

    def _claimed(self, db: sqlite3.Connection, task: Task, n: int) -> str:
        columns, cells = names.cells_of(db, task.id)
        if columns not in self._bound:
            self._bound[columns] = _bound(self._template or names.PLAIN, columns)
        path = safe_path([render((task.key, task.step, *cells)) for render in self._bound[columns]])
        return names.claim(db, path if n == 1 else f"{path}-{n}", key=task.key, step=task.step, n=n)


def check(template: str, columns: Sequence[str]) -> None:
    """Refuse a template that cannot name outputs; raises RecipeError."""
    if Template.parse(template).constant:
        raise RecipeError(f"--name {template!r} names every output alike", hint="write --name '{key}/{step}'")
    try:
        _bound(template, columns)
    except RecipeError as error:
        raise RecipeError(f"--name: {error}", hint=error.hint) from error


def _bound(template: str, columns: Sequence[str]) -> list[Callable[[Sequence[str]], str]]:
    """One function from a row's key, step and cells to text for each part of the path."""
    parts = [part for part in _SLASH.split(template) if part]
    return [Template.parse(part).bind((*OWN, *columns)) for part in parts]
