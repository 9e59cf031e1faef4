"""What a reader has to say beside its rows: notes (recognised, and why) and warnings (doubtful).

Owns the rule that nothing is said twice, however often the rows are read.  Knows nothing about formats.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Notices:
    """Two growing lists, shared by a manifest and the reader beneath it."""

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Say what was recognised, once."""
        if text not in self.notes:
            self.notes.append(text)

    def warn(self, text: str) -> None:
        """Say what is doubtful, once."""
        if text not in self.warnings:
            self.warnings.append(text)
