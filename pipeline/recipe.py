"""Recipes: what to do with every row, as steps on endpoints with templates over the row's columns.

Owns the TOML format and its checks.  Knows endpoints and templates, never rows, files of images or HTTP.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.endpoints.parameters import nearest
from pipeline.errors import RecipeError
from pipeline.template import Template
from pipeline.words import reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STEP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ENDPOINT_COLUMN = "endpoint"


@dataclass(frozen=True)
class Step:
    """One endpoint call per row.  Text values are templates; other values are sent as they are."""

    name: str
    endpoint: str
    params: Mapping[str, Any]
    dedupe: bool = True
    """False: equal bodies are paid for each, because the seed is meant to differ."""

    def templates(self) -> dict[str, Template]:
        """The text parameters, parsed; raises RecipeError naming the parameter."""
        found = {}
        for name, value in self.params.items():
            if isinstance(value, str):
                try:
                    found[name] = Template.parse(value)
                except RecipeError as error:
                    raise RecipeError(f"step {self.name!r}, {name}: {error}", hint=error.hint) from error
        return found


@dataclass(frozen=True)
class Recipe:
    """The steps of a run.  ``steps`` is empty for a task manifest, whose rows name their own endpoint."""

    steps: tuple[Step, ...]
    name: str = ""
    key: str | None = None
    """Template of the row's name in outputs and ledger; None: chosen from the columns."""
    checks: Mapping[str, Any] = field(default_factory=dict)
    """Thresholds of the output checks that the report shows."""
    image_default: str | None = None
    """Template for the first image field of a step that names none (recipes from flags only)."""

    @property
    def from_rows(self) -> bool:
        """True when each row of the manifest names its own endpoint and parameters."""
        return not self.steps

    def as_json(self) -> str:
        """The recipe as canonical JSON text: equal recipes give equal text."""
        steps = [
            {"name": s.name, "endpoint": s.endpoint, "params": dict(s.params), "dedupe": s.dedupe} for s in self.steps
        ]
        return json.dumps(
            {"name": self.name, "key": self.key, "steps": steps, "checks": dict(self.checks)},
            sort_keys=True,
            ensure_ascii=False,
            default=str,
        )

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe that `as_json` wrote; an image that its step left out is looked for as it was then."""
        data = json.loads(text)
        steps = tuple(Step(**step) for step in data["steps"])
        return cls(steps, data["name"], data["key"], data["checks"], image_default="{image_url}")

    def with_settings(self, settings: Mapping[str, str]) -> Recipe:
        """The recipe with *settings* in every step whose endpoint knows the parameter; raises RecipeError."""
        steps = list(self.steps)
        for name, value in settings.items():
            fitting = [n for n, step in enumerate(steps) if name in endpoints.get(step.endpoint).fields]
            if not fitting:
                known = sorted({field for step in steps for field in endpoints.get(step.endpoint).fields})
                raise RecipeError(f"--set {name}: no step has such a parameter{nearest(name, known)}")
            for n in fitting:
                steps[n] = replace(steps[n], params={**steps[n].params, name: value})
        return replace(self, steps=tuple(steps))

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a TOML recipe; raises RecipeError naming the file and the line."""
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise RecipeError(f"{path}: cannot be read: {reason(error)}", hint="is the path right?") from error
        except UnicodeDecodeError as error:
            raise RecipeError(f"{path}: is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from error
        try:
            return cls.from_dict(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"{path}: not valid TOML: {error}", hint="text values need quotes") from error
        except RecipeError as error:
            raise RecipeError(f"{path}: {error}", hint=error.hint) from error

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """A recipe from its parsed TOML; raises RecipeError for anything unknown, wrong or missing."""
        _only(data, {"recipe", "step", "checks"}, "the recipe")
        head = _table(data, "recipe")
        _only(head, {"name", "key"}, "[recipe]")
        steps = data.get("step", [])
        if not isinstance(steps, list) or not steps:
            raise RecipeError("the recipe has no steps", hint="add a [[step]] with name, endpoint and params")
        recipe = cls(
            steps=tuple(_step(number, step) for number, step in enumerate(steps, 1)),
            name=_text(head, "name", "[recipe]") or "",
            key=_text(head, "key", "[recipe]"),
            checks=_table(data, "checks"),
        )
        _distinct(step.name for step in recipe.steps)
        _no_second_images(recipe.steps)
        return recipe

    @classmethod
    def one_step(cls, endpoint: str, settings: Iterable[str] = ()) -> Recipe:
        """A recipe from ``--endpoint`` and ``--set NAME=TEMPLATE``; its first image may be left to ``image_url``."""
        slug = endpoints.get(endpoint).slug
        return cls(
            steps=(Step(name=slug, endpoint=slug, params=parse_settings(settings)),),
            image_default="{image_url}",
        )


def parse_settings(settings: Iterable[str], *, flag: str = "--set", form: str = "NAME=VALUE") -> dict[str, str]:
    """``NAME=TEMPLATE`` pairs as a dict; raises RecipeError for one without ``=``."""
    params: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise RecipeError(f"{flag} {setting!r} has no name", hint=f"write {flag} {form}")
        params[name.strip()] = value
    return params


def _step(number: int, step: Any) -> Step:
    place = f"step {number}"
    if not isinstance(step, dict):
        raise RecipeError(f"{place} is not a table", hint="write [[step]]")
    _only(step, {"name", "endpoint", "params", "dedupe"}, place)
    slug = _text(step, "endpoint", place)
    if slug is None:
        raise RecipeError(f"{place} names no endpoint", hint="`photobatch endpoints` lists them")
    try:
        endpoint = endpoints.get(slug)
    except RecipeError as error:
        raise RecipeError(f"{place}: {error}", hint=error.hint) from error
    name = _text(step, "name", place) or slug
    if not STEP_NAME.fullmatch(name):
        raise RecipeError(
            f"{place}: the name {name!r} cannot be a file name",
            hint="use up to 64 letters, digits, dots, dashes and underscores",
        )
    dedupe = step.get("dedupe", True)
    if not isinstance(dedupe, bool):
        raise RecipeError(f"{place}: dedupe must be true or false, not {dedupe!r}")
    params = _table(step, "params")
    for param in params:
        if param not in endpoint.fields:
            raise RecipeError(
                f"{place} ({name}): {slug} has no parameter {param!r}{nearest(param, list(endpoint.fields))}",
                hint=f"`photobatch endpoints {slug}` lists them",
            )
    return Step(name=name, endpoint=slug, params=params, dedupe=dedupe)


def _only(table: Mapping[str, Any], known: set[str], place: str) -> None:
    for name in table:
        if name not in known:
            raise RecipeError(f"{place} has an unknown entry {name!r}{nearest(name, sorted(known))}")


def _table(parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = parent.get(name, {})
    if not isinstance(table, dict):
        raise RecipeError(f"{name!r} must be a table, not {table!r}")
    return dict(table)


def _text(table: Mapping[str, Any], name: str, place: str) -> str | None:
    value = table.get(name)
    if value is not None and not isinstance(value, str):
        raise RecipeError(f"{place}: {name} must be text, not {value!r}")
    return value


def _distinct(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise RecipeError(f"two steps are called {name!r}", hint="outputs are named after steps: rename one")
        seen.add(name.casefold())


def _no_second_images(steps: Sequence[Step]) -> None:
    """Refuse ``scene-2`` beside a ``scene`` that makes several images: its second one has that name."""
    several = {step.name.casefold(): step for step in steps if endpoints.get(step.endpoint).images_by is not None}
    for step in steps:
        first, _, number = step.name.casefold().rpartition("-")
        if first in several and number.isdecimal():
            raise RecipeError(
                f"the step {step.name!r} is named like a further image of the step {several[first].name!r}",
                hint="outputs are named after steps: rename one",
            )
