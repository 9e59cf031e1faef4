"""What survives when the sandbox is killed: jobs and bills in SQLite, beside the folders of outputs and assets.

A job is written before its acceptance is answered; its end and its bill are one transaction.  A process that is
killed loses nothing that it has said; a power cut may (nothing here is real money).  Knows nothing of HTTP.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import FolderBusy, FolderError
from pipeline.sandbox.account import Bill
from pipeline.sandbox.job import Job, job_from

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 2.0
"""How long to wait for a predecessor that is just being killed."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (request_id TEXT PRIMARY KEY, accepted_at REAL NOT NULL, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bills (request_id TEXT PRIMARY KEY, billed_at REAL NOT NULL, doc TEXT NOT NULL);
"""


class State(Protocol):
    """Where jobs and bills are kept."""

    def jobs(self) -> list[Job]:
        """Every job of earlier processes, in the order of acceptance."""

    def bills(self) -> list[Bill]:
        """Every bill of earlier processes."""

    def save(self, job: Job, bill: Bill | None = None) -> None:
        """Keep *job* as it stands now, together with its *bill*."""

    def close(self) -> None:
        """Let the folder go."""


class Forgetful:
    """Keeps nothing: the in-memory sandbox."""

    def jobs(self) -> list[Job]:
        """See `State`."""
        return []

    def bills(self) -> list[Bill]:
        """See `State`."""
        return []

    def save(self, job: Job, bill: Bill | None = None) -> None:
        """See `State`."""

    def close(self) -> None:
        """See `State`."""


class StateFolder:
    """Keeps everything in ``sandbox.db``; raises FolderBusy when another sandbox uses it."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(
                f"{folder}: {error.strerror or error}", hint="choose a folder you can write to"
            ) from error
        path = folder / "sandbox.db"
        self._db = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
        try:
            # EXCLUSIVE is the lock against a second sandbox: two would finish, and bill, each other's jobs.
            self._db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;")
            self._db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
        except sqlite3.OperationalError as error:
            self._db.close()
            raise FolderBusy(
                f"{path} is in use by another sandbox ({error})", hint="stop that one, or use another folder"
            ) from error
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise FolderError(f"{path} is not a sandbox's memory ({error})", hint="move it away") from error

    def jobs(self) -> list[Job]:
        """See `State`."""
        return [job_from(json.loads(doc)) for (doc,) in self._db.execute("SELECT doc FROM jobs ORDER BY accepted_at")]

    def bills(self) -> list[Bill]:
        """See `State`."""
        return [Bill(**json.loads(doc)) for (doc,) in self._db.execute("SELECT doc FROM bills ORDER BY billed_at")]

    def save(self, job: Job, bill: Bill | None = None) -> None:
        """See `State`."""
        kept = (job.request_id, job.accepted_at, json.dumps(job.as_dict()))
        self._db.execute("BEGIN")
        self._db.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)", kept)
        if bill is not None:
            self._db.execute(
                "INSERT INTO bills VALUES (?, ?, ?)", (bill.request_id, bill.billed_at, json.dumps(bill.as_dict()))
            )
        self._db.execute("COMMIT")

    def close(self) -> None:
        """See `State`."""
        self._db.close()
