"""Every entry that a job file may have: its place, its kind, its default and what it means, on one page.

The parser, `photobatch init`, `photobatch config` and the reference are made from this table.  Knows no files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.morning import OUTCOMES
from pipeline.durations import seconds
from pipeline.endpoints.parameters import nearest
from pipeline.errors import RecipeError
from pipeline.tally import FailureLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.  ``check`` turns a value of the file into the one that is used; it raises ValueError."""

    table: str
    """Its table, empty at the top."""
    name: str
    check: Callable[[Any], Any]
    example: str
    """As it is written in TOML."""
    meaning: str
    default: Any = None
    required: bool = False
    from_environment: bool = True
    """Whether ``PHOTOBATCH_<NAME>`` counts more than the file."""

    @property
    def place(self) -> str:
        """Its full name."""
        return f"{self.table}.{self.name}" if self.table else self.name

    @property
    def variable(self) -> str:
        """Its variable of the environment."""
        return f"PHOTOBATCH_{self.name.upper()}"


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text in quotes")
    return value


def switch(value: Any) -> bool:
    """True or false; from the environment as a word."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    if not isinstance(value, bool):
        raise ValueError("must be true or false, without quotes")  # noqa: TRY004  # the caller knows one error
    return value


def amount(value: Any) -> float:
    """A number from 0 up."""
    number = _number(value)
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def whole(value: Any) -> int:
    """A whole number from 1 up."""
    number = _number(value)
    if number < 1 or number != int(number):
        raise ValueError("must be a whole number from 1 up")
    return int(number)


def code(value: Any) -> int:
    """An exit code."""
    number = _number(value)
    if number != int(number) or not 0 <= number <= 255:  # noqa: PLR2004  # what a shell can see
        raise ValueError("must be a whole number from 0 to 255")
    return int(number)


def duration(value: Any) -> str:
    """A duration such as 25s."""
    try:
        seconds(text(value), name="it")
    except RecipeError as error:
        raise ValueError(f"is no duration; {error.hint}") from error
    return str(value)


def moment(value: Any) -> str:
    """A duration, or a time of day."""
    from datetime import UTC, datetime

    from pipeline.durations import moment as parsed

    try:
        parsed(text(value), datetime(2000, 1, 1, tzinfo=UTC))
    except RecipeError as error:
        raise ValueError(f"is neither a duration nor a time of day; {error.hint}") from error
    return str(value)


def failures(value: Any) -> str:
    """A count, or a share such as 5%."""
    words = str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)
    try:
        FailureLimit.parse(words)
    except RecipeError as error:
        raise ValueError(f"is neither a count nor a share; {error.hint}") from error
    return words


def one_of(*words: str) -> Callable[[Any], str]:
    """One of *words*."""

    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}{nearest(str(value), list(words))}")
        return str(value)

    return check


def several(check: Callable[[Any], str]) -> Callable[[Any], list[str]]:
    """A list whose members pass *check*; from the environment separated by blanks."""

    def each(value: Any) -> list[str]:
        members = value.split() if isinstance(value, str) else value
        if not isinstance(members, list):
            raise ValueError('must be a list, such as ["a", "b"]')  # noqa: TRY004  # the caller knows one error
        return [check(member) for member in members]

    return each


def prices(value: Any) -> dict[str, float]:
    """USD by endpoint."""
    if not isinstance(value, dict):
        raise ValueError("must be a table of endpoint = USD")  # noqa: TRY004  # the caller knows one error
    return {str(slug): amount(usd) for slug, usd in value.items()}


ENTRIES = (
    Entry("", "manifest", text, '"catalog-*.csv"', "A file, a folder of images, or a pattern: the newest file wins.",
          required=True, from_environment=False),
    Entry("", "recipe", text, '"recipe.toml"', "A recipe file; or write [recipe] and [[step]] into this file.",
          from_environment=False),
    Entry("", "out", text, '"out/shop"', "The result folder.", required=True, from_environment=False),
    Entry("", "key", text, '"{sku}"', "What names a row, unless the recipe says it.", from_environment=False),
    Entry("reading", "platform", text, '"shopify"', "Whose export it is; none for nobody's.", from_environment=False),
    Entry("reading", "images", text, '"images.csv"', "The separate image file of a Magento export."),
    Entry("reading", "encoding", text, '"cp1252"', "Default: UTF-8.", from_environment=False),
    Entry("reading", "encoding_errors", one_of("strict", "replace"), '"strict"', "What follows a wrong character.",
          "strict"),
    Entry("reading", "delimiter", text, '";"', "Default: counted in the header.", from_environment=False),
    Entry("reading", "image_base_url", text, '"https://cdn.example.com/"', "What relative images are relative to."),
    Entry("reading", "allow_private", switch, "false", "Images may be in a private network.", False),
    Entry("reading", "trust_urls", switch, "false", "Do not ask the servers whether remote images changed.", False),
    Entry("reading", "limit", whole, "100", "Only the first rows."),
    Entry("money", "cap_night", amount, "25.0", "USD for calls sent between noon and noon, however often it starts."),
    Entry("money", "cap_month", amount, "400.0", "USD per calendar month, over all jobs that name the same cap_file."),
    Entry("money", "cap_file", text, '"caps/segmind.db"', "Where the month's money is counted; the month is added to"
          " the name. Default: in the result folder."),
    Entry("money", "assume_price", prices, "{ my-endpoint = 0.05 }", "What a call of an endpoint without a known price"
          " costs at most.", from_environment=False),
    Entry("pace", "deadline", moment, '"06:00"', "Start no call that would not be finished by then: 06:00 or 4h."),
    Entry("pace", "rpm", amount, "60", "Calls per minute at most; 0: no limit. Default: start at 60 and learn."),
    Entry("pace", "concurrency", whole, "64", "Calls in flight at most."),
    Entry("pace", "api", one_of("queue", "sync"), '"queue"', "queue (submit, poll, fetch) or sync (one blocking call).",
          "queue"),
    Entry("pace", "max_failures", failures, '"5%"', "Stop at the Nth failure, or at a share of the newest."),
    Entry("pace", "grace", duration, '"25s"', "After SIGTERM, stop hard when calls in flight take longer than this."),
    Entry("pace", "settle_after", duration, '"5m"', "Age at which a call unknown to the provider was not billed.",
          "5m"),
    Entry("provider", "base_url", text, '"http://127.0.0.1:8787"', "Another provider's host root."),
    Entry("provider", "sandbox", switch, "false", "Rehearse on the embedded sandbox: free, no key.", False),
    Entry("output", "name", text, '"{key}/{step}"', "How outputs are called below images/, columns in braces."),
    Entry("output", "images_to", text, '"s3://bucket/shop"', "Write outputs and results to object storage as well."),
    Entry("output", "ai_label", switch, "true", "Mark outputs as made by AI.", True),
    Entry("output", "prune", switch, "false", "Move outputs of rows that left the manifest to superseded/.", False),
    Entry("output", "metrics_file", text, '"metrics.prom"', "Metrics for Prometheus' textfile collector."),
    Entry("output", "metrics_port", text, '"9108"', "Serve metrics while running, at [HOST:]PORT."),
    Entry("output", "empty_exit", code, "0", "Exit code when there was nothing to do.", 0),
    Entry("notify", "urls", several(text), '["$SLACK_URL"]', "Addresses of apprise; $NAME stands for a variable.", ()),
    Entry("notify", "on", several(one_of(*OUTCOMES)), '["failure", "cap"]', f"When: {', '.join(OUTCOMES)}.",
          ("success", "failure", "cap")),
)  # fmt: skip
"""All entries, in the order in which a job file shows them."""

BY_PLACE: Mapping[str, Entry] = {entry.place: entry for entry in ENTRIES}
TABLES = tuple(dict.fromkeys(entry.table for entry in ENTRIES if entry.table))
PATHS = frozenset({"recipe", "out", "reading.images", "money.cap_file", "output.metrics_file"})
"""Entries that are paths relative to the job file; the manifest is one as well, unless it is an address."""


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004  # the caller knows one error
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError("must be a number") from error
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    return number
