"""Ask servers about the images of a manifest before money is spent, and remember what they said.

Finds the login page, the 404 and the empty file, and notices that an image changed since the last time.  What was
learnt stands in the ledger's table ``urls``: validators, a problem, and a version that grows with every change;
planning reads it there.  Sends nothing that costs money.  Knows neither terminals nor the run.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from pipeline.expand import BoundRecipe
from pipeline.images.decode import Limits
from pipeline.images.errors import BadInput
from pipeline.images.prepare import examine
from pipeline.images.remote import check_remote
from pipeline.images.remote_facts import RemoteFacts, Validators
from pipeline.sources import WEB, address_of
from pipeline.storage import CloudError, CloudStorage
from pipeline.words import many

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from pipeline.wanted import Wanted

Result = TypeVar("Result")

CHUNK = 1000
"""Images whose answers are written into the ledger together."""
OBJECTS_AT_ONCE = 8
"""Objects that are fetched from storage at the same time: each is held whole."""
EXAMPLES = 3
HANDED_ON = frozenset({"PNG", "JPEG", "WEBP"})
"""What every endpoint reads.  A remote image of another kind is not converted: it never passes through our hands."""


class Memory(Protocol):
    """A ledger, as far as it is needed here."""

    async def do(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run *operation* and return once it is on disk."""


class Asks(Protocol):
    """How remote images are looked at: `images.remote.check_remote`, or its double in a test."""

    def __call__(
        self, urls: Iterable[str], *, known: Callable[[str], Validators | None], allow_private: bool
    ) -> AsyncIterator[RemoteFacts]:
        """Yield facts about each of *urls*."""


@dataclass
class Looked:
    """What a look at all remote images of a manifest has shown."""

    asked: int = 0
    changed: int = 0
    unusable: int = 0
    unsure: int = 0
    """Could not be seen: no answer, or an answer that may pass by itself."""
    unread: int = 0
    """Images in a format that perhaps not every endpoint reads."""
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, facts: RemoteFacts, reason: str) -> None:
        """Remember one of the first examples of *what*."""
        kept = self.examples.setdefault(what, [])
        if len(kept) < EXAMPLES:
            kept.append(f"{facts.url} ({reason})")

    @property
    def warnings(self) -> list[str]:
        """What deserves a warning; unusable images become invalid rows and are told there."""
        said = []
        if self.unsure:
            said.append(f"{many(self.unsure, 'image')} could not be checked: {'; '.join(self.examples['unsure'])}")
        if self.unread:
            said.append(
                "not every endpoint reads what is neither PNG, JPEG nor WebP, and only local files are converted:"
                f" {many(self.unread, 'image')} on the web, such as {'; '.join(self.examples['unread'])}"
            )
        return said

    def __str__(self) -> str:
        parts = [f"looked at {many(self.asked, 'image')} on the web"]
        counts = ((self.unusable, "cannot be used"), (self.changed, "changed"), (self.unsure, "gave no answer"))
        return ", ".join([*parts, *(f"{count:,} {words}" for count, words in counts if count)])


async def look(
    wanted: Wanted,
    memory: Memory,
    *,
    clock: Callable[[], float],
    ask: Asks = check_remote,
    storage: CloudStorage | None = None,
    seen: Callable[[int], None] = lambda _count: None,
) -> Looked:
    """Ask about every remote image that *wanted* names and write what was said into *memory*.

    ``seen`` is told the number of images looked at so far, and may raise to stop.  Raises ManifestError and
    RecipeError for a manifest that cannot be read.
    """
    looked = Looked()
    addresses = addresses_of(wanted)
    while chunk := await asyncio.to_thread(lambda: list(islice(addresses, CHUNK))):
        known = await memory.do(lambda db, chunk=chunk: _known(db, chunk))  # type: ignore[misc]  # mypy cannot infer it
        found = []
        async for facts in _all(chunk, known, wanted, ask, storage or CloudStorage()):
            looked.asked += 1
            found.append(facts)
            seen(looked.asked)
        changes = await memory.do(lambda db, found=found, known=known: _write(db, found, known, clock()))  # type: ignore[misc]  # same
        _count(looked, found, changes)
    return looked


def addresses_of(wanted: Wanted) -> Iterator[str]:
    """Every web or storage address that the rows of *wanted* name as an image, once; in the manifest's order."""
    manifest = wanted.open()
    bound = BoundRecipe(wanted.recipe, manifest.columns, "key", lambda ref: (ref, ref))
    met: set[int] = set()  # hashes: a million addresses would not fit into the promised memory

    def new(refs: Iterable[str]) -> Iterator[str]:
        for ref in refs:
            address = address_of(ref, manifest.folder, wanted.image_base_url) if ref else None
            if address is not None and hash(address) not in met:
                met.add(hash(address))
                yield address

    yield from new(bound.fixed_images())
    for rows in manifest.batches():
        for row in rows:
            yield from new(bound.image_refs(row))


async def _all(
    chunk: Sequence[str], known: dict[str, Validators], wanted: Wanted, ask: Asks, storage: CloudStorage
) -> AsyncIterator[RemoteFacts]:
    web = [url for url in chunk if url.lower().startswith(WEB)]
    if web:
        async for facts in ask(web, known=known.get, allow_private=wanted.allow_private):
            yield facts
    objects = [url for url in chunk if not url.lower().startswith(WEB)]
    for start in range(0, len(objects), OBJECTS_AT_ONCE):
        for facts in await asyncio.gather(*(_object(storage, url) for url in objects[start : start + OBJECTS_AT_ONCE])):
            yield facts


async def _object(storage: CloudStorage, url: str) -> RemoteFacts:
    """Facts about an object in storage, fetched whole.  Its version is its ETag, which planning asks for itself."""
    limits = Limits()
    try:
        data = await storage.get(url, max_bytes=limits.max_bytes)
        seen = await asyncio.to_thread(examine, data, limits=limits, name=url)
    except BadInput as error:
        return RemoteFacts(url, problem=error.reason)
    except CloudError as error:
        return RemoteFacts(url, problem=str(error))
    return RemoteFacts(url, unchanged=True, kind=seen.kind)


def _known(db: sqlite3.Connection, urls: Sequence[str]) -> dict[str, Validators]:
    marks = ",".join("?" * len(urls))
    found = db.execute(
        f"SELECT url, etag, last_modified, size_bytes, head_sha256 FROM urls WHERE url IN ({marks})",  # noqa: S608  # question marks only
        list(urls),
    )
    return {
        url: Validators(etag or "", modified or "", size_bytes, head or "")
        for url, etag, modified, size_bytes, head in found
    }


UPSERT = (
    "INSERT INTO urls (url, etag, last_modified, size_bytes, head_sha256, version, problem, checked_at)"
    " VALUES (?,?,?,?,?,0,?,?) ON CONFLICT (url) DO UPDATE SET etag=excluded.etag,"
    " last_modified=excluded.last_modified, size_bytes=excluded.size_bytes, head_sha256=excluded.head_sha256,"
    " version=version+?, problem=excluded.problem, checked_at=excluded.checked_at"
)


def _write(db: sqlite3.Connection, found: Sequence[RemoteFacts], known: dict[str, Validators], now: float) -> int:
    """Write what was seen; returns how many images changed.  What was not seen stays as it was."""
    changed = 0
    for facts in found:
        if facts.passing:
            continue
        before = known.get(facts.url, Validators())
        differs = before != Validators() and not facts.problem and not facts.unchanged
        changed += differs
        stays = facts.problem or not facts.validators.head_sha256
        now_known = before if stays else facts.validators
        db.execute(
            UPSERT,
            (
                facts.url,
                now_known.etag,
                now_known.last_modified,
                now_known.size_bytes,
                now_known.head_sha256,
                facts.problem or None,
                now,
                differs,
            ),
        )
    return changed


def _count(looked: Looked, found: Iterable[RemoteFacts], changed: int) -> None:
    looked.changed += changed
    for facts in found:
        if facts.passing:
            looked.unsure += 1
            looked.note("unsure", facts, facts.problem)
        elif facts.problem:
            looked.unusable += 1
        elif facts.kind and facts.kind not in HANDED_ON:
            looked.unread += 1
            looked.note("unread", facts, facts.kind)
