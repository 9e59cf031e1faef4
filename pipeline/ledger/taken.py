"""What came in with a manifest: counts of rows, and what is wrong with the manifest as a whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.words import many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.task import Row

SHOWN = 10
"""Examples in one message; the count tells the rest."""


@dataclass
class Taken:
    """Counts of rows, and the rows that cannot be told apart."""

    rows: int = 0
    unchanged: int = 0
    new: int = 0
    changed: int = 0
    left: int = 0
    without_key: list[int] = field(default_factory=list)
    twice: list[tuple[str, int]] = field(default_factory=list)
    twice_count: int = 0

    def this_run(self) -> dict[str, int]:
        """The counts of rows, for the summary."""
        return {
            "rows_new": self.new,
            "rows_changed": self.changed,
            "rows_unchanged": self.unchanged,
            "rows_left": self.left,
        }

    def same_key(self, key: str, number: int) -> None:
        """Note that row *number* has the *key* of a row before it."""
        self.twice_count += 1
        if len(self.twice) < SHOWN:
            self.twice.append((key, number))

    @property
    def keys_fail(self) -> bool:
        """Whether rows cannot be told apart by their keys."""
        return bool(self.without_key or self.twice)

    def refuse(self, key_template: str) -> None:
        """Raise ManifestError for rows that cannot be told apart: nothing of such a manifest is taken in."""
        if self.without_key:
            numbers = ", ".join(map(str, self.without_key[:SHOWN]))
            raise ManifestError(
                f"{many(len(self.without_key), 'row')} with an empty key ({key_template}): rows {numbers}",
                hint="choose a column that every row fills: --key COLUMN, or of several: --key '{COLUMN}-{COLUMN}'",
            )
        if self.twice:
            shown = ", ".join(f"{key!r} (row {number})" for key, number in self.twice)
            raise ManifestError(
                f"{many(self.twice_count, 'key')} used more than once ({key_template}): {shown}",
                hint="keys name outputs and must be unique: --key COLUMN, or of several: --key '{COLUMN}-{COLUMN}'",
            )


def unwritable(rows: Sequence[Row]) -> ManifestError:
    """Half of a surrogate pair: from a broken JSON escape, or a file name that is not UTF-8."""
    numbers = [row.number for row in rows if re.search("[\ud800-\udfff]", "".join(row.cells))]
    return ManifestError(
        f"row {numbers[0] if numbers else rows[0].number} holds half a character, which no file can keep",
        hint="correct the text of that row; a file's name must be valid UTF-8",
    )
