"""The one error of input images: told in words, before money is spent."""

from __future__ import annotations

from pipeline.errors import InputError


class BadInput(InputError):
    """An input image cannot be used; it is never uploaded and its task never paid."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        """The file, URL or field as the user wrote it."""
        self.reason = reason
        """A clause for people: "it is empty (0 bytes)"."""
