"""From the sandbox command's flags to the sandbox's options."""

from __future__ import annotations

from typing import Any

from pipeline.errors import InputError, RecipeError
from pipeline.sandbox import SandboxOptions
from pipeline.sandbox.faults import plan_from

EXAMPLE = """such as [{"match": {"kind": "submit", "nth": 3}, "fault": "502"}]; docs/developer.md has the format"""


def options_from(
    *,
    latency: str,
    rpm: int,
    limit_kind: str,
    prices: str,
    credits_usd: float,
    edit: str,
    faults: Any,
    fault_rates: list[str],
    seed: int,
) -> SandboxOptions:
    """The options that the flags mean; raises InputError for a value that makes no sense."""
    rules, shares, seed = _script(faults, seed)
    return SandboxOptions(
        latency=_word_or_number(latency, "--latency", ("fast", "real")),
        rpm=rpm,
        rpm_window=limit_kind,  # type: ignore[arg-type]  # the options refuse other words
        prices=_word_or_number(prices, "--prices", ("typical", "random")),
        credits=credits_usd,
        edit=edit,  # type: ignore[arg-type]  # the options refuse other words
        faults=rules,
        fault_rates=shares
        | {name: _number(rate, "--fault-rate") for name, _, rate in (each.partition("=") for each in fault_rates)},
        seed=seed,
    )


def _script(faults: Any, seed: int) -> tuple[tuple[Any, ...], dict[str, float], int]:
    """(rules, shares, seed) of a file of faults: a list of rules, or an object; raises RecipeError."""
    if faults is None:
        return (), {}, seed
    try:
        plan = plan_from(faults)
    except InputError as error:
        raise RecipeError(f"--faults: {error}", hint=error.hint or EXAMPLE) from error
    if isinstance(faults, list):
        return tuple(faults), {}, seed
    return tuple(faults.get("rules", ())), dict(plan.rates), int(faults.get("seed", seed))


def _word_or_number(text: str, flag: str, words: tuple[str, ...]) -> Any:
    return text if text in words else _number(text, flag, words)


def _number(text: str, flag: str, words: tuple[str, ...] = ()) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise RecipeError(
            f"{flag} {text!r} makes no sense", hint=f"give {' or '.join((*words, 'a number'))}"
        ) from error
