"""Templates: text with column names in braces, ``{title} on a walnut table``.

``{{`` and ``}}`` are literal braces.  A column name may hold spaces and punctuation, as real exports do
(``{Image URLs (x,y,z...)}``); braces of its own are left out (``{Price EUR}`` for ``Price {EUR}``).  A cell that is
only a part of the text comes without the white space around it.
Knows nothing of recipes, endpoints or files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

from pipeline.endpoints.parameters import nearest
from pipeline.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class Template:
    """A parsed template: literal text at even places, column names at odd ones."""

    text: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """*text* as a template; raises RecipeError for a lone or empty brace."""
        parts = [""]
        position = 0
        for token in TOKEN.finditer(text):
            parts[-1] += text[position : token.start()]
            position = token.end()
            if token.group() in ("{{", "}}"):
                parts[-1] += token.group()[0]
            elif token.group(1) is not None and token.group(1).strip():
                parts += [token.group(1).strip(), ""]
            else:
                raise RecipeError(
                    f"template {text!r}: the brace at character {token.start() + 1} names no column",
                    hint="write {column} for a column, {{ or }} for a brace",
                )
        parts[-1] += text[position:]
        return cls(text, tuple(parts))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns used, in order, as written."""
        return self.parts[1::2]

    @property
    def constant(self) -> bool:
        """True when every row gives the same text."""
        return len(self.parts) == 1

    def bind(self, columns: Sequence[str]) -> Callable[[Sequence[str]], str]:
        """A function from a row's cells to text; raises RecipeError for an unknown column."""
        if self.constant:
            text = self.parts[0]
            return lambda _cells: text
        places = [place(columns, name) for name in self.columns]
        literals = self.parts[0::2]
        if len(places) == 1 and not any(literals):
            return itemgetter(places[0])
        shape = "%s".join(literal.replace("%", "%%") for literal in literals)
        if len(places) == 1:
            only = places[0]
            return lambda cells: shape % cells[only].strip()
        pick = itemgetter(*places)
        return lambda cells: shape % tuple(map(str.strip, pick(cells)))

    def bind_columns(self, columns: Sequence[str]) -> Callable[[Sequence[Sequence[str]]], Iterable[str]]:
        """`bind` for many rows at once: a function from the columns of their cells to their texts."""
        if self.constant:
            text = self.parts[0]
            return lambda table: [text] * len(table[0])
        places = [place(columns, name) for name in self.columns]
        literals = self.parts[0::2]
        if len(places) == 1 and not any(literals):
            return itemgetter(places[0])
        shape = "%s".join(literal.replace("%", "%%") for literal in literals)
        return lambda table: map(shape.__mod__, zip(*[map(str.strip, table[n]) for n in places], strict=True))

    def mixed(self, columns: Sequence[str]) -> tuple[tuple[str, int], ...]:
        """The columns that make up the text together with something else, and their places."""
        if len(self.parts) == 3 and not self.parts[0] and not self.parts[2]:  # noqa: PLR2004  # one column alone
            return ()
        return tuple((name, place(columns, name)) for name in self.columns)


def place(columns: Sequence[str], name: str) -> int:
    """Index of column *name*: as written, else ignoring case and padding, else ``Image URL`` for ``image_url``.

    A column's own braces count as the last.  Raises RecipeError where no column is meant, or several may be.
    """
    if name in columns:
        return columns.index(name)
    for fold in (_folded, _loose):
        found = [n for n, column in enumerate(columns) if fold(column) == fold(name)]
        if found and (fold is _folded or len(found) == 1):
            return found[0]
    raise RecipeError(
        f"there is no column {name!r}{nearest(name, list(columns))}",
        hint=f"the columns are: {', '.join(columns)}",
    )


def bare(column: str) -> str:
    """*column* as a template names it."""
    return re.sub("[{}]", "", column).strip()


def _folded(name: str) -> str:
    return name.strip().casefold()


def _loose(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", bare(name).casefold())
