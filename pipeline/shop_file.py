"""The way back: from a result folder to the import file of a shop.

Reads the manifest once more, in the way the last run read it, and puts the URL of each output where its original
image was named, if that is still the image it was made from.  Changes nothing in the folder.  Knows neither the
provider nor terminals.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pipeline.endpoints.parameters import nearest
from pipeline.errors import FolderError, ManifestError, RecipeError
from pipeline.firstimage import FirstImages
from pipeline.inspection import reading
from pipeline.manifest.export import Exported, export
from pipeline.paths import exists, local_path
from pipeline.recipe import Recipe
from pipeline.template import Template
from pipeline.wanted import Wanted

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from pipeline.task import Row

OUTPUTS = (
    "SELECT t.step, t.image_source, o.path FROM tasks t JOIN outputs o ON o.task_id = t.id"
    " WHERE t.key=? AND t.live AND t.state='done' AND (? IS NULL OR t.step=?) AND o.path LIKE 'images/%'"
    " ORDER BY t.id, o.n"
)


def write_shop_file(
    folder: Path, *, to: str, image_base: str, destination: Path, step: str | None = None, manifest: str | None = None
) -> Exported:
    """Write *destination*, the import file of the platform *to*.

    An output ``images/mug/studio.jpg`` gets the URL ``<image_base>/images/mug/studio.jpg``: *image_base* is where the
    contents of the folder are reachable.  *step* limits it to one step; *manifest* is read instead of the one that
    the last run read.  Raises InputError.
    """
    base = _base(image_base)
    with reading(folder) as db:
        _check_step(db, step)
        place, recipe, flags = _last_reading(db, folder)
        key = flags.pop("key")
        flags.pop("limit", None)  # rows beyond it have no output, and stay as they are
        opened = Wanted(_existing(manifest or place), Recipe(steps=()), **flags).open()
        render = Template.parse(key).bind(opened.columns)
        made = _Made(db, FirstImages(recipe, opened.columns), base, step)
        exported = export(
            opened, made.urls, to=to, destination=destination, key_of=lambda row: render(row.cells).strip()
        )
        return replace(exported, changed=made.changed)


@dataclass(slots=True)
class _Made:
    """What the folder holds, row by row."""

    db: sqlite3.Connection
    images: FirstImages
    base: str
    step: str | None
    changed: int = 0
    """Rows so far that name another image than an output of theirs was made from."""

    def urls(self, key: str, row: Row) -> list[str]:
        """URLs of the outputs of *key* that show what *row* names now."""
        found = self.db.execute(OUTPUTS, (key, self.step, self.step)).fetchall()
        asked = [each for each in found if self.images.asks(row, each[0])]
        fit = [path for step, image, path in asked if self.images.names(row, step, image)]
        self.changed += len(fit) < len(asked)
        return [f"{self.base}/{quote(path, safe='/~')}" for path in fit]


def _base(image_base: str) -> str:
    parts = urlsplit(image_base)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise RecipeError(
            f"--image-base {image_base}: is no web address", hint="shops fetch images from https://your.host/path"
        )
    return image_base.rstrip("/")


def _check_step(db: sqlite3.Connection, step: str | None) -> None:
    steps = [name for (name,) in db.execute("SELECT DISTINCT step FROM tasks WHERE live ORDER BY step")]
    if step is not None and step not in steps:
        raise RecipeError(
            f"--step {step}: there is no such step{nearest(step, steps)}", hint=f"the steps are {', '.join(steps)}"
        )


def _last_reading(db: sqlite3.Connection, folder: Path) -> tuple[str, Recipe, dict[str, Any]]:
    """Where the last manifest was, what was asked of it, and the flags it was read with."""
    place = db.execute(
        "SELECT manifest, recipe FROM runs WHERE manifest IS NOT NULL ORDER BY started_at DESC LIMIT 1"
    ).fetchone()
    flags = db.execute("SELECT value FROM meta WHERE name='reading'").fetchone()
    if place is None or flags is None:
        raise FolderError(f"{folder} was not made from a manifest", hint="`photobatch run MANIFEST --out DIR` first")
    return str(place[0]), Recipe.from_json(place[1]), dict(json.loads(flags[0]))


def _existing(place: str) -> str:
    if "://" in place or exists(local_path(place)):
        return place
    raise ManifestError(
        f"the manifest {place} is not there any more", hint="name the file the run was made from: --manifest FILE"
    )
