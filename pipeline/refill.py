"""Tasks that a ledger forgot, taken from the results ledger, which was written at the end of the last run.

It names every task with its state, money and first output; the body's fingerprint is computed again from the
parameters, and further images of a task are recognised by their names.  Blocking.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.ledger.entries import output_record
from pipeline.ledger.evidence import RESULTS
from pipeline.ledger.journal import intact
from pipeline.ledger.ledger import JOURNAL
from pipeline.money import nano
from pipeline.outputs import OutputStore
from pipeline.task import SavedImage, State
from pipeline.wish import encode, fingerprint

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

WEB = ("http://", "https://")
SETTLED = {State.INTENT: State.IN_DOUBT}
"""States that only a run under way may leave; everything else is taken as it was written."""
OUTCOMES = {State.DONE: "done", State.SUBMITTED: "submitted", State.IN_DOUBT: "in_doubt", State.FAILED: "failed"}
"""Of the newest attempt, by the task's state."""


class Refill:
    """Adds the tasks of the results ledger that *db* does not have."""

    def __init__(self, db: sqlite3.Connection, folder: Path, now: float) -> None:
        self._db = db
        self._folder = folder
        self._store = OutputStore(folder)
        self._now = now
        self._headers: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        self._journalled = max((int(entry["attempt"]) for entry in intact(folder / JOURNAL)), default=0)

    def work(self) -> int:
        """Do it; how many tasks were added."""
        known = {id_ for (id_,) in self._db.execute("SELECT id FROM tasks")}
        return sum(self._add(line) for line in _lines(self._folder / RESULTS) if int(line["task_id"]) not in known)

    def overtake(self) -> None:
        """Drop what an older ledger says of the tasks of the results, and let go of those that are not there."""
        self._db.execute("UPDATE rows SET live=0")
        self._db.execute("UPDATE tasks SET live=0")
        for line in _lines(self._folder / RESULTS):
            task = (int(line["task_id"]),)
            self._db.execute("DELETE FROM tasks WHERE id=?", task)
            self._db.execute("DELETE FROM outputs WHERE task_id=?", task)
            if _was_sent(line):
                self._db.execute("DELETE FROM attempts WHERE task_id=?", task)

    def _add(self, line: dict[str, Any]) -> bool:
        state = _state(line)
        task = int(line["task_id"])
        body = None if state is State.INVALID else _fingerprint(line["endpoint"], line["params"])
        if _was_sent(line):  # although the body was paid before: that output was rejected
            self._db.execute("UPDATE tasks SET rejected=1 WHERE fingerprint=? AND state='done' AND NOT live", (body,))
        added = self._db.execute(
            "INSERT OR IGNORE INTO tasks (id, key, step, endpoint, row_id, fingerprint, params, image_source, state,"
            " live, error_class, error, http_status, attempts, estimate_nano, reserve_nano, billed_nano, request_id,"
            " seed, planned_at, submitted_at, finished_at, latency_s, run_id, reused_from)"
            " VALUES (?,?,?,?,?,?,?,?,?,1,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                task,
                line["key"],
                line["step"],
                line["endpoint"],
                self._row(line),
                body,
                line["params"],
                line["image_source"],
                state,
                line["error_class"],
                line["error"],
                line["http_status"],
                line["attempts"] or 0,
                _nano(line["cost_estimate_usd"]),
                _worst(line),
                _nano(line["cost_billed_usd"]),
                line["request_id"],
                line["seed"],
                _unix(line["planned_at"]) or self._now,
                _unix(line["submitted_at"]),
                _unix(line["finished_at"]),
                line["latency_s"],
                line["run_id"],
                None if line["reused_from"] is None else int(line["reused_from"]),
            ),
        ).rowcount
        if added:
            self._attempt(task, state, line)
            self._outputs(task, line)
        return bool(added)

    def _row(self, line: dict[str, Any]) -> int:
        """The row of a manifest that *line* came from.  Its digest is drawn: the next run compares it cell by cell."""
        own = {name.removeprefix("row."): value or "" for name, value in line.items() if name.startswith("row.")}
        cells = encode([str(value) for value in own.values()])
        place = f"{line['key']}\n{cells}"
        if place not in self._rows:
            columns = encode(list(own))
            if columns not in self._headers:
                self._db.execute("INSERT OR IGNORE INTO headers (columns) VALUES (?)", (columns,))
                found = self._db.execute("SELECT id FROM headers WHERE columns=?", (columns,)).fetchone()
                self._headers[columns] = int(found[0])
            number = len(self._rows) + 1
            self._rows[place] = int(
                self._db.execute(
                    "INSERT INTO rows (header_id, number, digest, cells, local, live) VALUES (?,?,?,?,1,1)",
                    (self._headers[columns], number, os.urandom(16), cells),
                ).lastrowid
                or 0
            )
        return self._rows[place]

    def _attempt(self, task: int, state: State, line: dict[str, Any]) -> None:
        """The newest attempt, which holds the task's money; earlier ones were not billed.

        Its number is above all that the journal knows: those are put back under their own.
        """
        if not _was_sent(line) or self._db.execute("SELECT 1 FROM attempts WHERE task_id=?", (task,)).fetchone():
            return
        billed = _nano(line["cost_billed_usd"])
        self._db.execute(
            "INSERT INTO attempts (id, task_id, run_id, outcome, intent_at, closed_at, seed, held_nano, billed_nano,"
            " request_id) VALUES ((SELECT max(coalesce(max(id), 0), ?) + 1 FROM attempts),?,?,?,?,?,?,?,?,?)",
            (
                self._journalled,
                task,
                line["run_id"] or "",
                OUTCOMES[state],
                _unix(line["submitted_at"]) or self._now,
                _unix(line["finished_at"]),
                line["seed"],
                _worst(line) or 0 if state in (State.SUBMITTED, State.IN_DOUBT) else 0,
                billed,
                line["request_id"],
            ),
        )

    def _outputs(self, task: int, line: dict[str, Any]) -> None:
        """The first output as the results ledger has it; the others as they stand on disk."""
        if line["output"] is None:
            return
        values = [line[name] for name in ("output", "bytes", "sha256", "width", "height", "content_type")]
        self._output(task, 1, replace(SavedImage(*values), ai_label=True))
        made = endpoints.get(line["endpoint"]).images_made(json.loads(line["params"]))
        for n in range(2, made + 1):
            if (image := self._store.adopt(line["key"], line["step"], n)) is not None:
                self._output(task, n, image)

    def _output(self, task: int, n: int, image: SavedImage) -> None:
        self._db.execute("INSERT OR IGNORE INTO outputs VALUES (?,?,?,?,?,?,?,?,?)", output_record(task, n, image))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a results ledger; none when it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException):
        return


def _state(line: dict[str, Any]) -> State:
    state = State(line["state"])
    return SETTLED.get(state, state)


def _was_sent(line: dict[str, Any]) -> bool:
    """Whether the task's money is its own."""
    return _state(line) in OUTCOMES and line["reused_from"] is None and (line["attempts"] or 0) > 0


def _fingerprint(slug: str, params: str) -> bytes:
    """What identifies the body, with files named by their present content, as planning computes it."""
    values: dict[str, Any] = json.loads(params)
    for name in endpoints.get(slug).images:
        ref = str(values.get(name) or "")
        if ref and not ref.startswith(WEB) and (path := Path(ref)).is_file():
            values[name] = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    return fingerprint(slug, encode(values))


def _worst(line: dict[str, Any]) -> int | None:
    price = endpoints.get(line["endpoint"]).price_of(json.loads(line["params"]))
    return price.worst_nano if price else None


def _nano(usd: float | None) -> int | None:
    return None if usd is None else nano(usd)


def _unix(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()
