"""Everything before money: read the manifest, check every row, count, price, and say how long it will take.

A plan is the same work as a run's first half, done on a ledger of its own that is thrown away; so what a plan says
is what a run does.  Spends nothing and sends nothing.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.binding import WARNINGS_KEPT
from pipeline.errors import ManifestError
from pipeline.expand import BoundRecipe
from pipeline.images.references import is_signed
from pipeline.ledger import FILE, counts, schema
from pipeline.ledger.intake import Intake, as_texts
from pipeline.manifest.keys import choose_key
from pipeline.manifest.products import ProductReader
from pipeline.planned import Plan
from pipeline.prices import PriceBook, from_records
from pipeline.sources import WEB, Sources
from pipeline.template import Template

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.ledger.taken import Taken
    from pipeline.manifest import Manifest
    from pipeline.wanted import Wanted

BATCH = 1000
SAMPLED = 20
"""One row in so many tells whether a batch has images that are not on the web, or signed addresses."""
SIGNED = (
    "an image's address carries a signature: such an address changes with every export, and each change is paid for;"
    " give addresses that stay, or s3://, gs:// and az:// ones"
)
KEY_ROWS = 20_000
"""Rows by which a key is chosen before all are read."""


class Planner:
    """Takes a manifest into a ledger.  Blocking; ``clock`` gives Unix time."""

    def __init__(
        self,
        wanted: Wanted,
        db: sqlite3.Connection,
        *,
        clock: Callable[[], float] = time.time,
        bulk: bool = True,
        kept: bool = True,
        key_rows: int | None = None,
    ) -> None:
        """Open the manifest and tie the recipe to its columns; raises ManifestError and RecipeError.

        ``bulk``, ``kept``: as `Intake` has them.  ``key_rows``: rows by which a key is chosen where none was named;
        None: all of them.
        """
        self.db = db
        self.manifest = wanted.open()
        key = _key(wanted, self.manifest, key_rows)
        self.prices = PriceBook(from_records(db.execute("SELECT * FROM prices")), {}, wanted.assumed_nano)
        self.sources = Sources(
            db,
            self.manifest.folder,
            base_url=wanted.image_base_url,
            allow_private=wanted.allow_private,
            asked=wanted.check_images,
        )
        self.bound = BoundRecipe(
            wanted.recipe,
            self.manifest.columns,
            key,
            self.sources.find,
            plain=self.sources.plain,
            price_of=self.prices.quote,
        )
        _remember(db, wanted.reading | {"key": key})
        whole = wanted.limit is None
        self.intake = Intake(
            db,
            self.bound,
            now=clock(),
            whole=whole,
            bulk=bulk,
            kept=kept,
            fixed=self.sources.mark(self.bound.fixed_images()),
            mark=None if self.sources.steady else lambda row: self.sources.mark(self.bound.image_refs(row)),
            altered=self.sources.altered,
        )

    def steps(self) -> Iterator[int]:
        """Take one batch of rows in after the other; yields the rows taken so far.  Call `finish` afterwards."""
        for rows in self.manifest.batches(BATCH):
            sample = list(self.bound.image_refs_of(rows[::SAMPLED]))
            if any(map(is_signed, sample)):
                self.bound.warnings[SIGNED] += sum(map(is_signed, self.bound.image_refs_of(rows)))
            if any(not ref.startswith(WEB) for ref in sample):
                as_texts(rows)  # before the ledger is told of files by these names
                self.sources.warm(self.bound.image_refs_of(rows))
            self.intake.batch(rows)
            yield self.intake.taken.rows

    def finish(self) -> Taken:
        """Check the manifest as a whole; raises ManifestError."""
        if not self.intake.taken.rows:
            raise ManifestError(
                f"{self.manifest.name}: names columns but has no rows",
                hint="is the export complete? An empty catalogue would let go of everything made so far",
            )
        return self.intake.finish()

    def report(self, per_minute: float) -> Plan:
        """What the ledger holds now, as a plan."""
        warnings = [f"{text} ({count} times)" if count > 1 else text for text, count in self.bound.warnings.items()]
        plans = counts.endpoint_plans(self.db)
        return Plan(
            manifest=self.manifest.name,
            rows=self.intake.taken.rows,
            without_image=counts.rows_without_tasks(self.db),
            first_without_image=self.bound.first_without_image,
            endpoints=plans,
            invalid=counts.invalid_tasks(self.db) if any(each.invalid for each in plans) else [],
            taken=self.intake.taken,
            warnings=[*self.manifest.warnings, *self._unstable(), *warnings][:WARNINGS_KEPT],
            notes=list(self.manifest.notes),
            key=self.bound.key_template,
            price_sources=self.prices.used,
            per_minute=per_minute,
        )

    def _unstable(self) -> Iterator[str]:
        """What would be paid for again if nothing but the order of the rows changed."""
        reader = self.manifest.reader
        if isinstance(reader, ProductReader) and reader.by_row and self.bound.key_template == "{key}":
            for step in self.bound.recipe.steps:
                if not step.dedupe:
                    yield (
                        f"step {step.name!r}: products without an identifier are named by their row, and dedupe = false"
                        " pays for each name: in another order they are paid for again, unless --key names them"
                    )


def take_in(
    wanted: Wanted,
    db: sqlite3.Connection,
    *,
    clock: Callable[[], float] = time.time,
    seen: Callable[[int], None] = lambda _rows: None,
    kept: bool = True,
) -> Planner:
    """Take all of *wanted* into the ledger, inside a transaction of the caller.  Raises ManifestError, RecipeError.

    Where no key was named, the first rows suggest one and the ledger's own index proves it: reading a large
    manifest twice only for that would cost more than reading it.  Another column is looked for only when the proof
    fails.  ``seen`` is told the rows taken so far, and may raise to stop.  ``kept``: False for a ledger to throw away.
    """
    wanted = wanted.opened()
    db.execute("SAVEPOINT before_manifest")
    try:
        planner = _taken(Planner(wanted, db, clock=clock, kept=kept, key_rows=KEY_ROWS), seen, patient=wanted.names_key)
    except KeyFails:
        db.execute("ROLLBACK TO before_manifest")
        planner = _taken(Planner(wanted, db, clock=clock, kept=kept), seen, patient=True)
    db.execute("RELEASE before_manifest")
    return planner


class KeyFails(Exception):
    """The column that was taken for the key is empty, or not unique."""


def _taken(planner: Planner, seen: Callable[[int], None], *, patient: bool) -> Planner:
    taken = planner.intake.taken
    for rows in planner.steps():
        seen(rows)
        if not patient and taken.keys_fail:
            raise KeyFails
    try:
        planner.finish()
    except ManifestError as error:
        if not patient and taken.keys_fail:
            raise KeyFails from error
        raise
    return planner


def make_plan(
    wanted: Wanted,
    *,
    folder: Path | None = None,
    per_minute: float = 60.0,
    clock: Callable[[], float] = time.time,
    prepare: Callable[[sqlite3.Connection], Sequence[str]] = lambda _db: (),
) -> Plan:
    """Plan *wanted* against what *folder* holds already; changes nothing there.  Raises InputError.

    ``prepare`` may put knowledge of images into the ledger that is thrown away; it returns warnings.
    """
    with scratch(folder) as db:
        said = prepare(db)
        db.execute("BEGIN")
        planner = take_in(wanted, db, clock=clock, kept=False)
        plan = planner.report(per_minute)
        plan.warnings[:0] = said
        return plan


@contextmanager
def scratch(folder: Path | None) -> Iterator[sqlite3.Connection]:
    """A ledger to throw away: empty, or a copy of the folder's."""
    with tempfile.TemporaryDirectory(prefix="photobatch-plan-", ignore_cleanup_errors=True) as name:
        path = Path(name) / FILE
        db = schema.connect(path, kept=False)
        try:
            if folder is not None and (folder / FILE).exists():
                original = schema.connect(folder / FILE, read_only=True)
                original.backup(db)
                original.close()
            schema.prepare(db, path)
            db.execute("PRAGMA journal_mode = MEMORY")  # a copy has the mode of its original
            yield db
        finally:
            db.close()


def _remember(db: sqlite3.Connection, reading: dict[str, Any]) -> None:
    """Note in the ledger how the manifest was read: on the way back to the shop it is read again."""
    db.execute("INSERT OR REPLACE INTO meta VALUES ('reading', ?)", (json.dumps(reading, sort_keys=True),))


def _key(wanted: Wanted, manifest: Manifest, rows: int | None) -> str:
    """The key template: from the flag, the recipe, or the manifest's columns as its first *rows* fill them."""
    named = wanted.key or wanted.recipe.key
    if named is None:
        return f"{{{choose_key(manifest, rows=rows).column}}}"
    template = Template.parse(named)
    return f"{{{named}}}" if template.constant else named
