"""A cap that several processes share: a small SQLite file, for example one per month and key.

Each call's worst price is set aside in one immediate transaction, so no two processes can both see the same free
money.  A process shows that it is alive by a lease; what a dead one holds stays held until its folder settles it.
Blocking work runs in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
import uuid
from typing import TYPE_CHECKING

from pipeline.caps import Limit
from pipeline.errors import FolderError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

LEASE_S = 300.0
"""Seconds after which a process that neither reserved nor settled anything is taken for dead."""
LOOK_AGAIN_S = 0.5
BUSY_S = 60.0
"""How long one transaction waits for those of other processes."""
FOLDER_ID = "cap_folder"
"""Under which name a ledger keeps what its folder is called here: two containers may have the same path."""
OWNER_ID = "cap_owner"
"""Under which name it keeps the process that last held the folder."""
HINT = "make the file writable, or give another --cap-file; then run again: nothing is lost"

TABLES = """
CREATE TABLE IF NOT EXISTS spent (id INTEGER PRIMARY KEY CHECK (id = 1), billed_nano INTEGER NOT NULL);
INSERT OR IGNORE INTO spent VALUES (1, 0);
CREATE TABLE IF NOT EXISTS held (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, folder TEXT NOT NULL, nano INTEGER NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (owner TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bills (name TEXT PRIMARY KEY, nano INTEGER NOT NULL) WITHOUT ROWID;
"""


class CapFile:
    """One process's view of a shared cap.  Raises FolderError when the file cannot be used."""

    def __init__(
        self,
        path: Path,
        cap_nano: int,
        folder: str,
        *,
        limit: Limit = Limit.SHARED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``folder`` names whose reservations these are: it settles what a crash of its run left behind."""
        self.path = path
        self.limit = limit
        self.cap_nano = cap_nano
        self._folder = folder
        self._clock = clock
        self.owner = uuid.uuid4().hex
        """What this process is called in the file."""
        self._turn = threading.Lock()
        self._leased_until = 0.0
        self._unsent: set[str] = set()
        """Entries to drop as soon as their owner is certainly gone."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as db:
                db.executescript(TABLES)
        except (OSError, LedgerError) as error:
            raise FolderError(f"the cap file {path} cannot be used: {error}", hint="give another --cap-file") from error

    async def reserve(self, nano: int) -> str | None:
        """Set *nano* aside; the entry's name, or None when it does not fit at present."""
        return await asyncio.to_thread(self._reserve, nano)

    async def settle(self, name: str, billed_nano: int, *, known_nano: int = 0) -> None:
        """Replace what was set aside, or an earlier bill, by what was billed; an entry that is gone adds its bill.

        ``known_nano``: what of it was counted before, should the file not have the earlier bill.
        """
        await asyncio.to_thread(self.settle_now, name, billed_nano, known_nano)

    async def wait(self) -> bool:
        """Wait a moment; False when no living process holds anything that may become free."""
        if not await asyncio.to_thread(self._others_alive):
            return False
        await asyncio.sleep(LOOK_AGAIN_S)
        return True

    async def standing(self) -> tuple[int, int, int]:
        """(free, held, holders) over all processes, in nano-dollars."""
        return await asyncio.to_thread(self.standing_now)

    def standing_now(self) -> tuple[int, int, int]:
        """The same, blocking."""
        with self._open() as db:
            billed, held, holders = self._sums(db)
        return self.cap_nano - billed - held, held, holders

    def settle_now(self, name: str, billed_nano: int, known_nano: int = 0) -> None:
        """The same as `settle`, blocking.  Doing it twice changes nothing."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            was_held = db.execute("DELETE FROM held WHERE name=?", (name,)).rowcount
            bill = db.execute("SELECT nano FROM bills WHERE name=?", (name,)).fetchone()
            counted = int(bill[0]) if bill else 0 if was_held else known_nano
            if billed_nano != counted:
                db.execute("INSERT OR REPLACE INTO bills VALUES (?,?)", (name, billed_nano))
                db.execute("UPDATE spent SET billed_nano = billed_nano + ?", (billed_nano - counted,))
            self._renew(db)
            db.execute("COMMIT")

    def mine(self, folder: str = "") -> list[str]:
        """Names of all entries of this folder, from this and from earlier runs; or of *folder*."""
        with self._open() as db:
            found = db.execute("SELECT name FROM held WHERE folder=?", (folder or self._folder,))
            return [str(name) for (name,) in found]

    def release(self, names: Iterable[str], *, gone: str = "") -> None:
        """Drop entries whose call was certainly never made; those of an owner who may live once its lease is over.

        What the owner who is *gone* for certain held is this process's now.
        """
        self._unsent.update(names)
        with self._open() as db:
            db.execute("UPDATE held SET owner=? WHERE owner=?", (self.owner, gone))
            self._drop_unsent(db)

    def _drop_unsent(self, db: sqlite3.Connection) -> None:
        abandoned = (
            "DELETE FROM held WHERE name=? AND (owner=? OR owner NOT IN (SELECT owner FROM leases WHERE until > ?))"
        )
        for name in list(self._unsent):
            if db.execute(abandoned, (name, self.owner, self._clock())).rowcount:
                self._unsent.remove(name)

    async def leave(self) -> None:
        """Say that this process is gone; what it holds stays held."""
        await asyncio.to_thread(self._leave)

    def _leave(self) -> None:
        with self._open() as db:
            db.execute("DELETE FROM leases WHERE owner=?", (self.owner,))

    def _reserve(self, nano: int) -> str | None:
        name = uuid.uuid4().hex
        now = self._clock()
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            self._drop_unsent(db)
            billed, held, _ = self._sums(db)
            if billed + held + nano > self.cap_nano:
                db.execute("COMMIT")
                return None
            db.execute("INSERT INTO held VALUES (?,?,?,?,?)", (name, self.owner, self._folder, nano, now))
            self._renew(db)
            db.execute("COMMIT")
        return name

    def _renew(self, db: sqlite3.Connection) -> None:
        now = self._clock()
        if now > self._leased_until - LEASE_S / 2:
            self._leased_until = now + LEASE_S
            db.execute("INSERT OR REPLACE INTO leases VALUES (?,?)", (self.owner, self._leased_until))

    def _others_alive(self) -> bool:
        with self._open() as db:
            found = db.execute(
                "SELECT count(*) FROM held JOIN leases USING (owner) WHERE owner <> ? AND until > ?",
                (self.owner, self._clock()),
            ).fetchone()
        return bool(found[0])

    @staticmethod
    def _sums(db: sqlite3.Connection) -> tuple[int, int, int]:
        billed = db.execute("SELECT billed_nano FROM spent").fetchone()[0]
        held, holders = db.execute("SELECT coalesce(sum(nano), 0), count(*) FROM held").fetchone()
        return int(billed), int(held), int(holders)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one with-block: one thread of this process at a time, so that few wait for the file."""
        with self._turn:
            try:
                db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
                try:
                    db.execute("PRAGMA synchronous = FULL")
                    yield db
                finally:
                    db.close()
            except sqlite3.Error as error:
                raise LedgerError(f"cap file {self.path}: {error}", hint=HINT) from error
