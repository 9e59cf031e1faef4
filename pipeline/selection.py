"""Which failures a resume takes up: everything that passed by itself, or exactly what the user names.

Pure SQL on tasks; sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import endpoints
from pipeline.endpoints.parameters import nearest
from pipeline.errors import PASSING, ErrorClass, RecipeError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

BILLED_IN_VAIN = (ErrorClass.LOST, ErrorClass.BAD_OUTPUT)
"""Failures that cost money: nobody pays again for one that was not named, or changed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Failed tasks to be opened again.  An empty one means: those with a passing cause, and all open tasks."""

    classes: tuple[ErrorClass, ...] = ()
    endpoint: str | None = None
    keys: tuple[str, ...] = ()
    since: float | None = None
    """Unix time: only tasks that ended after it."""

    @classmethod
    def parse(
        cls, classes: Iterable[str], *, endpoint: str | None, keys: Iterable[str], since: float | None
    ) -> Selection:
        """From words as the user gives them, classes separated by commas; raises RecipeError for an unknown one."""
        words = [word.strip() for text in classes for word in text.split(",") if word.strip()]
        known = [each.value for each in ErrorClass]
        for word in words:
            if word not in known:
                raise RecipeError(
                    f"--only {word}: there is no such class{nearest(word, known)}", hint=f"classes: {', '.join(known)}"
                )
        slug = None if endpoint is None else endpoints.get(endpoint).slug
        return cls(tuple(ErrorClass(word) for word in words), slug, tuple(keys), since)

    @property
    def narrow(self) -> bool:
        """Whether the user named something: then nothing outside it is touched."""
        return bool(self.classes or self.endpoint or self.keys or self.since is not None)

    def reopen(self, db: sqlite3.Connection, *, changed: bool = False) -> int:
        """Open the selected failures again, and note by the table ``chosen`` what may be sent; returns how many.

        Without a selection there is no such table: everything that is open may be sent.  ``changed``: they will be
        sent with other parameters.
        """
        place, at_place = self._where()
        where, values = place, list(at_place)
        if self.classes or not self.narrow:
            classes = self.classes or tuple(sorted(PASSING))
            where += f" AND error_class IN ({','.join('?' * len(classes))})"
            values += classes
        elif not changed:
            where += f" AND error_class NOT IN ({','.join('?' * len(BILLED_IN_VAIN))})"
            values += BILLED_IN_VAIN
        db.execute("DROP TABLE IF EXISTS temp.chosen")
        db.execute("CREATE TEMP TABLE chosen (id INTEGER PRIMARY KEY)")
        chosen = f"SELECT id FROM tasks WHERE live AND state='failed' {where}"  # noqa: S608  # own words and question marks
        count = db.execute(f"INSERT INTO chosen {chosen}", values).rowcount  # the same
        db.execute("UPDATE tasks SET state='planned' WHERE id IN (SELECT id FROM chosen)")
        if not self.narrow:
            db.execute("DROP TABLE temp.chosen")
        elif not self.classes:  # a place was named, not a cause: what is open there belongs to it
            there = f"SELECT id FROM tasks WHERE live AND state='planned' {place}"  # noqa: S608  # the same
            db.execute(f"INSERT OR IGNORE INTO chosen {there}", at_place)
        return count

    def _where(self) -> tuple[str, list[object]]:
        where = ""
        values: list[object] = []
        if self.endpoint is not None:
            where += " AND endpoint=?"
            values.append(self.endpoint)
        if self.keys:
            where += f" AND key IN ({','.join('?' * len(self.keys))})"
            values += self.keys
        if self.since is not None:
            where += " AND finished_at>=?"
            values.append(self.since)
        return where, values
