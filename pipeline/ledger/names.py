"""Names of outputs that a template gave: each belongs to one image of one task for good.

Two rows may be given one name, and on many file systems ``MB01`` and ``mb01`` are one file.  So a name is claimed
before a file is written: the first task keeps it plain, the next gets a mark.  Knows SQL, never files.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pipeline.errors import FolderError

if TYPE_CHECKING:
    import sqlite3

PLAIN = "{key}/{step}"
"""How outputs are named when nobody says anything."""
_MARK_CHARACTERS = 10


def settle(db: sqlite3.Connection, wanted: str | None) -> str:
    """The template of this folder, now and from now on.  Raises FolderError when its outputs are named otherwise."""
    found = db.execute("SELECT value FROM meta WHERE name='naming'").fetchone()
    settled = found[0] if found else PLAIN
    if wanted is None or wanted == settled:
        return str(settled)
    if db.execute("SELECT 1 FROM outputs LIMIT 1").fetchone():
        raise FolderError(f"outputs of this folder are named {settled}, not {wanted}", hint="give another --out folder")
    db.execute("INSERT OR REPLACE INTO meta VALUES ('naming', ?)", (wanted,))
    return wanted


def cells_of(db: sqlite3.Connection, task_id: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(columns, cells) of the row that the task *task_id* belongs to."""
    columns, cells = db.execute(
        "SELECT h.columns, r.cells FROM tasks t JOIN rows r ON r.id=t.row_id JOIN headers h ON h.id=r.header_id"
        " WHERE t.id=?",
        (task_id,),
    ).fetchone()
    return tuple(json.loads(columns)), tuple(json.loads(cells))


def claim(db: sqlite3.Connection, name: str, *, key: str, step: str, n: int) -> str:
    """The name that image *n* of *key* at *step* has from now on: *name*, marked when another image has it."""
    mark = hashlib.sha256(f"{key}\n{step}\n{n}".encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_CHARACTERS]
    marked = f"{name}~{mark}"
    for candidate in (name, marked):
        owner = db.execute("SELECT key, step, n FROM names WHERE name=?", (candidate.casefold(),)).fetchone()
        if owner is None:
            db.execute("INSERT INTO names VALUES (?,?,?,?)", (candidate.casefold(), key, step, n))
        if owner in (None, (key, step, n)):
            return candidate
    return marked
