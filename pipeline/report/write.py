"""Make ``report/`` of a result folder: a page that opens from disk, without a server and without the network.

    report/index.html        the page, with its styles and scripts in page/
    report/data/             what it shows (see `dataset`), replaced whole
    report/thumbs/, previews/, looks.jsonl    small copies and what was seen in them (see `pictures`), kept

Reads the ledger and the images, never changes them.  Safe to repeat, and while a run goes on.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import asdict, dataclass
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.errors import FolderError, RecipeError
from pipeline.ledger import FILE, gallery, schema
from pipeline.report.dataset import CHUNK, PAGE, Dataset, script
from pipeline.report.figures import figures
from pipeline.report.flags import FLAGS, Thresholds
from pipeline.report.pictures import Pictures

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pipeline.endpoints import Endpoint

PROBLEMS = 20
"""Pictures that cannot be shown and are named on the page."""


def write_report(
    folder: Path,
    *,
    thumbnails: bool = True,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    clock: Callable[[], float] = time.time,
) -> Path:
    """Write the gallery of the result folder *folder*; returns the page's path.

    ``thumbnails`` makes small copies of new pictures and looks for flags; without it, what exists is used.
    ``progress`` hears (pictures done, pictures to do).  Raises FolderError and LedgerError.
    """
    report = folder / "report"
    made_at = clock()
    try:
        with reading(folder) as db:
            report.mkdir(exist_ok=True)
            pictures = Pictures(report, gallery.known_files(db))
            shown = _shown(db, folder, pictures) if thumbnails else None
        if shown:  # takes long: no connection is held, which would keep a run's log from being tidied
            _make_pictures(shown, pictures, progress)
        with reading(folder) as db:
            _write_data(db, report, pictures, made_at)
        return write_page(report)
    except OSError as error:
        raise FolderError(
            f"{report}: {error.strerror or error}", hint="make the folder writable and free some space"
        ) from error


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to the ledger in *folder*, seeing one moment; raises FolderError when there is none."""
    path = folder / FILE
    if not path.is_file():
        raise FolderError(f"{folder} is no result folder: it has no {FILE}", hint="give the folder that --out named")
    db = schema.connect(path, read_only=True)
    try:
        schema.check_version(int(db.execute("PRAGMA user_version").fetchone()[0]), path)
        db.execute("BEGIN")
        yield db
    finally:
        db.close()


def make_dataset(db: sqlite3.Connection, pictures: Pictures) -> tuple[Dataset, list[str]]:
    """The folder's dataset with the thresholds of its newest recipe, and what is wrong with those."""
    try:
        return Dataset(db, pictures, Thresholds.from_checks(gallery.newest_checks(db))), []
    except RecipeError as error:
        return Dataset(db, pictures, Thresholds()), [f"{error}; the usual thresholds were used instead"]


def meta_of(
    db: sqlite3.Connection, dataset: Dataset, *, count: int, made_at: float, notes: list[str]
) -> dict[str, Any]:
    """What the page knows besides its entries."""
    numbers = figures(db)
    return {
        "folder": gallery.first_run(db),
        "made_at": made_at,
        "entries": count,
        "chunk": CHUNK,
        "page": PAGE,
        "flags": FLAGS,
        "flagged": dataset.flagged,
        "causes": [asdict(cause) for cause in dataset.causes.found],
        "notes": notes,
        "steps": gallery.steps(db),
        "parameters": parameters_of(each["endpoint"] for each in numbers["endpoints"]),
        "earlier": gallery.earlier_rejections(db),
        **numbers,
    }


def parameters_of(slugs: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """What may be changed when an output is rejected: every parameter of each endpoint, with its choices."""
    known = endpoints.every()
    return {slug: [_parameter(known[slug], name) for name in known[slug].fields] for slug in slugs if slug in known}


def write_page(report: Path) -> Path:
    """Copy the page itself; returns its path."""
    source = resources.files("pipeline.report") / "page"
    place = report / "page"
    place.mkdir(exist_ok=True)
    for each in source.iterdir():
        if each.is_file():
            target = report / each.name if each.name == "index.html" else place / each.name
            target.write_bytes(each.read_bytes())
    return report / "index.html"


@dataclass(frozen=True)
class _Shown:
    """What the gallery shows: paths by content, and which input belongs to which output."""

    outputs: dict[str, Path]
    inputs: dict[str, Path]
    pairs: list[tuple[str | None, str]]


def _shown(db: sqlite3.Connection, folder: Path, pictures: Pictures) -> _Shown:
    inputs: dict[str, Path] = {}
    pairs: list[tuple[str | None, str]] = []
    for endpoint, params, sha256 in gallery.bodies(db):
        origin = pictures.input_of(endpoint, params)
        if origin:
            inputs[origin[1]] = origin[0]
        if sha256:
            pairs.append((origin[1] if origin else None, sha256))
    return _Shown({sha256: folder / path for path, sha256 in gallery.outputs(db)}, inputs, pairs)


def _make_pictures(shown: _Shown, pictures: Pictures, progress: Callable[[int, int], None]) -> None:
    """Small copies of every output and every local input, and a look at each new pair."""
    pictures.shrink(
        ((path, sha256) for sha256, path in shown.outputs.items()),
        ((path, sha256) for sha256, path in shown.inputs.items()),
        progress,
    )
    pictures.look(shown.pairs)
    pictures.prune({*shown.outputs, *shown.inputs})


def _parameter(endpoint: Endpoint, name: str) -> dict[str, Any]:
    choices = endpoint.choices(name)
    default = endpoint.fields[name].default
    return {
        "name": name,
        "choices": [*choices.values] if choices else None,
        "image": name in endpoint.images,
        "hint": "" if name in endpoint.required or default is None else str(default),
    }


def _write_data(db: sqlite3.Connection, report: Path, pictures: Pictures, made_at: float) -> None:
    """Write the data aside, then put it in the place of the old."""
    aside, place, old = report / ".data.part", report / "data", report / ".data.old"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    dataset, notes = make_dataset(db, pictures)
    count = 0
    entries = gallery.entries(db)
    while chunk := list(islice(entries, CHUNK)):
        text = script("entries", count // CHUNK, dataset.columns(chunk))
        (aside / f"entries-{count // CHUNK}.js").write_text(text, encoding="utf-8", errors="replace")
        for start in range(0, len(chunk), PAGE):
            number = (count + start) // PAGE
            text = script("details", number, [dataset.details(each) for each in chunk[start : start + PAGE]])
            (aside / f"details-{number}.js").write_text(text, encoding="utf-8", errors="replace")
        count += len(chunk)
    told = len(pictures.problems) - PROBLEMS
    notes += [*pictures.problems[:PROBLEMS], *([f"... and {told} more pictures"] if told > 0 else [])]
    meta = meta_of(db, dataset, count=count, made_at=made_at, notes=notes)
    (aside / "meta.js").write_text(script("meta", meta), encoding="utf-8", errors="replace")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    aside.rename(place)
    shutil.rmtree(old, ignore_errors=True)
