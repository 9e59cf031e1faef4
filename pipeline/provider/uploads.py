"""Storing input images with the provider: free, so repeated like a GET."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

from pipeline.errors import CallError, ErrorClass
from pipeline.provider.wording import parsed, start_of

if TYPE_CHECKING:
    from pipeline.provider.free import FreeRequests

ANSWER_MOST_BYTES = 1_000_000

FIELDS = ("file_urls", "urls", "file_url", "url", "data")
"""Where the URL is: the pages say ``urls``, the ``segmind`` package 1.3.0 ``file_urls``."""


class Uploads:
    """Uploads input images."""

    def __init__(self, free: FreeRequests) -> None:
        self._free = free

    async def upload(self, data: bytes, content_type: str) -> str:
        """Store *data* and give its URL; raises CallError after several attempts."""
        # In a thread: 20 MB of image are 27 MB of text, and the loop has other calls to serve.
        body = await asyncio.to_thread(_body, data, content_type)
        return await self._free.repeat(lambda: self._once(body))

    async def _once(self, body: bytes) -> str:
        url = self._free.hosts.assets
        wire = self._free.wire
        await self._free.turn(url)
        reply = await wire.post(url, body, total_s=wire.timeouts.fetch_s, most_bytes=ANSWER_MOST_BYTES)
        found = _url_in(parsed(self._free.checked(reply, url).body))
        if found is None:
            text = wire.text(reply)
            raise CallError(
                "the upload was answered without a URL",
                ErrorClass.BAD_OUTPUT,
                http_status=reply.status,
                body_start=start_of(text),
            )
        return found


def _body(data: bytes, content_type: str) -> bytes:
    uri = f"data:{content_type};base64,{base64.b64encode(data).decode()}"
    return json.dumps({"data_urls": [uri]}).encode()


def _url_in(document: Any, depth: int = 3) -> str | None:
    if isinstance(document, str):
        return document if document.startswith(("http://", "https://")) else None
    if depth == 0:
        return None
    if isinstance(document, dict):
        document = [document[name] for name in FIELDS if name in document]
    if isinstance(document, list):
        return next((url for item in document if (url := _url_in(item, depth - 1))), None)
    return None
