"""Planning into the ledger: what the manifest asks for now, against what the ledger already holds.

Rows stream through in batches.  A row whose cells and recipe did not change costs one look-up and no write; the
others are expanded and compared task by task.  Either all of a manifest is taken in, or nothing is.  Knows SQL and
the expanded wishes, never files or HTTP.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import ErrorClass
from pipeline.expand import TOGETHER
from pipeline.ledger.bulk import BulkInsert, Cells
from pipeline.ledger.rollcall import RollCall
from pipeline.ledger.taken import Taken, unwritable
from pipeline.wish import as_json, encode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from pipeline.expand import BoundRecipe
    from pipeline.task import Row
    from pipeline.wish import Wish

DIGEST_BYTES = 16

PUT_ROW = (
    "INSERT INTO rows (id, header_id, number, digest, cells, local, live) VALUES (?,?,?,?,?,?,1)"
    " ON CONFLICT (id) DO UPDATE SET header_id=excluded.header_id, number=excluded.number, digest=excluded.digest,"
    " cells=excluded.cells, local=excluded.local, live=1"
)
LIVE_TASKS = (
    "SELECT key, step, id, coalesce(wish, fingerprint), row_id, error,"
    " CASE state WHEN 'done' THEN id ELSE replaces END, state='done' AND decision IS 'approve',"
    " image_source FROM tasks WHERE live AND key IN ({marks})"
)
INSERT_TASK = (
    "INSERT INTO tasks (key, step, endpoint, state, fingerprint, params, estimate_nano, reserve_nano, image_source,"
    " error_class, error, row_id, live, planned_at, replaces) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,1,?,?)"
)


class Known(NamedTuple):
    """A live task that the ledger already has for a key and step."""

    id: int
    wish: bytes | None
    """Fingerprint of what the manifest asked for; a decision may have changed what was sent instead."""
    row_id: int
    error: str | None
    gives_way: int | None
    """The task whose output a successor replaces: this one, or the one that this one was to replace."""
    approved: bool = False
    """True when a person approved its output: it stays, whatever the manifest asks for of the same image."""
    image_source: str | None = None

    def grants(self, wish: Wish) -> bool:
        """Whether *wish* is what this task was made for."""
        return wish.fingerprint == self.wish and wish.error == self.said(wish)

    def outlives(self, wish: Wish) -> bool:
        """Whether its output stays although *wish* cannot be sent: an image that was there cannot be had."""
        return self.gives_way == self.id and wish.error_class == ErrorClass.BAD_INPUT and self.shows(wish)

    def shows(self, wish: Wish) -> bool:
        """Whether it is of the image that *wish* names, as far as names tell: a key may have got another photo."""
        return None in (self.image_source, wish.image_source) or self.image_source == wish.image_source

    def said(self, wish: Wish) -> str | None:
        """The error to compare with that of *wish*: only a row that cannot be sent is its error."""
        return self.error if wish.fingerprint is None else wish.error


def as_texts(rows: Sequence[Row]) -> list[bytes]:
    """The cells of *rows* as they are kept; raises ManifestError for text that no file can keep."""
    try:
        return [as_json(row.cells) for row in rows]
    except ValueError as error:
        raise unwritable(rows) from error


class Intake:
    """Takes one manifest into the ledger.  Runs inside a transaction of the caller; blocking."""

    def __init__(
        self,
        db: sqlite3.Connection,
        bound: BoundRecipe,
        *,
        now: float,
        whole: bool = True,
        bulk: bool = True,
        kept: bool = True,
        fixed: str = "",
        mark: Callable[[Row], str] | None = None,
        altered: Callable[[str], bool] = lambda _image: False,
    ) -> None:
        """Find out what the ledger holds.

        ``whole``: rows that do not come by have left the manifest.  ``bulk``: nobody else needs the ledger meanwhile,
        so a first manifest may be taken in faster.  ``kept``: False where the ledger is thrown away afterwards.
        ``fixed`` and ``mark`` say of the recipe's and of a row's images what their names do not: that they changed.
        ``altered``: whether an image is a file whose content changed since the ledger took it in.
        """
        self.db = db
        self.bound = bound
        self.taken = Taken()
        self._now = now
        self._whole = whole
        self._header_id = self._header()
        recipe = f"{self._header_id}\n{bound.key_template}\n{bound.recipe.as_json()}{fixed}"
        self._salt = sha256(recipe.encode("utf-8", "surrogatepass")).digest()
        self._image_mark = mark
        self._altered = altered
        self._roll = RollCall(db)
        self._bulk: BulkInsert | None = None
        if bulk and self._roll.was_empty:
            self._bulk = BulkInsert(db, header_id=self._header_id, planned_at=now, kept=kept)

    def batch(self, rows: Sequence[Row]) -> None:
        """Take *rows* in; raises ManifestError for text that no file can keep."""
        texts = as_texts(rows)
        self.taken.rows += len(rows)
        if self._bulk is None:
            self._take(rows, texts)
        else:
            self._insert(self._bulk, rows, texts)

    def _digests(self, rows: Sequence[Row], texts: Sequence[bytes]) -> list[bytes]:
        salt = self._salt
        asked = texts
        if (mark := self._image_mark) is not None:
            asked = [text + mark(row).encode("utf-8", "surrogatepass") for text, row in zip(texts, rows, strict=True)]
        return [sha256(salt + text).digest()[:DIGEST_BYTES] for text in asked]

    def _take(self, rows: Sequence[Row], texts: Sequence[bytes]) -> None:
        digests = self._digests(rows, texts)
        known = self._roll.unchanged(digests)
        pending = []
        for row, text, digest in zip(rows, texts, digests, strict=True):
            row_id = known.get(digest)
            if row_id is None:
                pending.append((row, text.decode(), digest))
            elif self._roll.came(row_id) or not self._has_tasks(row_id):
                self.taken.unchanged += 1
            else:
                self.taken.same_key(self.bound.key(row), row.number)
        if pending:
            self._compare(pending)

    def finish(self) -> Taken:
        """Settle what left the manifest and check it as a whole; raises ManifestError for keys that do not work."""
        if self._bulk is not None and not self._bulk.build_indexes():
            self._find_twice()
        self.taken.refuse(self.bound.key_template)
        if self._whole:
            self.taken.left = self._roll.dismiss()
        return self.taken

    def _insert(self, bulk: BulkInsert, rows: Sequence[Row], texts: Sequence[bytes]) -> None:
        """Put rows and tasks in that nothing can collide with: all at once, or else as few as possible one by one."""
        digests = self._digests(rows, texts)
        cells = [
            Cells(row.number, digest, text.decode()) for row, digest, text in zip(rows, digests, texts, strict=True)
        ]
        if (asked := self.bound.together(rows)) is not None:
            bulk.alike(cells, *asked)
            self.taken.new += len(rows)
            return
        for start in range(0, len(rows), TOGETHER):
            some = slice(start, start + TOGETHER)
            if (asked := self.bound.together(rows[some])) is not None:
                bulk.alike(cells[some], *asked)
                self.taken.new += len(rows[some])
            else:
                self._insert_each(bulk, rows[some], cells[some])

    def _insert_each(self, bulk: BulkInsert, rows: Sequence[Row], cells: Sequence[Cells]) -> None:
        named = [(key, row, kept) for row, kept in zip(rows, cells, strict=True) if (key := self._key(row))]
        bulk.each([kept for _, _, kept in named], [list(self.bound.wishes(key, row)) for key, row, _ in named])
        self.taken.new += len(named)

    def _compare(self, rows: Sequence[tuple[Row, str, bytes]]) -> None:
        """Take in rows that are new or changed, task by task."""
        keys = [self._key(row) for row, _, _ in rows]
        known = self._live_tasks([key for key in keys if key])
        for key, (row, text, digest) in zip(keys, rows, strict=True):
            if key:
                self._converge(key, row, text, digest, known.setdefault(key, {}))

    def _converge(self, key: str, row: Row, text: str, digest: bytes, known: dict[str, Known]) -> None:
        """Make the live tasks of *key* what *row* asks for; ``known`` are those it has, by step."""
        wishes = list(self.bound.wishes(key, row))
        row_id = self._row_of(wishes, known)
        if row_id is not None and not self._roll.came(row_id):
            self.taken.same_key(key, row.number)
            return
        missing, replaced = self._retire(wishes, row_id, known)
        local = any(wish.local for wish in wishes)
        if row_id is None:
            row_id = self._roll.new_id()
            self.taken.new += 1
        else:
            self.taken.changed += bool(missing)
            self.taken.unchanged += not missing
        self.db.execute(PUT_ROW, (row_id, self._header_id, row.number, digest, text, local))
        for wish in missing:
            older = replaced.get(wish.step)
            cursor = self.db.execute(INSERT_TASK, self._task(wish, row_id, older))
            known[wish.step] = Known(int(cursor.lastrowid or 0), wish.fingerprint, row_id, wish.error, older)

    def _row_of(self, wishes: Sequence[Wish], known: dict[str, Known]) -> int | None:
        """The row that the ledger has for these wishes; None when they are all new."""
        for wish in wishes:
            if wish.step in known:
                return known[wish.step].row_id
        if self.bound.recipe.from_rows and wishes:
            return None  # rows of a task manifest may share a key: only the step tells them apart
        return next((task.row_id for task in known.values()), None)

    def _retire(
        self, wishes: Sequence[Wish], row_id: int | None, known: dict[str, Known]
    ) -> tuple[list[Wish], dict[str, int | None]]:
        """Retire the tasks of *row_id* that are no longer asked for.

        Returns the wishes that have no task yet, and by step the task whose output each will replace.
        """
        wanted = {wish.step: wish for wish in wishes}
        retired = []
        for step, task in known.items():
            wish = wanted.get(step)
            if wish is not None and (task.grants(wish) or self._protects(task, wish) or task.outlives(wish)):
                del wanted[step]
                self._tell_kept(wish, task)
            elif wish is not None or task.row_id == row_id:
                retired.append(step)
                if wish is not None and task.approved:
                    text = f"step {step!r}: an approval no longer holds, since the image is another one now"
                    self.bound.warnings[text] += 1
        replaced = {step: known.pop(step) for step in retired}
        self.db.executemany("UPDATE tasks SET live=0 WHERE id=?", [(task.id,) for task in replaced.values()])
        return list(wanted.values()), {step: task.gives_way for step, task in replaced.items()}

    def _protects(self, task: Known, wish: Wish) -> bool:
        """Whether a person's approval keeps the output of *task*: from other parameters, never for another image."""
        altered = wish.local and wish.image_source is not None and self._altered(wish.image_source)
        return task.approved and task.shows(wish) and not altered

    def _tell_kept(self, wish: Wish, task: Known) -> None:
        if task.grants(wish):
            return
        if task.approved:
            text = f"step {wish.step!r}: an approved output is kept, though the manifest asks for something else now"
        else:
            text = f"step {wish.step!r}: the output made earlier is kept, since the image cannot be had now"
            if text not in self.bound.warnings:
                self.bound.warnings[f"{text}: {wish.error}"] += 1
        self.bound.warnings[text] += 1

    def _live_tasks(self, keys: list[str]) -> dict[str, dict[str, Known]]:
        query = LIVE_TASKS.format(marks=",".join("?" * len(keys)))
        found: dict[str, dict[str, Known]] = {}
        for key, step, *rest in self.db.execute(query, keys):
            found.setdefault(key, {})[step] = Known(*rest)
        return found

    def _has_tasks(self, row_id: int) -> bool:
        """Rows without a task may be equal: there is nothing to tell apart."""
        return self.db.execute("SELECT 1 FROM tasks WHERE row_id=? AND live", (row_id,)).fetchone() is not None

    def _key(self, row: Row) -> str:
        key = self.bound.key(row)
        if not key:
            self.taken.without_key.append(row.number)
        return key

    def _task(self, wish: Wish, row_id: int, replaces: int | None = None) -> tuple[object, ...]:
        return (*wish[:9], wish.error_class, wish.error, row_id, self._now, replaces)

    def _find_twice(self) -> None:
        doubles = self.db.execute(
            "SELECT tasks.key, max(rows.number), count(*) FROM tasks JOIN rows ON rows.id = row_id"
            " GROUP BY tasks.key, step HAVING count(*) > 1 ORDER BY 2"
        )
        counted: Counter[str] = Counter()
        for key, number, count in doubles:
            if key not in counted:
                self.taken.same_key(key, number)
            counted[key] = max(counted[key], count)

    def _header(self) -> int:
        columns = encode(self.bound.columns)
        self.db.execute("INSERT OR IGNORE INTO headers (columns) VALUES (?)", (columns,))
        return int(self.db.execute("SELECT id FROM headers WHERE columns=?", (columns,)).fetchone()[0])
