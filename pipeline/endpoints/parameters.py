"""The kinds of parameter that endpoint pages know, as pydantic types.

A value may come as text (a cell of a CSV) or as a TOML literal; both end as the JSON value that is sent.  A value
outside a documented list is an error; outside a list that is only inferred it is a warning, collected in the
validation context under ``WARNINGS``.  Knows nothing of single endpoints, HTTP or files.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

WARNINGS = "warnings"
YES = frozenset({"true", "yes", "1", "on"})
NO = frozenset({"false", "no", "0", "off"})
WHOLE = re.compile(r"[+-]?\d{1,40}", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
HUGE = 10**40
FEW = 13
"""Allowed values that a message lists."""
SHOWN = 80
"""Characters of a value that a message shows."""
LONGEST = 2**63
"""Whole numbers beyond 64 bits are a slip, and not every JSON reader keeps them."""


class Parameters(BaseModel):
    """Base of every endpoint's parameter model: unknown names are refused, nothing is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())


def wrong(message: str) -> PydanticCustomError:
    """The error of a validator: *message* says what the value must be, as in "must be a number, not 'x'"."""
    # The message goes through a template of pydantic's own: braces in user data must not be read as fields.
    return PydanticCustomError("parameter", "{message}", {"message": message})


def shown(value: object) -> str:
    """*value* for a message: a prompt of a thousand words would hide what is wrong with it."""
    if isinstance(value, int) and abs(value) >= HUGE:
        return "a number of more than 40 digits"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]}...{text[-SHOWN // 2 :]}"


def spoken_range(low: float | None, high: float | None) -> str:
    """``from 1 to 32``, ``at least 1``, ``at most 32``, or nothing."""
    if low is not None and high is not None:
        return f"from {low} to {high}"
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else ""


def whole_number(value: object) -> object:
    """``"25"``, ``25`` or ``"25.0"`` as ``25``; anything else is refused."""
    number = as_number(value)
    if isinstance(number, float):
        raise wrong(f"must be a whole number, not {shown(value)}")
    if not -LONGEST <= number < LONGEST:
        raise wrong(f"must fit into 64 bits, {shown(value)} is too long")
    return number


def as_number(value: object) -> int | float:
    """A finite number from text or a literal; integral values as ``int``, so that 2 and 2.0 are one body.

    Text is read as JSON and spreadsheets write numbers: Python's own ``1_000``, ``inf`` or Arabic digits are refused.
    """
    if isinstance(value, str):
        return _number_from_text(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(f"must be a number, not {shown(value)}")
    if isinstance(value, int) and abs(value) >= HUGE:
        raise wrong("must be a number of at most 40 digits")
    return value if isinstance(value, int) else _integral(value)


def _number_from_text(value: str) -> int | float:
    text = value.strip()
    if WHOLE.fullmatch(text):
        return int(text)  # not through float, which has only 53 bits: seeds may be longer
    if NUMBER.fullmatch(text):
        return _integral(float(text))
    raise wrong(f"must be a number, not {shown(value)}")


def _integral(number: float) -> int | float:
    if not math.isfinite(number):
        raise wrong(f"must be a finite number, not {number}")
    return int(number) if number.is_integer() else number


def flag(value: object) -> object:
    """``true``/``false`` as text, number or literal."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise wrong(f"must be true or false, not {shown(value)}")


def filled(value: str) -> str:
    """Text that says something: a required prompt of blanks would be paid for and wasted."""
    if not value.strip():
        raise wrong("must not be empty")
    return value


@dataclass(frozen=True, slots=True)
class ImageField:
    """Marks a parameter that names an image: a URL, or a local file that is uploaded first."""


@dataclass(frozen=True, slots=True)
class RandomSeed:
    """Marks a seed; ``value`` (or leaving it out, when None) asks the provider for a random one."""

    value: int | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """A closed list of allowed values; ``sure=False`` when the page abbreviates it and the rest is inferred."""

    values: tuple[Any, ...]
    sure: bool = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        described["enum" if self.sure else "examples"] = list(self.values)
        return described

    def _check(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        if value in self.values:
            return value
        folded = {str(allowed).casefold(): allowed for allowed in self.values}
        if (match := folded.get(str(value).strip().casefold())) is not None:
            return match
        message = f"{shown(value)} is not one of {self._listed()}{nearest(str(value), folded)}"
        if self.sure:
            raise wrong(message)
        _warn(info, message)
        return value

    def _listed(self) -> str:
        some = ", ".join(map(str, self.values[:FEW]))
        return some if len(self.values) <= FEW else f"{some} and {len(self.values) - FEW} more"


@dataclass(frozen=True, slots=True)
class Likely:
    """A range that the page does not give but its words imply: a number outside it is a warning."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def _check(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        if not self.low <= value <= self.high:
            _warn(info, f"{shown(value)} is probably refused: the usual range is {self.low} to {self.high}")
        return value


def _warn(info: core_schema.ValidationInfo, message: str) -> None:
    if info.context is not None:
        info.context.setdefault(WARNINGS, []).append(f"{info.field_name or 'value'}: {message}")


def nearest(word: str, names: dict[str, Any] | list[str]) -> str:
    """``; did you mean X?`` for the closest of *names*, or nothing."""
    known = names if isinstance(names, dict) else {name.casefold(): name for name in names}
    close = difflib.get_close_matches(word.casefold(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {known[close[0]]}?" if close else ""


def one_of(*values: Any) -> OneOf:
    """A documented list."""
    return OneOf(values)


def suggested(*values: Any) -> OneOf:
    """A list of which part is only inferred: a value outside it is a warning."""
    return OneOf(values, sure=False)


Whole = Annotated[int, BeforeValidator(whole_number)]
Number = Annotated[float, BeforeValidator(as_number), AfterValidator(_integral)]
Flag = Annotated[bool, BeforeValidator(flag)]
Text = Annotated[str, AfterValidator(filled), Field(json_schema_extra={"pattern": r"\S"})]
FreeText = str
# "uri-reference", not "uri": a local file's path is uploaded and replaced by its URL.
Image = Annotated[
    str, AfterValidator(filled), ImageField(), Field(json_schema_extra={"pattern": r"\S", "format": "uri-reference"})
]
