"""The file of `sandbox --faults`: a list of rules or an object, as the documents say; and what a wrong one gets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.sandboxing import options_from
from pipeline.errors import RecipeError

if TYPE_CHECKING:
    from pipeline.sandbox import SandboxOptions

ROOT = Path(__file__).resolve().parents[2]
RULE = {"match": {"kind": "submit", "nth": 1}, "fault": "502"}


def chosen(faults: Any, *rates: str, seed: int = 0) -> SandboxOptions:
    return options_from(
        latency="fast",
        rpm=0,
        limit_kind="fixed",
        prices="typical",
        credits_usd=1.0,
        edit="instant",
        faults=faults,
        fault_rates=list(rates),
        seed=seed,
    )


def test_the_documented_file_is_played() -> None:
    text = (ROOT / "docs" / "developer.md").read_text(encoding="utf-8")
    [block] = re.findall(r'```json\n(\{"rules".*?)```', text, re.DOTALL)

    options = chosen(json.loads(block), "502=0.5")

    assert [rule["fault"] for rule in options.faults] == ["502", "429"]
    assert (options.fault_rates, options.seed) == ({"drop-after": 0.01, "502": 0.5}, 7)


def test_a_list_of_rules_is_played_too() -> None:
    assert chosen([RULE], seed=3) == chosen({"rules": [RULE], "seed": 3})


@pytest.mark.parametrize(
    ("faults", "says"),
    [("502", "not str"), ({"rule": [RULE]}, "did you mean rules"), ([{"match": {}}], "at least a fault")],
)
def test_a_wrong_file_is_refused_with_a_hint(faults: Any, says: str) -> None:
    with pytest.raises(RecipeError, match="--faults: ") as refused:
        chosen(faults)

    assert says in str(refused.value)
    assert refused.value.hint
