"""The ledger's tables, their version, and how an older ledger becomes a newer one.

The schema is public: any SQL tool may read it.  Money is in whole nano-dollars (1 USD = 10**9), times are Unix
seconds, JSON is canonical.  ``PRAGMA user_version`` holds the version.  Knows nothing of tasks in flight.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from pipeline.errors import FolderError, LedgerError
from pipeline.ledger import sealed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = 3

TABLES = """
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
    id           TEXT PRIMARY KEY,
    command      TEXT NOT NULL,
    started_at   REAL NOT NULL,
    finished_at  REAL,
    manifest     TEXT,
    recipe       TEXT,
    stopped_by   TEXT,
    exit_code    INTEGER,
    summary      TEXT
) WITHOUT ROWID;

CREATE TABLE headers (          -- the columns of a manifest, stored once
    id      INTEGER PRIMARY KEY,
    columns TEXT NOT NULL UNIQUE
);

CREATE TABLE rows (             -- a row of a manifest as it was read
    id        INTEGER PRIMARY KEY,
    header_id INTEGER NOT NULL REFERENCES headers,
    number    INTEGER NOT NULL,
    digest    BLOB NOT NULL,    -- of the cells and the recipe: equal digests ask for the same
    cells     TEXT NOT NULL,
    local     INTEGER NOT NULL, -- 1 when an image is a file, whose content may change behind its name
    live      INTEGER NOT NULL  -- 0 when the manifest no longer has the row
);

CREATE TABLE tasks (            -- one row at one step: one paid call
    id             INTEGER PRIMARY KEY,
    key            TEXT NOT NULL,
    step           TEXT NOT NULL,
    endpoint       TEXT NOT NULL,
    row_id         INTEGER NOT NULL REFERENCES rows,
    fingerprint    BLOB,
    wish           BLOB,                       -- what the manifest asked for, where a decision changed it
    params         TEXT NOT NULL,
    image_source   TEXT,
    state          TEXT NOT NULL,
    live           INTEGER NOT NULL,           -- 0 when superseded, or when its row left the manifest
    rejected       INTEGER NOT NULL DEFAULT 0, -- 1 when a person rejected the output: it is not reused
    decision       TEXT,
    note           TEXT,
    error_class    TEXT,
    error          TEXT,
    http_status    INTEGER,
    attempts       INTEGER NOT NULL DEFAULT 0,
    estimate_nano  INTEGER,
    reserve_nano   INTEGER,
    billed_nano    INTEGER,
    request_id     TEXT,
    seed           INTEGER,
    planned_at     REAL NOT NULL,
    submitted_at   REAL,
    finished_at    REAL,
    latency_s      REAL,
    run_id         TEXT,
    reused_from    INTEGER,                    -- the paid task with the same body whose output this one shares
    replaces       INTEGER                     -- the task whose output gives way to this one's
);

CREATE TABLE attempts (         -- one POST
    id           INTEGER PRIMARY KEY,
    task_id      INTEGER NOT NULL REFERENCES tasks,
    run_id       TEXT NOT NULL,
    outcome      TEXT,          -- NULL while open, then submitted, done, refused, in_doubt, failed, absent, lost
    intent_at    REAL NOT NULL,
    closed_at    REAL,
    seed         INTEGER,
    reservation  TEXT,          -- its entry in a shared cap file
    held_nano    INTEGER NOT NULL,
    billed_nano  INTEGER,
    request_id   TEXT,
    http_status  INTEGER,
    error_class  TEXT,
    error        TEXT,
    sent         TEXT           -- by parameter, as JSON: what images that are no web address were sent as
);

CREATE TABLE outputs (
    task_id      INTEGER NOT NULL REFERENCES tasks,
    n            INTEGER NOT NULL,
    path         TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    sha256       TEXT NOT NULL,
    width        INTEGER NOT NULL,
    height       INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    ai_label     INTEGER NOT NULL,
    PRIMARY KEY (task_id, n)
) WITHOUT ROWID;

CREATE TABLE names (            -- names of outputs that a template gave, in lower case
    name TEXT PRIMARY KEY,
    key  TEXT NOT NULL,
    step TEXT NOT NULL,
    n    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE decisions (        -- what a person decided about a task, as it was applied
    id         INTEGER PRIMARY KEY,
    task_id    INTEGER NOT NULL REFERENCES tasks,
    decision   TEXT NOT NULL,   -- approve or reject
    note       TEXT NOT NULL,
    changes    TEXT NOT NULL,   -- parameters to change, as JSON
    decided_at REAL NOT NULL,
    successor  INTEGER          -- the task that runs instead of a rejected one
);

CREATE TABLE prices (           -- what calls really cost, by the parameters that drive it
    endpoint   TEXT NOT NULL,
    signature  TEXT NOT NULL,
    calls      INTEGER NOT NULL,
    sum_nano   INTEGER NOT NULL,
    least_nano INTEGER NOT NULL,
    most_nano  INTEGER NOT NULL,
    PRIMARY KEY (endpoint, signature)
) WITHOUT ROWID;

CREATE TABLE uploads (          -- local images that the provider already has
    sha256      TEXT PRIMARY KEY,
    url         TEXT NOT NULL,
    uploaded_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE files (            -- content of local images, by path, size and time
    path     TEXT PRIMARY KEY,
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    problem  TEXT
) WITHOUT ROWID;

CREATE TABLE urls (             -- what a server said about a remote image when it was last asked
    url           TEXT PRIMARY KEY,
    etag          TEXT,
    last_modified TEXT,
    size_bytes    INTEGER,
    head_sha256   TEXT,                        -- of its first 64 kB
    version       INTEGER NOT NULL DEFAULT 0,  -- raised when the content changed
    problem       TEXT,
    checked_at    REAL NOT NULL
) WITHOUT ROWID;
"""


def _at_risk(of: str) -> str:
    return f"({of}state = 'intent' OR {of}state = 'submitted' OR {of}state = 'in_doubt')"


def paid_or_at_risk(of: str = "") -> str:
    """The rule of ``one_payment``: the task paid for its body, or may have.  ``of`` names its table, as in ``w.``."""
    return f"({_at_risk(of)} OR ({of}state = 'done' AND {of}reused_from IS NULL AND NOT {of}rejected))"


AT_RISK = _at_risk("")
"""Not as a list: SQLite builds a table of a list's members each time it asks whether a task belongs into an index.

That was half of what an entry costs.  A query finds the index ``at_risk`` where it says this word for word.
"""

INDEXES = f"""
CREATE UNIQUE INDEX IF NOT EXISTS one_wish ON tasks (key, step) WHERE live;
CREATE UNIQUE INDEX IF NOT EXISTS one_payment ON tasks (fingerprint) WHERE {paid_or_at_risk()};
CREATE INDEX IF NOT EXISTS same_body ON tasks (fingerprint);
CREATE INDEX IF NOT EXISTS open_tasks ON tasks (endpoint, id) WHERE state = 'planned';
CREATE INDEX IF NOT EXISTS at_risk ON tasks (id) WHERE {AT_RISK};
CREATE INDEX IF NOT EXISTS row_tasks ON tasks (row_id);
CREATE INDEX IF NOT EXISTS same_row ON rows (digest, local) WHERE live;
CREATE INDEX IF NOT EXISTS task_attempts ON attempts (task_id);
"""

BULK_INDEXES = ("one_wish", "one_payment", "same_body", "open_tasks", "at_risk", "row_tasks", "same_row")
"""Indexes that a first planning builds at its end instead of row by row: sorting once is much cheaper.

Even the two that hold nothing yet cost half of each insert, since each asks whether the task belongs into it.
"""
PLAN_INDEXES = ("one_wish", "same_body", "row_tasks")
"""Those of them that a plan on a ledger to throw away cannot do without."""

COMMON = ("busy_timeout = 10000", "cache_size = -32768", "temp_store = FILE")
WRITING = ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 4000")
THROWN_AWAY = ("page_size = 32768", "cache_size = -16384", "journal_mode = MEMORY", "synchronous = OFF")
"""What is written once, read from end to end and thrown away may be rolled back, and need not survive anything."""


def index(name: str) -> str:
    """The statement that makes the index *name*."""
    return next(statement for statement in INDEXES.split(";") if f" {name} ON " in statement)


MIGRATIONS: dict[int, str] = {
    1: f"DROP INDEX IF EXISTS one_payment; DROP INDEX IF EXISTS at_risk; {index('one_payment')}; {index('at_risk')};",
    2: "ALTER TABLE attempts ADD COLUMN sent TEXT;",
}
"""From version n to n + 1, as SQL."""


def connect(path: Path, *, read_only: bool = False, kept: bool = True) -> sqlite3.Connection:
    """Open the database at *path* in autocommit mode; raises LedgerError and FolderError when it cannot be read.

    ``kept``: False for one to throw away.
    """
    try:
        db = sealed.connect(path) if read_only else sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    try:
        writing = WRITING if kept else THROWN_AWAY
        for setting in COMMON if read_only else (*COMMON, *writing):
            db.execute(f"PRAGMA {setting}")
    except sqlite3.Error as error:
        db.close()
        raise unusable(path, error) from error
    return db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Create the tables of a new ledger, or bring an older one up to date after a copy."""
    try:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version == 0 and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            db.executescript(f"BEGIN; {TABLES} {INDEXES} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version == 0:
            raise FolderError(f"{path} is not a ledger of photobatch", hint="give another --out folder")
        else:
            check_version(version, path)
            migrate(db, path)
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def check_version(version: int, path: Path) -> None:
    """Refuse a ledger that a newer release wrote."""
    if version > VERSION:
        raise FolderError(
            f"{path} was written by a newer photobatch (schema {version}, this one knows {VERSION})",
            hint="install the newer release: pip install -U photobatch",
        )


def migrate(db: sqlite3.Connection, path: Path, *, to: int = VERSION, steps: Mapping[int, str] = MIGRATIONS) -> None:
    """Bring the ledger to version *to*, one transaction per step, after copying it to ``<name>.v<version>``.

    A step that fails leaves the version before it; raises LedgerError.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version >= to:
        return
    with contextlib.closing(sqlite3.connect(path.with_name(f"{path.name}.v{version}"))) as copy:
        db.backup(copy)
    for step in range(version, to):
        try:
            db.executescript(f"BEGIN; {steps[step]} PRAGMA user_version = {step + 1}; COMMIT;")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise unusable(path, error) from error


def unusable(path: Path, error: sqlite3.Error) -> LedgerError:
    """What a database error means to the person who owns the folder."""
    text = str(error)
    if "readonly" in text or "unable to open" in text:
        hint = "make the folder and its files writable, then run again: nothing is lost"
    elif "full" in text:
        hint = "free some disk space, then run again: nothing is lost"
    elif "locked" in text:
        hint = "another program has the ledger open; close it and run again"
    else:
        hint = f"photobatch ledger {path.parent} --check says what is left; --repair rebuilds what can be rebuilt"
    return LedgerError(f"{path}: {text}", hint=hint)
