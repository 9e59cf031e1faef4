"""`photobatch init`: write a commented job and recipe for a manifest that was looked at; never overwrites."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from jobs import options
from jobs.console import on_one_line, say
from jobs.entries import ENTRIES, TABLES
from jobs.survey import Survey, survey
from jobs.wanting import source
from pipeline.destination import complete, named_by_user
from pipeline.errors import FolderError
from pipeline.paths import local_path
from pipeline.template import bare
from pipeline.words import many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.entries import Entry

JOB, RECIPE = "nightly.toml", "recipe.toml"
TO = options.option("--to", "The folder for both files.", parser=options.named)
ENDPOINT = "segmind-relighting-v2"
MOST_COLUMNS = 40
MOST_WARNINGS = 5


def init(
    manifest: options.Manifest,
    to: Annotated[Path, TO] = Path(),
    images: options.Images = None,
    encoding: options.Encoding = None,
    encoding_errors: options.EncodingErrors = "strict",
    delimiter: options.Delimiter = None,
) -> None:
    """Write nightly.toml and recipe.toml for a manifest: commented, and ready for a rehearsal. Overwrites nothing.

    Examples:
      photobatch init catalog.csv

      photobatch nightly nightly.toml --sandbox
    """
    reading = {"images": images, "encoding": encoding, "delimiter": delimiter}
    reading["encoding_errors"] = None if encoding_errors == "strict" else encoding_errors
    said = {name: value for name, value in reading.items() if value is not None}
    seen = survey(source(manifest), **said)
    texts = {to / JOB: job_text(manifest, seen, to, said)}
    if not seen.from_rows:
        texts[to / RECIPE] = recipe_text(manifest, seen)
    for path in texts:
        if path.exists():
            raise FolderError(f"{path} exists already", hint="nothing was written; choose another folder: --to DIR")
    to.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        with named_by_user(path), complete(path) as aside:
            aside.write_text(text, encoding="utf-8", newline="\n")
        say(f"wrote {path}")
    if not seen.from_rows and seen.key and seen.image and seen.illustrated:
        key, image = _column(seen.key), _column(seen.image)
        say(f"{many(seen.rows, 'row')}; a product is named by {key}, its photo is in {image}")
    for doubt in doubts(seen):
        say(f"please check: {doubt}")
    ready = seen.illustrated or seen.from_rows
    say(f"{'rehearse it' if ready else 'then rehearse it'}, at no cost:  photobatch nightly {to / JOB} --sandbox")


def doubts(seen: Survey) -> list[str]:
    """What could not be guessed, in sentences."""
    said = list(seen.warnings[:MOST_WARNINGS])
    if seen.headless is not None:
        said.append(f"{seen.headless!r} is the name of a column: has the manifest a first row with names?")
    if seen.key is None:
        said.append(f"nothing names the rows ({seen.key_reason}); set key in the recipe")
    if seen.image is None and not seen.from_rows:
        said.append("no column looks like images; set params.image in the recipe")
    if seen.image is not None and not seen.illustrated and not seen.from_rows:
        said.append(f"no row names an image: {_column(seen.image)} is empty everywhere")
    return said


def job_text(manifest: str, seen: Survey, folder: Path, reading: Mapping[str, str]) -> str:
    """The job file: what is needed and what was said of *reading*, then every other entry as a comment."""
    places = {name: _relative(value, folder) if name == "images" else value for name, value in reading.items()}
    given = {
        **{f"reading.{name}": quoted(value) for name, value in places.items()},
        "manifest": quoted(_relative(manifest, folder)),
        "recipe": "" if seen.from_rows else quoted(RECIPE),
        "out": quoted(f"out/{_stem(manifest)}"),
        "money.cap_night": f"{_cap_usd(seen):.1f}",
    }
    head = f"# What `photobatch nightly {JOB}` does.  Paths are relative to this file.\n"
    parts = [
        head,
        "# `photobatch config` shows every setting; lines that begin with # are not in force.\n",
        *(_line(entry, given.get(entry.name)) for entry in ENTRIES if not entry.table),
    ]
    for table in TABLES:
        parts.append(f"\n[{table}]\n")
        parts += [_line(entry, given.get(entry.place)) for entry in ENTRIES if entry.table == table]
    return "".join(parts)


def recipe_text(manifest: str, seen: Survey) -> str:
    """The recipe: one step that works as it stands, and a second one as a comment."""
    columns = [*map(bare, seen.columns[:MOST_COLUMNS]), *(["…"] if len(seen.columns) > MOST_COLUMNS else [])]
    notes = "".join(f"# {_one_line(note)}\n" for note in seen.notes)
    key = f"key = {quoted(_column(seen.key))}  # {_one_line(seen.key_reason)}" if seen.key else '# key = "{column}"'
    image = quoted(_column(seen.image or "image_url"))
    title = _column(seen.title) if seen.title else "product"
    return f"""\
# What is done with every row of {_one_line(manifest)} ({seen.rows:,} rows).
{notes}# A name in braces is a column: {_one_line(", ".join(columns))}
# `photobatch endpoints SLUG` lists what a step may say.

[recipe]
name = {quoted(_stem(manifest))}
{key}

# The same photo in studio light.
[[step]]
name = "studio"
endpoint = "{ENDPOINT}"
params.image = {image}
params.light_direction = "top"
params.light_type = "softbox"
params.light_temperature = "neutral"
params.light_intensity = "medium"
params.quality = "low"

# A second picture of every product: remove the # signs.
# [[step]]
# name = "scene"
# endpoint = "segmind-scenecraft-v01"
# params.image = {image}
# params.prompt = {quoted(f"{title} on an oak table, morning light")}
"""


def quoted(text: str) -> str:
    """*text* as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(entry: Entry, value: str | None) -> str:
    mark = "" if value else "# "
    return f"{mark}{entry.name} = {value or entry.example}  # {entry.meaning}\n"


def _cap_usd(seen: Survey) -> float:
    """Enough for the whole catalogue once, at the step's worst price; rounded up to five dollars."""
    from pipeline import endpoints

    price = endpoints.get(ENDPOINT).price_of({})
    worst_usd = (price.worst_nano if price else 0) / 1e9
    return max(5.0, 5 * math.ceil(seen.rows * worst_usd / 5))


def _relative(manifest: str, folder: Path) -> str:
    """*manifest* as the job file names it: relative to *folder* where that is possible."""
    if "://" in manifest or manifest == "-":
        return manifest
    path = local_path(manifest).absolute()
    try:
        return Path(os.path.relpath(path, folder.absolute())).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def _column(name: str) -> str:
    return f"{{{bare(name)}}}"


def _stem(manifest: str) -> str:
    return Path(manifest).stem or "shop"


def _one_line(text: str) -> str:
    return on_one_line(" ".join(text.split()))
