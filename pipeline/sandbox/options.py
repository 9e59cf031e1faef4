"""Everything about the sandbox that can be switched, and the check that a switch makes sense.

Where the provider's own words conflict or say nothing, there is a switch instead of a guess.  Knows nothing of
HTTP.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.endpoints.parameters import nearest
from pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

SANDBOX_KEY = "SG_" + "5a" * 8
"""A key of the provider's form (``SG_`` and 16 hexadecimal digits) that the sandbox accepts by default."""

HOUR_S = 3600.0
WEEK_S = 7 * 24 * HOUR_S

_WORDS: dict[str, tuple[str, ...]] = {
    "rpm_window": ("fixed", "sliding", "bucket"),
    "reset_format": ("iso", "datetime", "epoch", "none"),
    "v1_one": ("bytes", "json"),
    "v1_many": ("list", "urls"),
    "v2_output": ("auto", "string", "list"),
    "upload_answer": ("file_urls", "urls", "list"),
    "history_body": ("repr", "json", "object", "imageless", "none"),
    "edit": ("studio", "simple", "instant"),
}
_NOT_NEGATIVE = (
    "cold_boot_s",
    "rpm",
    "credits",
    "free_credits",
    "record_ttl_s",
    "output_ttl_s",
    "history_lag_s",
)


@dataclass(frozen=True)
class SandboxOptions:
    """How this sandbox behaves; raises InputError for a value that makes no sense."""

    latency: Literal["fast", "real"] | float = "fast"
    """``fast``: 20 to 50 ms; ``real``: the endpoint's typical time with spread; or seconds."""
    cold_boot_s: float = 0.0
    """Extra seconds of the first call of each endpoint."""
    gateway_timeout_s: float | None = None
    """After so long a ``/v1`` call is answered 504 while its job goes on, and is billed."""

    rpm: int = 0
    """Calls per minute and key; 0: no limit."""
    rpm_window: Literal["fixed", "sliding", "bucket"] = "fixed"
    rpm_burst: int | None = None
    """Depth of the bucket; None: one second's worth, at least 1."""
    polls_count: bool = False
    """Whether the free calls (polls, balance, history, uploads) count towards the limit."""
    reset_format: Literal["iso", "datetime", "epoch", "none"] = "iso"
    """How ``x-rate-limit-reset-at-utc`` is written; none: it is not sent."""

    prices: Literal["typical", "random"] | float | Mapping[str, float] = "typical"
    """``random``: inside the documented range; a number: USD per call; a mapping: USD by endpoint."""
    credits: float = 10_000.0
    """Paid credits (USD) before anything was billed, also by earlier processes on the same folder."""
    free_credits: float = 0.0
    spend_limit: float | None = None
    """USD that the team may spend; beyond it calls are answered 406."""

    keys: tuple[str, ...] = ()
    """The only good keys; empty: every key that begins with SG_, except SG_bad..."""
    forbidden: tuple[str, ...] = ()
    """Endpoints that answer 403."""
    retired: tuple[str, ...] = ()
    """Endpoints that answer 410."""

    unknown_status: int = 400
    """Answer to a parameter that the endpoint does not have."""
    missing_status: int = 400
    """Answer to a missing required parameter (406 in one of the provider's tables)."""
    value_status: int = 400
    """Answer to a value out of range or of the wrong type (provider: 400, 406, 422 or 500)."""
    late_validation: bool = False
    """True: ``/v2`` accepts every body and the job fails later with 422."""

    v1_one: Literal["bytes", "json"] = "bytes"
    """``json``: ``/v1`` wraps its image in JSON, as the pages' ``response.json()`` expects."""
    v1_many: Literal["list", "urls"] = "list"
    """Several images of one ``/v1`` call: base64 or URLs."""
    v2_output: Literal["auto", "string", "list"] = "auto"
    v2_images: bool = True
    """Whether results carry ``images[]``."""
    upload_answer: Literal["file_urls", "urls", "list"] = "file_urls"
    history_body: Literal["repr", "json", "object", "imageless", "none"] = "repr"
    """How the history writes ``request_body``: Python's repr, JSON text, an object, one without images, or not."""
    history_lag_s: float = 0.0
    """A job appears in the history so long after it was accepted."""
    record_ttl_s: float = HOUR_S
    """Status and result are forgotten so long after the submit."""
    output_ttl_s: float = WEEK_S
    output_gone_status: int = 404

    edit: Literal["studio", "simple", "instant"] = "studio"
    """``studio``: the best local edit; ``simple``: a small one; ``instant``: one ready-made picture."""
    instant_size: tuple[int, int] | None = (64, 64)
    """Width and height of instant pictures; None: what the parameters ask for."""
    strict_images: bool = False
    """True: image URLs outside this machine are refused; False: a stand-in is drawn for them."""

    faults: tuple[Mapping[str, Any], ...] = ()
    """Scripted faults, see `pipeline.sandbox.faults`."""
    fault_rates: Mapping[str, float] = field(default_factory=dict)
    """Probability of each named fault, 0 to 1."""
    seed: int = 0
    """Of prices, latencies, drawn seeds and faults by probability."""

    def __post_init__(self) -> None:
        for name, words in _WORDS.items():
            _check_word(name, getattr(self, name), words)
        for name in _NOT_NEGATIVE:
            _check_amount(name, getattr(self, name))
        if isinstance(self.latency, str):
            _check_word("latency", self.latency, ("fast", "real"))
        else:
            _check_amount("latency", self.latency)
        _check_prices(self.prices)


def _check_word(name: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        raise InputError(
            f"sandbox option {name} is {value!r}, not one of {', '.join(words)}{nearest(str(value), list(words))}"
        )


def _check_amount(name: str, value: object) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    if not good:
        raise InputError(f"sandbox option {name} must be a number from 0 up, not {value!r}")


def _check_prices(prices: object) -> None:
    if isinstance(prices, str):
        _check_word("prices", prices, ("typical", "random"))
    elif isinstance(prices, int | float):
        _check_amount("prices", prices)
    else:
        for slug, amount in dict(prices).items():  # type: ignore[call-overload]  # the only other form is a mapping
            _check_amount(f"prices of {slug}", amount)
