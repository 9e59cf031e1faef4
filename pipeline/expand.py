"""Rows times steps: what each row of a manifest asks for.

Pure: looks at cells, never at files or the network.  Owns a recipe tied to a manifest's columns, and what a task
manifest, whose rows name their own endpoint, means.  A single step is `boundstep`, or `alike` for many rows at once.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from pipeline import endpoints
from pipeline.alike import AlikeRows
from pipeline.binding import Binding
from pipeline.boundstep import BoundStep
from pipeline.cells import image_of
from pipeline.endpoints import Endpoint
from pipeline.endpoints.parameters import nearest
from pipeline.errors import ErrorClass, RecipeError
from pipeline.recipe import ENDPOINT_COLUMN, Recipe, Step
from pipeline.task import Row, State
from pipeline.template import Template
from pipeline.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.alike import Alike, Plain
    from pipeline.binding import Pricing
    from pipeline.boundstep import Identify

IMAGE_COLUMN = re.compile(
    r"(product|main|base)?(image|img|photo|picture)(url|link|src|file|path)?|url(image|img|photo)"
)
"""Names of image columns in tables of no known shop, without blanks and underscores."""
TOGETHER = 100
"""Rows worth expanding at a time: one unusual row makes no more than these take the long way."""


class BoundRecipe:
    """A recipe tied to a manifest's columns: expands one row after another.

    ``identify`` finds an image and says what its content is known by; it raises BadImage.  ``plain`` may say of many
    images at once that nothing but their addresses identifies them; when it says no, they are asked about singly.
    """

    def __init__(
        self,
        recipe: Recipe,
        columns: Sequence[str],
        key: str,
        identify: Identify,
        *,
        plain: Plain = lambda _images: False,
        price_of: Pricing = Endpoint.price_of,
    ) -> None:
        self.recipe = recipe
        self.columns = tuple(columns)
        self.key_template = key
        self._key = Template.parse(key).bind(columns)
        self._keys = Template.parse(key).bind_columns(columns)
        self._identify = identify
        self._plain = plain
        self._price_of = price_of
        self.warnings: Counter[str] = Counter()
        self.rows_without_image = 0
        self.first_without_image: list[int] = []
        self._by_slug: dict[str, BoundStep | RecipeError] = {}
        if recipe.from_rows:
            self._endpoint_at = columns.index(_endpoint_column(columns))
            self._warn_about_near_misses()
        else:
            self.steps = [self._bound(with_image(step, columns, recipe.image_default)) for step in recipe.steps]
            self._alike = [AlikeRows(step.binding) for step in self.steps]

    def key(self, row: Row) -> str:
        """The row's name in outputs and ledger; may be empty, which the planner refuses."""
        return self._key(row.cells).strip()

    def fixed_images(self) -> Iterator[str]:
        """The images that the recipe names for every row."""
        for step in [] if self.recipe.from_rows else self.steps:
            yield from step.fixed_images()

    def image_refs(self, row: Row) -> Iterator[str]:
        """The images that *row* names, as it names them."""
        for step in self._steps_of(row):
            if isinstance(step, BoundStep):
                yield from step.image_refs(row)

    def image_refs_of(self, rows: Sequence[Row]) -> Iterator[str]:
        """The images that *rows* name."""
        if self.recipe.from_rows:
            return chain.from_iterable(map(self.image_refs, rows))
        renders = [part.render for step in self.steps for part in step.varying if part.image]
        return (image_of(render(row.cells)) for render in renders for row in rows)

    def wishes(self, key: str, row: Row) -> Iterator[Wish]:
        """What *row* asks for: one wish per step; none where the image is missing."""
        found = False
        for step in self._steps_of(row):
            if isinstance(step, Wish):
                found = True
                yield step._replace(key=key)
                continue
            wish = step.wish(key, row, self._identify)
            if wish is not None:
                found = True
                yield wish
        if not found:
            self.rows_without_image += 1
            if len(self.first_without_image) < 10:  # noqa: PLR2004  # enough for a message
                self.first_without_image.append(row.number)

    def together(self, rows: Sequence[Row]) -> tuple[list[str], list[Alike]] | None:
        """The keys of *rows*, and what they ask of each step; None where one of them needs `wishes`."""
        if self.recipe.from_rows:
            return None
        table = list(zip(*[row.cells for row in rows], strict=True))
        keys = list(map(str.strip, self._keys(table)))
        if not all(keys):
            return None
        asked = []
        for step in self._alike:
            alike = step.ask(table, self._plain)
            if alike is None:
                return None
            asked.append(alike)
        return keys, asked

    def _bound(self, step: Step) -> BoundStep:
        return BoundStep(Binding(step, self.columns, self.warnings, self._price_of))

    def _steps_of(self, row: Row) -> Sequence[BoundStep | Wish]:
        if not self.recipe.from_rows:
            return self.steps
        slug = row.cells[self._endpoint_at].strip()
        if slug not in self._by_slug:
            try:
                self._by_slug[slug] = self._bound(task_step(slug, self.columns))
            except RecipeError as error:
                self._by_slug[slug] = error
        step = self._by_slug[slug]
        return [_unusable(slug, row, step)] if isinstance(step, RecipeError) else [step]

    def _warn_about_near_misses(self) -> None:
        known = {name for endpoint in endpoints.every().values() for name in endpoint.fields}
        for column in self.columns:
            folded = column.strip().casefold()
            if folded not in known and (close := nearest(folded, sorted(known))) and len(folded) > 4:  # noqa: PLR2004  # short words are near everything
                self.warnings[f"column {column!r} is no parameter{close}"] += 1


def _endpoint_column(columns: Sequence[str]) -> str:
    for column in columns:
        if column.strip().casefold() == ENDPOINT_COLUMN:
            return column
    raise RecipeError(
        "nothing says what to do: there is no recipe and the manifest has no column 'endpoint'",
        hint="give --recipe FILE, or --endpoint SLUG with --set NAME=TEMPLATE",
    )


def task_step(slug: str, columns: Sequence[str]) -> Step:
    """The step that a task manifest's row means: columns named like the endpoint's parameters are parameters."""
    endpoint = endpoints.get(slug)
    by_name = {column.strip().casefold(): column for column in reversed(columns)}
    params = {name: f"{{{by_name[name.casefold()]}}}" for name in endpoint.fields if name.casefold() in by_name}
    return with_image(Step(name=slug, endpoint=slug, params=params), columns, "{image_url}")


def with_image(step: Step, columns: Sequence[str], default: str | None) -> Step:
    """*step* with its first image from the column of that name, from ``image_url``, or from the one like it."""
    images = endpoints.get(step.endpoint).images
    if default is None or not images or images[0] in step.params:
        return step
    choice = _image_column(columns, [images[0], default.strip("{}")])
    if choice is None:
        return step
    return Step(step.name, step.endpoint, {images[0]: f"{{{choice}}}", **step.params}, step.dedupe)


def _image_column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The column called like the first of *names* there is; else the only one that can hold nothing but images."""
    for name in names:
        for column in columns:
            if column.strip().casefold() == name.casefold():
                return column
    likely = [column for column in columns if IMAGE_COLUMN.fullmatch(re.sub(r"[\s_-]+", "", column).casefold())]
    return likely[0] if len(likely) == 1 else None


def _unusable(slug: str, row: Row, error: RecipeError) -> Wish:
    return Wish(
        key="",
        step=slug or "unknown",
        endpoint=slug,
        state=State.INVALID.value,
        fingerprint=None,
        params="{}",
        estimate_nano=None,
        reserve_nano=None,
        image_source=None,
        local=False,
        error_class=ErrorClass.BAD_REQUEST.value,
        error=f"row {row.number}, column {ENDPOINT_COLUMN}: {error}",
        column=ENDPOINT_COLUMN,
    )
