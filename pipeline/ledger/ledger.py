"""The ledger of one result folder, as the rest of the pipeline uses it.

Opens and recovers, hands out open tasks, records what happens to them, and adds up.  Everything that changes it
goes through one writer thread; `await` returns once the change is on disk.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import FolderError
from pipeline.ledger import counts, entries, evidence, loading, schema, uploads
from pipeline.ledger.journal import Journal
from pipeline.ledger.recovery import recover
from pipeline.ledger.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.ledger.events import Intent, Receipt, Verdict
    from pipeline.task import SavedImage, Task

Result = TypeVar("Result")

FILE = "ledger.db"
JOURNAL = "ledger.journal"


class Ledger:
    """The memory of one result folder.  Use from one process at a time (`pipeline.lock`)."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open the ledger in *folder*, creating both when missing; put back what a damaged database forgot.

        Raises FolderError for one that is gone, or older than the results beside it.
        """
        self.folder = folder
        self.path = folder / FILE
        self._clock = clock
        evidence.refuse_gone(self.path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.journal = Journal(folder / JOURNAL)
        except OSError as error:
            raise FolderError(
                f"{folder}: {error.strerror or error}", hint="choose a folder you can write to"
            ) from error
        with contextlib.ExitStack() as undo:
            undo.callback(self.journal.close)
            self._db = undo.enter_context(contextlib.closing(schema.connect(self.path)))
            schema.prepare(self._db, self.path)
            try:
                evidence.refuse_outdated(self._db, folder)
                self.recovered = recover(self._db, self.journal, clock())
            except sqlite3.Error as error:
                raise schema.unusable(self.path, error) from error
            undo.pop_all()
        self._writer = Writer(self._db, self.path, self.journal)

    async def do(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run *operation* on the writer thread; return once it is on disk."""
        return await self._writer.do(operation)

    def run(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """Like `do`, blocking: for code without a loop."""
        return self._writer.run(operation)

    def checkpoint(self) -> None:
        """Move everything into the main file and start the journal anew.  Blocking; call while little is going on."""
        self._writer.checkpoint()

    def close(self) -> None:
        """Finish, checkpoint and close.  Never raises for a full disk: what was committed stays."""
        self._writer.close()
        try:
            self._writer.into_main_file()
        except (sqlite3.Error, OSError):
            pass  # the write-ahead log and the journal keep everything for the next opening
        finally:
            self._db.close()
            self.journal.close()

    # What a folder is

    def claim(self, provider: str, base_url: str) -> None:
        """Make the folder belong to *provider*; raises FolderError when it belongs to another."""
        owner = self.meta("provider")
        if owner is not None and owner != provider:
            raise FolderError(
                f"{self.folder} holds results of {owner}; results of {provider} do not belong into it",
                hint="give another --out folder" + (", or go on rehearsing: --sandbox" if owner == "sandbox" else ""),
            )
        self.set_meta("provider", provider)
        self.set_meta("base_url", base_url)

    def meta(self, name: str) -> str | None:
        """A fact about the folder, or None."""
        found = self.run(lambda db: db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone())
        return None if found is None else str(found[0])

    def set_meta(self, name: str, value: str) -> None:
        """Remember a fact about the folder."""
        self.run(lambda db: db.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (name, value)))

    # What is to be done

    def endpoints_open(self) -> list[str]:
        """The endpoints that have planned tasks."""
        return self.run(counts.endpoints_open)

    async def open_tasks(self, endpoint: str, after: int, limit: int) -> list[tuple[Task, int | None, str | None]]:
        """Planned tasks of *endpoint* with ids above *after*, each with (id, state) of a twin that was sent before."""

        def read(db: sqlite3.Connection) -> list[tuple[Task, int | None, str | None]]:
            chosen = "AND t.id IN (SELECT id FROM temp.chosen)" if _has_selection(db) else ""
            found = db.execute(
                f"SELECT {loading.TASK_COLUMNS}, w.id, w.state FROM tasks t LEFT JOIN tasks w"  # noqa: S608  # constant text
                f" ON w.fingerprint = t.fingerprint AND w.id <> t.id AND {schema.paid_or_at_risk('w.')}"
                f" WHERE t.state='planned' AND t.live AND t.endpoint=? AND t.id>? {chosen} ORDER BY t.id LIMIT ?",
                (endpoint, after, limit),
            )
            return [(loading.load(record[:-2]), record[-2], record[-1]) for record in found]

        return await self.do(read)

    async def submitted_tasks(self) -> list[Task]:
        """Tasks that the provider has accepted and that were not fetched, superseded ones included."""

        def read(db: sqlite3.Connection) -> list[Task]:
            sent = f"{schema.AT_RISK} AND t.state='submitted'"
            found = db.execute(f"SELECT {loading.TASK_COLUMNS} FROM tasks t WHERE {sent}")  # noqa: S608  # constant text
            return [loading.load(record) for record in found]

        return await self.do(read)

    # What happens to a task

    async def intent(self, meant: Intent) -> int:
        """Record that a call is about to be made; raises AlreadyPaid or NotOpen."""
        return await self._writer.do(lambda db: entries.intent(db, self.journal, meant), undoable=False)

    async def accepted(self, task: Task, attempt: int, request_id: str) -> None:
        """Record the provider's request id."""
        at = self._clock()
        await self._writer.do(
            lambda db: entries.accepted(
                db, self.journal, task_id=task.id, attempt=attempt, request_id=request_id, at=at
            ),
            undoable=False,
        )

    async def refused(self, task: Task, attempt: int, verdict: Verdict, *, final: bool) -> int:
        """Record a call that was not billed; returns how many twins failed with it."""
        return await self.do(
            lambda db: entries.refused(db, task_id=task.id, attempt=attempt, verdict=verdict, final=final)
        )

    async def doubt(self, task: Task, attempt: int, verdict: Verdict) -> None:
        """Record a call that was perhaps billed."""
        await self.do(lambda db: entries.doubt(db, task_id=task.id, attempt=attempt, verdict=verdict))

    async def put_off(self, task: Task, verdict: Verdict) -> None:
        """Record why an accepted task cannot be had at present."""
        await self.do(lambda db: entries.put_off(db, task_id=task.id, verdict=verdict))

    async def gave_up(
        self, task: Task, attempt: int, verdict: Verdict, *, billed_nano: int | None, reopen: bool = False
    ) -> int:
        """Record an accepted task that gave no output; returns how many twins failed with it."""
        return await self.do(
            lambda db: entries.gave_up(
                db, task_id=task.id, attempt=attempt, verdict=verdict, billed_nano=billed_nano, reopen=reopen
            )
        )

    async def done(self, task: Task, attempt: int, receipt: Receipt, images: Sequence[SavedImage]) -> list[Task]:
        """Record a finished task whose output is on disk; returns the planned tasks that it serves as well."""
        return await self.do(
            lambda db: entries.done(db, task_id=task.id, attempt=attempt, receipt=receipt, images=images)
        )

    async def reused(self, task: Task, source_id: int, run_id: str, images: Sequence[SavedImage]) -> None:
        """Record that *task* got the output of the task *source_id*."""
        at = self._clock()
        await self.do(
            lambda db: entries.reused(db, task_id=task.id, source_id=source_id, at=at, run_id=run_id, images=images)
        )

    async def failed_unsent(self, task: Task, verdict: Verdict) -> Task | None:
        """Record a task that was not and will not be sent as it is; returns one with the same body to try instead."""

        def fail(db: sqlite3.Connection) -> Task | None:
            twins = entries.failed_unsent(db, task_id=task.id, verdict=verdict)
            if _has_selection(db):
                chosen = {id_ for (id_,) in db.execute("SELECT id FROM temp.chosen")}
                twins = [twin for twin in twins if twin.id in chosen]
            return twins[0] if twins else None

        return await self.do(fail)

    async def moved(self, old: str, new: str, task_id: int | None = None) -> None:
        """Record that an output, of the task *task_id* if that is known, was moved aside."""
        await self.do(lambda db: entries.moved(db, old=old, new=new, task_id=task_id))

    # What it remembers besides

    async def outputs(self, task_id: int) -> list[SavedImage]:
        """The outputs of a task, in order."""

        def read(db: sqlite3.Connection) -> list[SavedImage]:
            found = db.execute(
                "SELECT path, size_bytes, sha256, width, height, content_type, ai_label FROM outputs"
                " WHERE task_id=? ORDER BY n",
                (task_id,),
            )
            return [loading.load_image(record) for record in found]

        return await self.do(read)

    async def held(self, attempt: int) -> tuple[int, str | None, int | None]:
        """(nano-dollars held, entry in a shared cap file, nano-dollars billed) of an attempt that is under way."""
        query = "SELECT held_nano, reservation, billed_nano FROM attempts WHERE id=?"
        found = await self.do(lambda db: db.execute(query, (attempt,)).fetchone())
        return (0, None, None) if found is None else found

    async def owned(self, paths: Sequence[str], except_task: int) -> list[str]:
        """Those of *paths* that the ledger knows as outputs of other tasks than *except_task*."""
        marks = ",".join("?" * len(paths))
        return await self.do(
            lambda db: [
                str(path)
                for (path,) in db.execute(
                    f"SELECT path FROM outputs WHERE task_id<>? AND path IN ({marks})",  # noqa: S608  # question marks only
                    (except_task, *paths),
                )
            ]
        )

    async def upload(self, sha256: str, not_before: float) -> str | None:
        """The URL under which the provider has this content, unless it was uploaded before *not_before*."""
        return await self.do(lambda db: uploads.known(db, sha256, not_before))

    async def uploaded(self, sha256: str, url: str) -> None:
        """Remember where the provider has this content."""
        at = self._clock()
        await self.do(lambda db: uploads.remember(db, sha256, url, at))

    # Money

    def money(self) -> tuple[int, int, int]:
        """(billed, held) in nano-dollars over everything this folder ever sent, and how many calls hold."""
        return self.run(counts.money)

    def spent_since(self, since: float) -> int:
        """What calls sent since *since* (Unix time) were billed or hold, in nano-dollars."""
        return self.run(lambda db: counts.spent_since(db, since))

    # Runs

    def start_run(self, run_id: str, command: str, manifest: str | None, recipe: str | None) -> None:
        """Record that a run begins."""
        at = self._clock()
        self.run(
            lambda db: db.execute(
                "INSERT INTO runs (id, command, started_at, manifest, recipe) VALUES (?,?,?,?,?)",
                (run_id, command, at, manifest, recipe),
            )
        )

    def finish_run(self, run_id: str, *, stopped_by: str | None, exit_code: int, summary: str) -> None:
        """Record how a run ended."""
        at = self._clock()
        self.run(
            lambda db: db.execute(
                "UPDATE runs SET finished_at=?, stopped_by=?, exit_code=?, summary=? WHERE id=?",
                (at, stopped_by, exit_code, summary, run_id),
            )
        )


def _has_selection(db: sqlite3.Connection) -> bool:
    """Whether only chosen tasks may be sent in this run (`pipeline.selection`)."""
    return db.execute("SELECT 1 FROM temp.sqlite_master WHERE name='chosen'").fetchone() is not None
