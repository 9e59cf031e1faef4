"""One thread that owns the ledger's connection and commits for many at once.

Every change is a function of the connection.  The thread takes what has gathered since its last commit, runs each
function in a savepoint of its own, appends what must survive even a damaged database to the journal, commits
everything with one sync, and only then tells the callers.  Knows nothing of what the functions do.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import LedgerError
from pipeline.ledger.schema import unusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.ledger.journal import Journal

Result = TypeVar("Result")

JOURNAL_MOST_BYTES = 64 << 20
"""A longer journal is emptied into the main file while the run goes on: it is read as a whole after a crash."""

JOURNAL_MORE_BYTES = 8 << 20
"""When somebody who reads the ledger was in the way, that is tried again after so much more."""

LOCKED_TRIES = 12
"""How often a commit waits for another program that writes to the ledger, each time for the busy timeout of 10 s."""

GROUP = 512
"""Most operations in one commit: bounds the wait of the first of them."""

FEW = 16
GATHER_S = 0.005
"""After a commit for a few callers side by side, the least time to the next: a commit costs as much as ten
operations, however many it holds.  More than FEW gather by themselves."""


@dataclass(slots=True)
class _Ask:
    operation: Callable[[sqlite3.Connection], Any]
    answer: Callable[[Any, BaseException | None], None]
    loop: asyncio.AbstractEventLoop | None
    undoable: bool = True
    checkpoints: bool = False
    result: Any = None
    error: BaseException | None = field(default=None)


class Writer:
    """Runs operations on the ledger, many per commit.  After a failed commit it refuses everything."""

    def __init__(
        self,
        db: sqlite3.Connection,
        path: Path,
        journal: Journal,
        *,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._db = db
        self._path = path
        self._journal = journal
        self._now = now
        self._pause = pause
        self._next_commit = 0.0
        self._journal_most = JOURNAL_MOST_BYTES
        self._asks: queue.SimpleQueue[_Ask | None] = queue.SimpleQueue()
        self._broken: LedgerError | None = None
        self.closed = False
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    async def do(self, operation: Callable[[sqlite3.Connection], Result], *, undoable: bool = True) -> Result:
        """Run *operation*; return its result once it is on disk.  Cancelling the caller does not undo it.

        An operation that fails, if at all, before it changes anything may go without being ``undoable``: the
        savepoint would be half of what a short one costs.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def answer(result: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self._ask(_Ask(operation, answer, loop, undoable))
        return await future

    def run(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """Like `do`, for callers without a loop: blocks until it is on disk."""
        return self._waited_for(operation)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the main file, after what was asked before.  Blocks; raises LedgerError."""
        self._waited_for(lambda _db: None, checkpoints=True)

    def _waited_for(self, operation: Callable[[sqlite3.Connection], Result], *, checkpoints: bool = False) -> Result:
        done = threading.Event()
        box: list[Any] = [None, None]

        def answer(result: Any, error: BaseException | None) -> None:
            box[:] = [result, error]
            done.set()

        self._ask(_Ask(operation, answer, None, checkpoints=checkpoints))
        done.wait()
        if box[1] is not None:
            raise box[1]
        result: Result = box[0]
        return result

    def close(self) -> None:
        """Finish what was asked, then stop the thread; who asks later gets LedgerError.  The connection stays open."""
        with self._door:
            if not self.closed:
                self.closed = True
                self._asks.put(None)
        self._thread.join()

    def _ask(self, ask: _Ask) -> None:
        with self._door:
            if self.closed:  # else nobody would ever answer
                raise LedgerError(f"{self._path} was closed", hint="run again: nothing is lost")
            self._asks.put(ask)

    def into_main_file(self) -> None:
        """Move the write-ahead log into the main file, then empty the journal.

        On the writer's thread, or once that is stopped.  Raises sqlite3.Error and OSError.  After a failed commit
        nothing is moved: the journal knows more than the database, and the next opening needs it.
        """
        if self._broken is not None:
            return
        busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            self._journal.empty()

    def _work(self) -> None:
        while (first := self._asks.get()) is not None:
            if (early_s := self._next_commit - self._now()) > 0:
                self._pause(early_s)
            group, last = self._gather(first)
            self._commit(group)
            self._checkpoint([ask for ask in group if ask.checkpoints])
            if 1 < len(group) < FEW:
                self._next_commit = self._now() + GATHER_S
            _tell(group)
            if last:
                return
            if self._journal.size_bytes > self._journal_most:
                self._shorten_journal()

    def _checkpoint(self, asks: list[_Ask]) -> None:
        if asks:
            try:
                self.into_main_file()
            except (sqlite3.Error, OSError) as error:
                for ask in asks:
                    ask.error = self._refusal(error)

    def _shorten_journal(self) -> None:
        """Without waiting for others who have the ledger open: the run would stand still."""
        patience_ms = self._db.execute("PRAGMA busy_timeout").fetchone()[0]
        with contextlib.suppress(sqlite3.Error, OSError):  # a full disk: the next commit will say so
            self._db.execute("PRAGMA busy_timeout = 0")
            self.into_main_file()
        self._db.execute(f"PRAGMA busy_timeout = {patience_ms}")
        longer = self._journal.size_bytes + JOURNAL_MORE_BYTES
        self._journal_most = JOURNAL_MOST_BYTES if self._journal.size_bytes == 0 else longer

    def _gather(self, first: _Ask) -> tuple[list[_Ask], bool]:
        group = [first]
        with contextlib.suppress(queue.Empty):
            while len(group) < GROUP:
                ask = self._asks.get_nowait()
                if ask is None:
                    return group, True
                group.append(ask)
        return group, False

    def _commit(self, group: list[_Ask]) -> None:
        if self._broken is None:
            try:
                self._begin()
                for ask in group:
                    if ask.undoable:
                        self._attempt(ask)
                    else:
                        self._perform(ask)
                self._journal.sync()
                self._db.execute("COMMIT")
            except Exception as error:  # noqa: BLE001  # without this thread everybody would wait for ever
                self._broken = self._refusal(error)
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
        if self._broken is not None:
            for ask in group:
                ask.error = self._broken

    def _begin(self) -> None:
        for _ in range(LOCKED_TRIES - 1):
            with contextlib.suppress(sqlite3.OperationalError):
                self._db.execute("BEGIN IMMEDIATE")
                return
        self._db.execute("BEGIN IMMEDIATE")

    def _attempt(self, ask: _Ask) -> None:
        self._db.execute("SAVEPOINT ask")
        try:
            ask.result = ask.operation(self._db)
        except Exception as error:
            if _is_fault(error):
                raise
            self._undo(ask, error)
        else:
            self._db.execute("RELEASE ask")

    def _perform(self, ask: _Ask) -> None:
        """Without a savepoint.  A failure after a change, which was promised not to happen, fails the whole group."""
        before = self._db.total_changes
        try:
            ask.result = ask.operation(self._db)
        except Exception as error:
            if _is_fault(error):
                raise
            if self._db.total_changes != before:
                raise sqlite3.InternalError(f"an operation failed half-way: {error!r}") from error
            ask.error = error

    def _undo(self, ask: _Ask, error: Exception) -> None:
        self._db.execute("ROLLBACK TO ask")
        self._db.execute("RELEASE ask")
        ask.error = error

    def _refusal(self, error: Exception) -> LedgerError:
        if isinstance(error, sqlite3.Error):
            return unusable(self._path, error)
        if isinstance(error, OSError):
            return LedgerError(f"{self._path}: {error}", hint="free some disk space, then run again: nothing is lost")
        return LedgerError(f"{self._path}: {error!r}", hint="run again: nothing is lost")


def _is_fault(error: Exception) -> bool:
    """Whether the database itself failed; anything else is the caller's: handed over, never dropped."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError)


def _tell(group: list[_Ask]) -> None:
    """Wake each loop once for all its callers: a wake-up costs more than an answer."""
    loops: dict[asyncio.AbstractEventLoop, list[_Ask]] = {}
    for ask in group:
        if ask.loop is None:
            ask.answer(ask.result, ask.error)
        else:
            loops.setdefault(ask.loop, []).append(ask)
    for loop, asks in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more, the commit stands
            loop.call_soon_threadsafe(_answer_all, asks)


def _answer_all(asks: list[_Ask]) -> None:
    for ask in asks:
        ask.answer(ask.result, ask.error)
