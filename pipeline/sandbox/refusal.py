"""The answer "no": an error that becomes a response with the provider's envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refusal(Exception):
    """A request that is answered with *status* and *body* (by default ``{"error": message}``)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = dict(body) if body is not None else {"error": message}
        self.headers = dict(headers or {})


def no_key() -> Refusal:
    """The client sent no key, or lost it on a redirect."""
    return Refusal(401, "Missing Authorization or x-api-key in header")


def bad_key() -> Refusal:
    """The key is unknown."""
    return Refusal(
        401, "Unauthorized. API key is invalid or may have expired. Please check your API key and try again."
    )


def forbidden(slug: str) -> Refusal:
    """The account may not call this model."""
    return Refusal(403, f"Forbidden. Your account does not have access to {slug}")


def retired(slug: str) -> Refusal:
    """The model is gone for good."""
    return Refusal(410, f"Model {slug} has been retired and is no longer available")


def no_credits(balance_usd: float, need_usd: float) -> Refusal:
    """The balance does not cover the estimate."""
    return Refusal(406, f"Insufficient credits. Balance: {balance_usd:.4f}, required: {need_usd:.4f}")


def over_limit(limit_usd: float) -> Refusal:
    """The team's spend limit would be passed."""
    return Refusal(406, f"Team spend limit of {limit_usd:.2f} USD reached")


def bad_content_type() -> Refusal:
    """Neither JSON nor a form."""
    return Refusal(406, "Invalid content type")


def rate_limited(headers: Mapping[str, str]) -> Refusal:
    """Too many calls in this window."""
    return Refusal(429, "Rate limit exceeded. Please try again later.", headers=headers)


def gone(request_id: str) -> Refusal:
    """The queue's record has expired or never was."""
    return Refusal(404, f"Request {request_id} not found")
