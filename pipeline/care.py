"""Care for a result folder: does the ledger agree with its files, and what can be mended without paying.

`check` reads every output; `repair` mends what `check` finds.  Nothing here sends anything: what can be fetched again
is opened, and the next run does it; what could only be paid for is given up, until somebody asks for it.  Blocking.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline import salvage
from pipeline.errors import FolderBusy, LedgerError
from pipeline.ledger import FILE, Ledger, reopen, schema
from pipeline.ledger.evidence import RESULTS, forgotten_run, refuse_gone
from pipeline.ledger.journal import intact
from pipeline.ledger.ledger import JOURNAL
from pipeline.ledger.salvage import NEW
from pipeline.lock import hold, holder_now
from pipeline.missing import GONE
from pipeline.outputs.names import safe_name
from pipeline.strays import Strays, hash_of, strays_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.ledger.reopen import Standing

DAMAGES_SHOWN = 5


class Kind(StrEnum):
    """What can be wrong with a result folder."""

    DATABASE = "database"
    OUTDATED = "outdated"
    FORGOTTEN = "forgotten"
    MISSING = "missing"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    MOVED = "moved"
    RETURNED = "returned"
    UNFINISHED = "unfinished"
    FOREIGN = "foreign"


SAID = {
    Kind.DATABASE: "the ledger itself is damaged",
    Kind.OUTDATED: "the ledger is older than the results beside it",
    Kind.FORGOTTEN: "the journal knows of a call that the ledger has forgotten",
    Kind.MISSING: "the output is not there",
    Kind.ALTERED: "the output is not what was written",
    Kind.UNREADABLE: "nobody can tell whether the output is there",
    Kind.RETURNED: "the output of a task that was given up is there again",
    Kind.MOVED: "the output stands elsewhere than the ledger says",
    Kind.UNFINISHED: "a whole output whose task the ledger calls open",
    Kind.FOREIGN: "a file that belongs to no task",
}
"""By kind, what a person is told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.  ``place`` is a path relative to the folder; ``found`` where else the file stands."""

    kind: Kind
    place: str
    task: int | None = None
    n: int = 1
    found: str | None = None
    detail: str = ""

    def __str__(self) -> str:
        more = self.detail or (f"it stands at {self.found}" if self.found else "")
        return f"{self.place}: {SAID[self.kind]}{f' ({more})' if more else ''}"


def check(folder: Path) -> Iterator[Finding]:
    """Everything in *folder* that is not as it should be.  Reads every output; changes nothing.

    When somebody works on the folder meanwhile, only what is wrong with finished tasks; then raises FolderBusy.
    """
    damage = database_damage(folder)
    if damage:
        yield Finding(Kind.DATABASE, FILE, detail="; ".join(damage))
        return
    with contextlib.closing(schema.connect(folder / FILE, read_only=True)) as db:
        if (run_id := forgotten_run(db, folder)) is not None:
            yield Finding(Kind.OUTDATED, FILE, detail=f"it does not know the run {run_id}")
            return
        at_work, version = holder_now(folder), _version(db)
        found = [*_forgotten(db, folder), *examine(db, folder)]
        if at_work is None and _version(db) != version:
            at_work = holder_now(folder) or "another process has changed it meanwhile"
        yield from found if at_work is None else _confirmed(found, db, folder)
    if at_work is not None:
        raise FolderBusy(
            f"{folder} is in use: {at_work}; only finished tasks were checked, for what is under way looks like damage",
            hint="check again when it has ended",
        )


def _version(db: sqlite3.Connection) -> int:
    """A number that changes when somebody else commits."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])


def _confirmed(found: list[Finding], db: sqlite3.Connection, folder: Path) -> Iterator[Finding]:
    """What a second look finds at the same outputs, as far as their tasks are still done."""
    suspects = {(finding.task, finding.place) for finding in found}
    for output in reopen.standing(db):
        if (output.task, output.path) in suspects:
            yield from _look(output, folder, Strays(folder, []))


def repair(folder: Path, *, clock: Callable[[], float] = time.time) -> list[str]:
    """Mend what can be mended; sentences about what was done.  Raises FolderBusy, FolderError and LedgerError."""
    with hold(folder, "ledger --repair", clock=clock):
        said = []
        if not (folder / RESULTS).exists() and not (folder / NEW).exists():
            refuse_gone(folder / FILE)
        if database_damage(folder):
            said = salvage.rebuild(folder, clock())
        elif _is_outdated(folder):
            said = salvage.rebuild(folder, clock(), outdated=True)
        ledger = Ledger(folder, clock=clock)
        try:
            if put_back := ledger.recovered.put_back:
                said.append(f"{put_back} forgotten calls were put back from the journal")
            said += ledger.run(lambda db: _mend(db, folder, list(examine(db, folder)), clock()))
        finally:
            ledger.close()
    return said


def database_damage(folder: Path) -> list[str]:
    """What SQLite says is wrong with the ledger; nothing when it is whole.

    Raises FolderError for a newer one, and LedgerError for one that nobody may read.
    """
    path = folder / FILE
    try:
        with contextlib.closing(schema.connect(path, read_only=True)) as db:
            schema.check_version(int(db.execute("PRAGMA user_version").fetchone()[0]), path)
            said = [str(line) for (line,) in db.execute(f"PRAGMA integrity_check({DAMAGES_SHOWN})")]
            db.execute("SELECT count(*) FROM tasks, attempts, outputs, rows WHERE 0").fetchone()
    except (sqlite3.Error, LedgerError) as error:
        if path.exists() and not os.access(path, os.R_OK):
            raise LedgerError(f"{path} may not be read", hint="make it readable, then check again") from error
        return [str(error)]
    return [] if said == ["ok"] else said


def _is_outdated(folder: Path) -> bool:
    with contextlib.closing(schema.connect(folder / FILE, read_only=True)) as db:
        return forgotten_run(db, folder) is not None


def examine(db: sqlite3.Connection, folder: Path) -> Iterator[Finding]:
    """Compare a readable ledger with the files of *folder*, each of which is read."""
    known = {path for (path,) in db.execute("SELECT path FROM outputs")}
    strays = strays_in(folder, known)
    for output in reopen.standing(db):
        yield from _look(output, folder, strays)
    taken = reopen.taken(db)
    for output in map(reopen.Standing._make, db.execute(SUPERSEDED)):
        is_there = output.path not in taken and (folder / output.path).is_file()
        if not is_there and (found := strays.by_hash(output.sha256)):
            yield Finding(Kind.MOVED, output.path, output.task, output.n, found)
    yield from _returned(db, folder)
    for task, key in db.execute(WITHOUT_OUTPUT):
        yield Finding(Kind.MISSING, f"images/{key}/", task)
    authors = {
        f"images/{safe_name(key)}/{safe_name(step)}": task
        for task, key, step in db.execute("SELECT id, key, step FROM tasks WHERE state IN ('submitted', 'in_doubt')")
    }
    for path in strays.left():
        stem = path.rpartition(".")[0]
        task = authors.get(stem) or authors.get(stem.rpartition("-")[0])
        yield Finding(Kind.FOREIGN if task is None else Kind.UNFINISHED, path, task)


SUPERSEDED = (
    "SELECT t.id, o.path, o.size_bytes, o.sha256, o.n FROM tasks t JOIN outputs o ON o.task_id = t.id WHERE NOT t.live"
)
WITHOUT_OUTPUT = (
    "SELECT id, key FROM tasks t WHERE live AND state='done' AND NOT EXISTS"
    " (SELECT 1 FROM outputs o WHERE o.task_id = t.id)"
)


def _look(output: Standing, folder: Path, strays: Strays) -> Iterator[Finding]:
    try:
        whole = _whole(output, folder)
    except GONE:
        found = strays.by_hash(output.sha256)
        yield Finding(Kind.MOVED if found else Kind.MISSING, output.path, output.task, output.n, found)
    except OSError as error:
        yield Finding(Kind.UNREADABLE, output.path, output.task, output.n, detail=error.strerror or str(error))
    else:
        if not whole:
            yield Finding(Kind.ALTERED, output.path, output.task, output.n)


def _returned(db: sqlite3.Connection, folder: Path) -> Iterator[Finding]:
    """Tasks that were given up, and have every output."""
    for task, outputs in groupby(reopen.given_up(db), key=lambda output: output.task):
        with contextlib.suppress(OSError):
            every = list(outputs)
            if all(_whole(output, folder) for output in every):
                yield Finding(Kind.RETURNED, every[0].path, task)


def _whole(output: Standing, folder: Path) -> bool:
    """Whether it is what was written; raises OSError."""
    path = folder / output.path
    return path.stat().st_size == output.size_bytes and hash_of(path) == output.sha256


def _forgotten(db: sqlite3.Connection, folder: Path) -> Iterator[Finding]:
    for entry in intact(folder / JOURNAL):
        if entry["event"] == "intent":
            place = (entry["attempt"], entry["at"])
            if db.execute("SELECT 1 FROM attempts WHERE id=? AND intent_at=?", place).fetchone() is None:
                yield Finding(Kind.FORGOTTEN, entry["key"], detail=f"step {entry['step']}, attempt {entry['attempt']}")


def _mend(db: sqlite3.Connection, folder: Path, findings: Sequence[Finding], now: float) -> list[str]:
    said = [_put_right(db, folder, finding) for finding in findings if finding.kind is Kind.MOVED]
    missing, altered, back = (
        {each.task for each in findings if each.kind is kind and each.task is not None}
        for kind in (Kind.MISSING, Kind.ALTERED, Kind.RETURNED)
    )
    reopen.lose_taken(db, now)
    for task in sorted(back):
        reopen.returned(db, task)
    if back:
        said.append(f"{len(back)} tasks that were given up have their outputs again")
    if missing or altered:
        said.append(str(reopen.reopen(db, missing, now, altered=altered, pay=False)))
    unfinished = sum(finding.kind is Kind.UNFINISHED for finding in findings)
    if unfinished:
        said.append(f"{unfinished} outputs of tasks under way were left for the next resume, which adopts them")
    foreign = [finding.place for finding in findings if finding.kind is Kind.FOREIGN]
    if foreign:
        said.append(f"{len(foreign)} files that belong to no task were left as they are, such as {foreign[0]}")
    return said


def _put_right(db: sqlite3.Connection, folder: Path, finding: Finding) -> str:
    """Move a live output back to its place; let the ledger follow a superseded one."""
    assert finding.found is not None
    live = db.execute("SELECT live FROM tasks WHERE id=?", (finding.task,)).fetchone()[0]
    target = folder / finding.place
    if live and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / finding.found).rename(target)
        return f"{finding.found} was moved back to {finding.place}"
    db.execute("UPDATE outputs SET path=? WHERE task_id=? AND n=?", (finding.found, finding.task, finding.n))
    return f"the ledger now says {finding.found} instead of {finding.place}"
