"""Read ``decisions.csv``: who is approved, who is rejected, and what shall be different the next time.

Columns ``key, step, decision, note, set``; and ``task_id`` where the gallery wrote the file: the task whose output was
looked at.  Further ones are ignored, lines without a decision are skipped.  Takes what spreadsheets make of the file: a
byte-order mark, semicolons or tabs, other letter case, the apostrophe that guards a formula.  Reports every wrong line
at once.  Knows neither the ledger nor parameters.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pipeline.endpoints.parameters import nearest
from pipeline.errors import InputError
from pipeline.ledger.export import FORMULA_STARTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COLUMNS = ("key", "step", "decision", "note", "set")
REQUIRED = COLUMNS[:3]
TASK = "task_id"
WORDS: dict[str, Literal["approve", "reject"]] = {
    "approve": "approve",
    "approved": "approve",
    "reject": "reject",
    "rejected": "reject",
}
SHOWN = 10
LONGEST_FIELD = 1 << 24
PAIR_ENDS = re.compile(r"(?<!\\);")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about the output of one task."""

    key: str
    step: str
    decision: Literal["approve", "reject"]
    note: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)
    """Parameters to change, as text; an empty text leaves an optional parameter out."""
    line: int | None = None
    """Where it stands in the file, from 1; None when it does not come from a file."""
    task: int | None = None
    """The task whose output was looked at; None when nobody said, and whichever is there is meant."""

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line else ""
        return f"{place}{self.key!r} at step {self.step!r}"


def read_decisions(path: Path) -> list[Decision]:
    """The decisions in the file *path*; raises InputError naming every line that cannot be understood."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint="is the path right?") from error
    try:
        return parse_decisions(_text(data))
    except InputError as error:
        raise InputError(f"{path}: {error}", hint=error.hint) from error


def parse_decisions(text: str) -> list[Decision]:
    """The decisions in the text of a CSV file; raises InputError."""
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False)
    try:
        places = _places(next(reader, []))
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}: {error}", hint="export the file again from the report") from error
    found, problems = [], []
    for number, cells in lines:
        try:
            decision = _decision(number, {name: _cell(cells, place) for name, place in places.items()})
        except ValueError as error:
            problems.append(f"line {number}: {error}")
        else:
            found += [decision] if decision else []
    problems += _contradictions(found)
    if problems:
        raise InputError(summed_up(problems), hint="correct these lines; nothing was applied")
    return list({(each.key, each.step): each for each in found}.values())


def parse_changes(text: str) -> dict[str, str]:
    r"""``NAME=VALUE`` pairs separated by ``;``, a semicolon within a value as ``\;``.  Raises ValueError."""
    changes: dict[str, str] = {}
    for pair in PAIR_ENDS.split(text):
        if not pair.strip():
            continue
        name, equals, value = pair.replace(r"\;", ";").partition("=")
        if not equals or not NAME.fullmatch(name.strip()):
            raise ValueError(rf"set: {pair.strip()!r} is not NAME=VALUE (a semicolon within a value is written \;)")
        if name.strip() in changes:
            raise ValueError(f"set: {name.strip()} is given twice")
        changes[name.strip()] = value.strip()
    return changes


def summed_up(problems: list[str]) -> str:
    """The first of *problems*, one per line, and how many there are besides."""
    rest = len(problems) - SHOWN
    return "\n".join([*problems[:SHOWN], *([f"... and {rest} more"] if rest > 0 else [])])


def _text(data: bytes) -> str:
    """Text of the file: UTF-8 with or without a mark, UTF-16 with one.  Raises InputError."""
    codec = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"line {line} is not {codec.removesuffix('-sig')} text",
            hint='save it as "CSV UTF-8", or export it again from the report',
        ) from error


def _delimiter(text: str) -> str:
    """What separates the names in the first line."""
    head = text.split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _places(header: list[str]) -> dict[str, int]:
    """Column numbers by name; raises InputError when one is missing or double."""
    names = [name.strip().casefold() for name in header]
    for name in REQUIRED:
        if name not in names:
            raise InputError(
                f"there is no column {name!r}{nearest(name, names)}",
                hint=f"the first line must name the columns: {','.join(COLUMNS)}",
            )
    known = (*COLUMNS, TASK)
    for name in known:
        if names.count(name) > 1:
            raise InputError(f"there are two columns {name!r}", hint="remove one of them")
    return {name: names.index(name) for name in known if name in names}


def _cell(cells: list[str], place: int) -> str:
    text = cells[place] if place < len(cells) else ""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def _decision(number: int, cells: Mapping[str, str]) -> Decision | None:
    """One line; None when it decides nothing.  Raises ValueError."""
    word = cells["decision"].strip().casefold()
    if not word:
        return None
    if word not in WORDS:
        raise ValueError(f"decision {cells['decision']!r} is neither approve nor reject{nearest(word, dict(WORDS))}")
    for name in ("key", "step"):
        if not cells[name].strip():
            raise ValueError(f"{name} is empty")
    changes = parse_changes(cells.get("set", ""))
    if changes and WORDS[word] == "approve":
        raise ValueError("an approved output is not made again, so set must be empty: reject it to change parameters")
    task = cells.get(TASK, "").strip()
    if task and not task.isdecimal():
        raise ValueError(f"{TASK} {task!r} is no number (it may be left empty)")
    note = " ".join(cells.get("note", "").split())
    named = int(task) if task else None
    return Decision(cells["key"].strip(), cells["step"].strip(), WORDS[word], note, changes, number, named)


def _contradictions(decisions: list[Decision]) -> Iterator[str]:
    first: dict[tuple[str, str], Decision] = {}
    for each in decisions:
        other = first.setdefault((each.key, each.step), each)
        if replace(other, line=each.line) != each:
            yield f"{each} is decided differently in line {other.line}: keep one of them"
