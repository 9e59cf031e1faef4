"""Get the input images of a call as the provider would: from its own storage, from a URL, or out of the body.

A rehearsal has no internet: a URL outside this machine becomes a `StandIn`, drawn later, or is refused in strict
mode.  Knows nothing of jobs and decodes nothing.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

from pipeline.sandbox.picture import sniff
from pipeline.sandbox.standin import Source, StandIn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.endpoints import Endpoint
    from pipeline.sandbox.library import Library

FETCH_S = 20.0
MAX_BYTES = 100_000_000
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class BadImage(ValueError):
    """An input image that cannot be had or is none; the message is the provider's."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"Invalid input image: {field}: {reason}")


class ImageSource:
    """Resolves the image fields of a call."""

    def __init__(self, assets: Library, outputs: Library, *, strict: bool) -> None:
        self._shelves = {"assets": assets, "outputs": outputs}
        self._strict = strict
        self._session: aiohttp.ClientSession | None = None

    async def load(self, endpoint: Endpoint, params: Mapping[str, Any]) -> dict[str, Source]:
        """Every image that *params* name, by parameter; raises BadImage."""
        return {name: await self._one(name, params[name]) for name in endpoint.images if params.get(name)}

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    async def _one(self, field: str, text: str) -> Source:
        if text.startswith("data:"):
            return _checked(field, from_data_url(field, text))
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"}:
            return _checked(field, _from_base64(field, text))
        if parts.hostname not in LOOPBACK:
            return self._stand_in(field, text)
        return _checked(field, await self._local(field, text, parts.path))

    def _stand_in(self, field: str, url: str) -> StandIn:
        if self._strict:
            raise BadImage(field, f"{urlsplit(url).hostname} cannot be reached")
        return StandIn(url)

    async def _local(self, field: str, url: str, path: str) -> bytes:
        # By path, whatever the port: a restarted sandbox has another one, and its clients remember the old URLs.
        shelf, _, name = path.strip("/").partition("/")
        if shelf in self._shelves and (held := self._shelves[shelf].get(name)) is not None:
            return held
        return await self._fetched(field, url)

    async def _fetched(self, field: str, url: str) -> bytes:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=FETCH_S)
            self._session = aiohttp.ClientSession(timeout=timeout, trust_env=False)
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                    raise BadImage(field, f"{url} answered {response.status}")
                data = await response.content.read(MAX_BYTES + 1)
                while len(data) <= MAX_BYTES and not response.content.at_eof():
                    data += await response.content.read(MAX_BYTES + 1)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BadImage(field, f"{url} cannot be fetched") from error
        if len(data) > MAX_BYTES:
            raise BadImage(field, f"{url} is larger than {MAX_BYTES} bytes")
        return data


def from_data_url(field: str, text: str) -> bytes:
    """The bytes of a ``data:...;base64,`` URL; raises BadImage."""
    head, comma, payload = text.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadImage(field, "not a base64 data URL")
    return _from_base64(field, payload)


def _from_base64(field: str, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadImage(field, "neither a URL nor base64") from error


def _checked(field: str, data: bytes) -> bytes:
    if sniff(data) is None:
        raise BadImage(field, "not an image" if data else "empty")
    return data
