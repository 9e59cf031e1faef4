"""Roll call: which of the ledger's rows come by in a manifest, and what becomes of those that do not.

Rows are found again by their digest.  On the usual night they come in the order in which they came first, so each
batch is met by the rows that follow the last one that came by; only the others are looked for one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


class RollCall:
    """The rows of one ledger while one manifest is read.  Runs inside a transaction of the caller; blocking."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        newest = "SELECT max(coalesce((SELECT max(id) FROM rows), 0), coalesce((SELECT max(row_id) FROM tasks), 0))"
        self.next_id = int(db.execute(newest).fetchone()[0]) + 1
        """The id of the next row that is new.  A repaired ledger may have tasks of rows that it lost."""
        self.was_empty = self.next_id == 1
        self._present = bytearray(self.next_id)
        self._came = 0
        self._following = 0
        """The id behind that of the last row that came by unchanged."""

    def new_id(self) -> int:
        """An id for a row that is new, and present."""
        row_id = self.next_id
        self.next_id += 1
        self._present.append(1)
        self._came += 1
        return row_id

    def came(self, row_id: int) -> bool:
        """Note that *row_id* came by; False when it already had."""
        if self._present[row_id]:
            return False
        self._present[row_id] = 1
        self._came += 1
        return True

    def unchanged(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Row ids by digest, of the live rows among *digests* whose images cannot change behind their names."""
        found: dict[bytes, int] = dict(
            self._db.execute(
                "SELECT digest, id FROM rows WHERE id>=? AND id<? AND live AND NOT local",
                (self._following, self._following + len(digests)),
            ).fetchall()
        )
        if elsewhere := [digest for digest in digests if digest not in found]:
            marks = ",".join("?" * len(elsewhere))
            found |= self._db.execute(
                f"SELECT digest, id FROM rows WHERE live AND NOT local AND digest IN ({marks})",  # noqa: S608  # question marks only
                elsewhere,
            )
        self._following = next((found[digest] + 1 for digest in reversed(digests) if digest in found), self._following)
        return found

    def dismiss(self) -> int:
        """Let go of the rows that did not come by: their tasks leave results and summary, their outputs stay.

        Returns how many those are.
        """
        if self.was_empty or self._came == self._live():
            return 0  # the usual night: asking row by row would cost as much as finding them all
        self._db.create_function("came_by", 1, self._present.__getitem__, deterministic=True)
        gone = "SELECT id FROM rows WHERE live AND NOT came_by(id)"
        left = int(self._db.execute(f"SELECT count(*) FROM ({gone})").fetchone()[0])  # noqa: S608  # constant text
        if left:
            self._db.execute(f"UPDATE tasks SET live=0 WHERE live AND row_id IN ({gone})")  # noqa: S608  # constant text
            self._db.execute("UPDATE rows SET live=0 WHERE live AND NOT came_by(id)")
        return left

    def _live(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM rows WHERE live").fetchone()[0])
