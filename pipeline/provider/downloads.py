"""Fetching outputs: free, from any host, without our key unless the host is the provider's API itself."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from pipeline.errors import CallError, ErrorClass
from pipeline.provider.pictures import decode_data_uri

if TYPE_CHECKING:
    from pipeline.provider.free import FreeRequests
    from pipeline.provider.wire import Reply
    from pipeline.task import Picture

REDIRECTS_MOST = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})

GONE = frozenset({401, 403, 404, 410})
"""What storage answers when an output is not there, or not any more."""

MAYBE_LATER = frozenset({403, 404})
"""An output may appear some moments after its task is finished; storage says 403 as well where it hides names."""


class Downloads:
    """Fetches outputs."""

    def __init__(self, free: FreeRequests) -> None:
        self._free = free

    async def fetch(self, picture: Picture) -> bytes:
        """Give the bytes of *picture*; raises CallError, LOST when the output is not there any more."""
        if picture.data is not None:
            return picture.data
        if not picture.url:
            raise CallError("the output has neither bytes nor a URL", ErrorClass.BAD_OUTPUT)
        if picture.url[:5].lower() == "data:":
            return _inline(picture.url)
        url = self._address(self._free.hosts.api + "/", picture.url)
        return await self._free.repeat(lambda: self._follow(url), also=_may_appear)

    async def _follow(self, url: str) -> bytes:
        for _ in range(REDIRECTS_MOST + 1):
            reply = await self._get(url)
            if reply.status not in REDIRECTS:
                return self._whole(reply, url)
            url = self._address(url, reply.headers.get("Location", ""))
        raise CallError(f"the output is behind more than {REDIRECTS_MOST} redirects", ErrorClass.BAD_OUTPUT)

    async def _get(self, url: str) -> Reply:
        limits = self._free.wire.timeouts
        await self._free.turn(url)
        return await self._free.wire.get(
            url,
            total_s=limits.fetch_s,
            most_bytes=limits.max_output_bytes,
            keyed=self._free.hosts.is_api(url),
        )

    def _address(self, base: str, url: str) -> str:
        """Give *url*, which may be relative to *base*; raises CallError unless HTTP reaches it."""
        try:
            whole = urljoin(base, url)
            parts = urlsplit(whole)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            shown = self._free.wire.hide(url[:200])
            raise CallError(f"the output has a URL that cannot be fetched: {shown}", ErrorClass.BAD_OUTPUT)
        return whole

    def _whole(self, reply: Reply, url: str) -> bytes:
        if reply.status in GONE:
            raise CallError(
                f"the output is not at {urlsplit(url).hostname} any more (HTTP {reply.status})",
                ErrorClass.LOST,
                http_status=reply.status,
                body_start=self._free.wire.refuse(reply).body_start,
            )
        return self._free.checked(reply, url).body


def _may_appear(error: CallError) -> bool:
    return error.http_status in MAYBE_LATER


def _inline(uri: str) -> bytes:
    data = decode_data_uri(uri)
    if data is None:
        raise CallError("the output is a data URI that cannot be decoded", ErrorClass.BAD_OUTPUT, body_start=uri[:200])
    return data
