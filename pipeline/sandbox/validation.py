"""Check a model call's body as strictly as the provider may.

The endpoint's own rules are kind to text from spreadsheets; a provider is not, so a value that had to be mended
counts as wrong here.  Knows nothing of HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.endpoints import BadParameters
from pipeline.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.endpoints import Endpoint
    from pipeline.sandbox.options import SandboxOptions


def checked(
    endpoint: Endpoint, body: Mapping[str, Any], options: SandboxOptions, *, as_text: bool = False
) -> dict[str, Any]:
    """*body* as the model takes it; raises Refusal with the first thing wrong.

    *as_text*: the body came as a form, where every value is text.
    """
    for name in endpoint.required:
        if name not in body:
            raise Refusal(options.missing_status, f"Missing required field: {name}")
    for name in body:
        if name not in endpoint.fields:
            raise Refusal(options.unknown_status, f"Unknown parameter: {name}")
    try:
        clean, _ = endpoint.validate(body)
    except BadParameters as error:
        raise Refusal(options.value_status, f"Invalid parameter {error.problems[0]}") from error
    if not as_text:
        _refuse_mended(body, clean, options.value_status)
    return clean


def _refuse_mended(body: Mapping[str, Any], clean: Mapping[str, Any], status: int) -> None:
    for name, sent in body.items():
        if isinstance(sent, str) and clean[name] != sent:
            raise Refusal(status, f"Invalid parameter {name}: {sent!r} is not accepted, expected {clean[name]!r}")
