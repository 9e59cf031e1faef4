"""What changes in a folder while somebody looks: read from the ledger, whoever writes it.

A run in another process commits to the write-ahead log; this reads it through a read-only connection and looks
closer only when ``PRAGMA data_version`` says that something was committed.  Blocking; call it in a thread.  Knows the
page's data, never HTTP.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.control import Control
from pipeline.errors import FolderError
from pipeline.ledger import FILE, gallery, schema
from pipeline.lock import NOTE
from pipeline.report import figures
from pipeline.report.pictures import Pictures
from pipeline.report.write import make_dataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.ledger.gallery import Entry

AT_ONCE = 2000
"""Entries told in one message."""
SLACK_S = 2.0
"""A commit may carry times that are a little older than itself: look back so far, told twice harms nothing."""


class Live:
    """Follows one result folder from *since* (Unix time) on.  Use from one thread at a time."""

    def __init__(self, folder: Path, *, since: float, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._control = Control(folder, clock=clock)
        path = folder / FILE
        if not path.is_file():
            raise FolderError(
                f"{folder} is no result folder: it has no {FILE}", hint="give the folder that --out named"
            )
        self._db = schema.connect(path, read_only=True)
        self._pictures = Pictures(folder / "report", {})
        self._seen_until = since
        self._version: int | None = None
        self._told: dict[int, tuple[str, float]] = {}
        self._place: tuple[float, int] | None = None

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def changed(self) -> bool:
        """Whether anything was committed since the last call."""
        version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        was, self._version = self._version, version
        return version != was

    def news(self) -> list[Entry]:
        """Entries to which something happened and that were not told yet; the oldest change first.

        At most some AT_ONCE: while `more` is true, ask again.
        """
        since = self._seen_until - SLACK_S
        found = gallery.changed_since(self._db, *(self._place or (since, 0)), limit=AT_ONCE)
        self._place = (gallery.changed_at(found[-1]), found[-1].id) if len(found) == AT_ONCE else None
        if self._place is None:
            known = {each.id for each in found}
            found += [each for each in gallery.decided_since(self._db, since) if each.id not in known]
        fresh = [each for each in found if self._told.get(each.id) != _mark(each)]
        self._told |= {each.id: _mark(each) for each in fresh}
        if self._place is None:
            newest = max((at for _, at in self._told.values()), default=self._seen_until)
            self._seen_until = max(self._seen_until, newest)
            self._told = {id_: mark for id_, mark in self._told.items() if mark[1] >= since}
        return fresh

    @property
    def more(self) -> bool:
        """Whether `news` has not come to its end."""
        return self._place is not None

    def chunk(self, entries: list[Entry]) -> dict[str, Any]:
        """*entries* as the page takes them, with the small copies of their pictures made."""
        known = gallery.known_files(self._db)
        self._pictures = pictures = Pictures(self._folder / "report", known)
        origins = [pictures.input_of(each.endpoint, json.loads(each.params)) for each in entries]
        outputs = [(self._folder / each.path, each.sha256) for each in entries if each.path and each.sha256]
        pictures.shrink(outputs, [origin for origin in origins if origin], lambda _done, _all: None)
        pictures.look(
            (origin[1] if origin else None, each.sha256)
            for each, origin in zip(entries, origins, strict=True)
            if each.sha256
        )
        dataset, _ = make_dataset(self._db, pictures)
        return dataset.columns(entries)

    def named(self, key: str, step: str) -> list[Entry]:
        """The live task of *key* at *step*, if there is one."""
        return gallery.entries_named(self._db, key, step)

    def details(self, task_id: int) -> dict[str, Any] | None:
        """What the viewer shows of one task; None when it was superseded."""
        found = gallery.entry(self._db, task_id)
        if found is None:
            return None
        pictures = Pictures(self._folder / "report", gallery.known_files(self._db))
        return make_dataset(self._db, pictures)[0].details(found)

    def figures(self) -> dict[str, Any]:
        """The numbers, causes and the run that goes on, as the page takes them."""
        dataset, _ = make_dataset(self._db, self._pictures)
        for each in gallery.failures(self._db):
            dataset.causes.of(*each)
        return {
            "figures": figures.figures(self._db),
            "causes": [asdict(cause) for cause in dataset.causes.found],
            "run": self.run(),
        }

    def run(self) -> dict[str, Any] | None:
        """The run that goes on, its rates and its state; None when none does."""
        newest = next(iter(gallery.runs(self._db, 1)), None)
        if newest is None or newest["finished_at"] is not None:
            return None
        pulse = self._control.pulse()
        alive = pulse is not None and pulse.run_id == newest["id"]
        if not alive and not (self._folder / NOTE).exists():
            return None  # it was killed: the lock's note is gone with the next run at the latest
        facts = figures.live(self._db, newest["id"], self._clock())
        state = pulse.state if alive and pulse else "running"
        return {
            "id": newest["id"],
            "state": state,
            "per_minute": pulse.per_minute if alive and pulse else None,
            "in_flight": pulse.in_flight if alive and pulse else None,
            **facts,
        }


def _mark(each: Entry) -> tuple[str, float]:
    return (f"{each.state} {each.decision}", gallery.changed_at(each))
