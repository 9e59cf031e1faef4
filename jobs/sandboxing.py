"""From the sandbox command's flags to the sandbox's options."""

from __future__ import annotations

from typing import Any

from pipeline.errors import RecipeError
from pipeline.sandbox import SandboxOptions
from pipeline.sandbox.faults import plan_from


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
    if faults is not None:
        plan_from(faults)
    return SandboxOptions(
        latency=_word_or_number(latency, "--latency", ("fast", "real")),
        rpm=rpm,
        rpm_window=limit_kind,  # type: ignore[arg-type]  # the options refuse other words
        prices=_word_or_number(prices, "--prices", ("typical", "random")),
        credits=credits_usd,
        edit=edit,  # type: ignore[arg-type]  # the options refuse other words
        faults=tuple(faults or ()),
        fault_rates={
            name: _number(rate, "--fault-rate") for name, _, rate in (each.partition("=") for each in fault_rates)
        },
        seed=seed,
    )


def _word_or_number(text: str, flag: str, words: tuple[str, ...]) -> Any:
    return text if text in words else _number(text, flag, words)


def _number(text: str, flag: str, words: tuple[str, ...] = ()) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise RecipeError(
            f"{flag} {text!r} makes no sense", hint=f"give {' or '.join((*words, 'a number'))}"
        ) from error
