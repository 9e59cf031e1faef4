"""Where the provider lives: three host roots, and one root for everything when a stand-in is used.

Owns the addresses and their check.  Knows nothing of what is asked there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

from pipeline.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Hosts:
    """The host roots, without a trailing slash: calls and balance, uploads, request history."""

    api: str
    upload: str
    history: str

    @classmethod
    def real(cls) -> Hosts:
        """The provider's own hosts (docs.segmind.com, and the ``segmind`` package 1.3.0)."""
        return cls("https://api.segmind.com", "https://workflows-api.segmind.com", "https://api.spotprod.segmind.com")

    @classmethod
    def at(cls, base_url: str) -> Hosts:
        """Everything under the one root *base_url*; raises RecipeError unless it is a plain http(s) host root."""
        root = _root(base_url)
        return cls(root, root, root)

    def is_api(self, url: str) -> bool:
        """Tell whether *url*, which somebody else wrote, is on the API host: there it may carry the key."""
        # With the slash: "https://api.segmind.com.evil" and "https://api.segmind.com@evil" start with the bare root.
        return url.startswith(self.api + "/")

    def blocking(self, endpoint: str) -> str:
        """Where a blocking call of *endpoint* is sent."""
        return f"{self.api}/v1/{_part(endpoint)}"

    def queue(self, endpoint: str) -> str:
        """Where a task for *endpoint* is queued."""
        return f"{self.api}/v2/{_part(endpoint)}"

    def status(self, request_id: str) -> str:
        """Where the status of a queued task is read."""
        return f"{self.api}/v2/requests/{quote(request_id, safe='')}/status"

    def response(self, request_id: str) -> str:
        """Where the result of a queued task is read."""
        return f"{self.api}/v2/requests/{quote(request_id, safe='')}"

    @property
    def credits(self) -> str:
        """Where the balance is read; the cheapest check of a key."""
        return f"{self.api}/v1/get-user-credits"

    @property
    def assets(self) -> str:
        """Where input images are uploaded."""
        return f"{self.upload}/upload-asset"

    @property
    def requests(self) -> str:
        """Where the request history is read."""
        return f"{self.history}/inference-request/request-history"


@lru_cache(maxsize=100)
def _part(endpoint: str) -> str:
    """The slug of an endpoint as a part of a path."""
    return quote(endpoint, safe="")


def _root(base_url: str) -> str:
    hint = "give the host alone, like https://api.segmind.com or http://127.0.0.1:8787"
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError as error:
        raise RecipeError(f"base URL {base_url!r} is not a URL: {error}", hint=hint) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise RecipeError(f"base URL {base_url!r} has no http:// or https:// host", hint=hint)
    if parts.username is not None or parts.password is not None:
        raise RecipeError("the base URL must not hold a user name or password", hint=hint)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise RecipeError(f"base URL {base_url!r} is more than a host; /v1, /v2 and so on are added to it", hint=hint)
    if any(mark.isspace() for mark in parts.netloc) or "\\" in parts.netloc:
        raise RecipeError(f"base URL {base_url!r} is not a URL: its host has a space or a backslash", hint=hint)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
