"""The one error of input images: told in words, before money is spent."""

from __future__ import annotations

from pipeline.errors import InputError

SHOWN_CHARACTERS = 400
"""Of a name: a cell may be a whole photograph in letters."""


class BadInput(InputError):
    """An input image cannot be used; it is never uploaded and its task never paid."""

    def __init__(self, name: str, reason: str) -> None:
        shown = name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}..."
        super().__init__(f"{shown}: {reason}")
        self.name = name
        """The file, URL or field as the user wrote it."""
        self.reason = reason
        """A clause for people: "it is empty (0 bytes)"."""
