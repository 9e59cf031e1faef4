"""A job file: what to do every night, in one TOML file; read strictly, each value with where it came from.

A flag counts more than a variable of the environment, a variable more than the file, the file more than the default.
Paths are relative to the job file.  Owns no entry (`jobs.entries`) and starts nothing.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.entries import BY_PLACE, ENTRIES, PATHS, TABLES
from pipeline.endpoints.parameters import nearest
from pipeline.errors import ManifestError, RecipeError
from pipeline.paths import exists, local_path
from pipeline.recipe import Recipe
from pipeline.words import reason

if TYPE_CHECKING:
    from jobs.entries import Entry

INLINE = ("recipe", "step", "checks")
"""Tables of a recipe that stands in the job file itself."""


@dataclass(frozen=True)
class Job:
    """One job, read and checked.  ``values`` by place, such as ``money.cap_night``; paths are absolute."""

    path: Path
    values: Mapping[str, Any]
    recipe: Recipe
    origins: Mapping[str, str] = field(default_factory=dict)
    """By place, where a value came from; ``default`` for the others."""

    def __getitem__(self, place: str) -> Any:
        return self.values[place]

    @property
    def name(self) -> str:
        """What the job is called in messages."""
        return self.path.stem

    @property
    def out(self) -> Path:
        """The result folder."""
        return Path(self.values["out"])

    def manifest(self) -> str:
        """The manifest as it is now: of a pattern, the newest file.  Raises ManifestError when there is none."""
        named = str(self.values["manifest"])
        if "://" in named or named == "-" or exists(Path(named)):
            return named
        files = [path for path in _matching(named, self.path.absolute().parent) if path.is_file()]
        if not files:
            raise ManifestError(f"{named}: there is no such file", hint=f"{self.path}: is manifest right?")
        return str(max(files, key=lambda path: (path.stat().st_mtime_ns, path.name)))


def load(path: Path, flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Job:
    """Read the job file *path*; raises RecipeError naming file, entry and remedy.

    *flags* are values by place that were given on the command line; None stands for "not given".
    """
    data = _read(path)
    given = _given(path, data)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for entry in ENTRIES:
        raw, origin = _newest(entry, given, flags or {}, os.environ if environment is None else environment)
        if origin == "default":
            values[entry.place] = entry.default
            continue
        origins[entry.place] = origin
        values[entry.place] = _checked(entry, raw, path if origin == "job file" else Path(origin))
    _require(path, values)
    recipe = _recipe(path, data, values)
    return Job(path, _absolute(values, path.absolute().parent), recipe, origins)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RecipeError(
            f"{path}: cannot be read: {reason(error)}", hint="`photobatch init MANIFEST` writes a job file"
        ) from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not valid TOML: {error}", hint="text values need quotes") from error


def _given(path: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the file by place; raises RecipeError for an entry that nobody knows."""
    given: dict[str, Any] = {}
    tops = [entry.name for entry in ENTRIES if not entry.table]
    for name, value in data.items():
        if name in INLINE and not (name == "recipe" and isinstance(value, str)):
            continue
        if name in TABLES:
            if not isinstance(value, dict):
                raise RecipeError(f"{path}: {name} must be a table: [{name}]")
            given |= {f"{name}.{inner}": each for inner, each in value.items()}
        elif name in tops:
            given[name] = value
        else:
            raise _unknown(path, name, [*tops, *TABLES, *INLINE])
    for place in given:
        if place not in BY_PLACE:
            raise _unknown(path, place, list(BY_PLACE))
    return given


def _unknown(path: Path, name: str, known: list[str]) -> RecipeError:
    table, _, inner = name.rpartition(".")
    elsewhere = [entry.table for entry in ENTRIES if entry.name == inner]
    if elsewhere:
        right = f"into [{elsewhere[0]}]" if elsewhere[0] else "above the first table"
        return RecipeError(f"{path}: there is no entry {name!r}", hint=f"{inner} belongs {right}")
    near = [each for each in known if each.startswith(f"{table}.")] if table else known
    return RecipeError(f"{path}: there is no entry {name!r}{nearest(name, near)}", hint=f"known: {', '.join(near)}")


def _newest(
    entry: Entry, given: Mapping[str, Any], flags: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[Any, str]:
    """The value that counts, and where it came from."""
    if flags.get(entry.place) is not None:
        return flags[entry.place], "flag"
    if entry.from_environment and environment.get(entry.variable):
        return environment[entry.variable], entry.variable
    if entry.place in given:
        return given[entry.place], "job file"
    return None, "default"


def _checked(entry: Entry, value: Any, origin: Path) -> Any:
    try:
        return entry.check(value)
    except ValueError as error:
        raise RecipeError(
            f"{origin}: {entry.place} = {value!r} {error}", hint=f"for example: {entry.name} = {entry.example}"
        ) from error


def _require(path: Path, values: Mapping[str, Any]) -> None:
    for entry in ENTRIES:
        if entry.required and values[entry.place] is None:
            raise RecipeError(f"{path}: there is no {entry.place}", hint=f"add: {entry.name} = {entry.example}")
    if values["money.cap_file"] is not None and values["money.cap_month"] is None:
        raise RecipeError(f"{path}: cap_file counts the month's money, and there is no cap_month", hint="add cap_month")


def _recipe(path: Path, data: Mapping[str, Any], values: Mapping[str, Any]) -> Recipe:
    """The recipe that stands in the file, or that it names; without either, the manifest names the endpoints."""
    if isinstance(values["recipe"], str):
        if "step" in data or "checks" in data:
            raise RecipeError(f"{path}: names a recipe file and has steps of its own", hint="keep one of them")
        return Recipe.load(path.absolute().parent / local_path(values["recipe"]))
    inline = {name: data[name] for name in INLINE if name in data}
    if not inline:
        return Recipe(steps=())
    try:
        return Recipe.from_dict(inline)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}", hint=error.hint) from error


def _absolute(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    found = dict(values)
    for place in PATHS:
        if found[place] is not None:
            found[place] = folder / local_path(found[place])
    named = str(found["manifest"])
    if "://" not in named and named != "-":
        found["manifest"] = str(folder / local_path(named))
    return found


def _matching(pattern: str, base: Path) -> list[Path]:
    """What *pattern* means; the names of the folders above *base* are no patterns."""
    if not has_magic(pattern):
        return []
    if Path(pattern).is_relative_to(base):
        return list(base.glob(Path(pattern).relative_to(base).as_posix()))
    return [Path(found) for found in glob(pattern, recursive=True)]  # noqa: PTH207  # Path.glob takes no absolute pattern
