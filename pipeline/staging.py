"""From images as a task names them to URLs that the provider can fetch.

A web address is passed on.  A local file is checked, made readable for every endpoint, uploaded once per content,
and its URL is remembered in the ledger.  An object in a private bucket gets a presigned URL.  Nothing here costs
money.  Knows no prices and no policy.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline import endpoints
from pipeline.errors import CallError, ErrorClass, PipelineError
from pipeline.images.errors import BadInput
from pipeline.images.files import read_image_file
from pipeline.images.prepare import prepare
from pipeline.images.references import data_uri_bytes
from pipeline.outputs.hands import alone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pipeline.images.decode import Limits
    from pipeline.images.prepare import Prepared
    from pipeline.ledger import Ledger
    from pipeline.provider import Provider

UPLOAD_LASTS_S = 6 * 24 * 3600.0
"""An upload is used again for six days: the provider keeps generated files for seven, and says nothing of uploads."""
LONGEST_S = 900.0
"""Until one file was read and uploaded, retries included."""
AT_ONCE = 4
"""Files that are decoded and uploaded at the same time: bounds memory."""
PRESIGNED_S = 24 * 3600


class Presign(Protocol):
    """Gives an object in storage a web address."""

    def __call__(self, url: str, *, expires_s: float) -> Awaitable[str]:
        """An https URL by which anybody may read *url* for so many seconds."""


class Reads(Protocol):
    """Reads an image file: `images.files.read_image_file`, or its double in a test."""

    def __call__(self, path: Path, *, limits: Limits | None = None) -> bytes:
        """The bytes of the file *path*.  Blocking, on a dead network drive for ever.  Raises BadInput."""


class Staging:
    """Makes a task's images reachable for the provider.  One per run."""

    def __init__(
        self,
        ledger: Ledger,
        provider: Provider,
        *,
        clock: Callable[[], float],
        limits: Limits | None = None,
        presign: Presign | None = None,
        longest_s: float = LONGEST_S,
        stopped: Callable[[], bool] = lambda: False,
        read: Reads = read_image_file,
    ) -> None:
        """``stopped``: whether the run takes no new calls; then nothing more is read and uploaded for them."""
        self._ledger = ledger
        self._provider = provider
        self._clock = clock
        self._limits = limits
        self._presign = presign
        self._longest_s = longest_s
        self._stopped = stopped
        self._read = read
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Future[str]] = {}

    async def body(self, endpoint: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """*params* with every image as a URL; raises BadInput, CallError from the upload, and OSError never."""
        body = dict(params)
        for name in endpoints.get(endpoint).images:
            if isinstance(location := body.get(name), str):
                body[name] = await self._url(location)
        return body

    async def _url(self, location: str) -> str:
        if location.lower().startswith(("http://", "https://")):
            return location
        if location[:5].lower() == "data:":
            return await self._uploaded(data_uri_bytes(location), "inline image")
        if "://" in location:
            return await self._presigned(location)
        async with self._places:
            if self._stopped():
                raise CallError("the run is stopping", ErrorClass.INTERRUPTED, sent=False, answered=False)
            return await self._staged(location)

    async def _staged(self, location: str) -> str:
        """Read and upload a file, within the time limit: a dead network drive answers nothing at all."""
        try:
            async with asyncio.timeout(self._longest_s):
                read = partial(self._read, Path(location), limits=self._limits)
                data = await alone(read, name="reader")
                return await self._uploaded(data, location)
        except TimeoutError as error:
            text = f"{location} could not be read and uploaded within {self._longest_s:.0f} s"
            raise CallError(text, ErrorClass.TIMEOUT, sent=False) from error

    async def _presigned(self, location: str) -> str:
        if self._presign is None:
            raise BadInput(location, "it is in object storage, which is not set up")
        try:
            return await self._presign(location, expires_s=PRESIGNED_S)
        except PipelineError as error:
            raise BadInput(location, str(error)) from error

    async def _uploaded(self, data: bytes, name: str) -> str:
        ready = await asyncio.to_thread(prepare, data, limits=self._limits, name=name)
        known = await self._ledger.upload(ready.sha256, self._clock() - UPLOAD_LASTS_S)
        return known or await self._once(ready)

    async def _once(self, ready: Prepared) -> str:
        """Upload *ready*, or wait for whoever is uploading the same content."""
        if (other := self._under_way.get(ready.sha256)) is not None:
            return await asyncio.shield(other)
        mine: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._under_way[ready.sha256] = mine
        try:
            url = await self._provider.upload(ready.data, ready.content_type)
            await self._ledger.uploaded(ready.sha256, url)
        except BaseException as error:
            mine.set_exception(error if isinstance(error, Exception) else _given_up())
            mine.exception()  # nobody may be waiting for it: then it is not lost, it is raised here
            raise
        else:
            mine.set_result(url)
            return url
        finally:
            del self._under_way[ready.sha256]


def _given_up() -> CallError:
    """What those hear who wait for an upload that was cancelled: the cancellation itself would end them as well."""
    return CallError("the upload of the same image was given up", ErrorClass.TIMEOUT, sent=False)
