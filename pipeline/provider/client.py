"""What both transports share: everything that is free, and the one paid request's way out.

Owns the composition.  `queue` and `sync` add what a paid request's answer means.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Self

from pipeline.errors import CallError, ErrorClass
from pipeline.jsontext import strict
from pipeline.provider.backoff import Backoff
from pipeline.provider.downloads import Downloads
from pipeline.provider.follow import Followers
from pipeline.provider.free import FreeRequests
from pipeline.provider.interface import Pacing, Timeouts, Unpaced
from pipeline.provider.memory import Memory
from pipeline.provider.uploads import Uploads
from pipeline.provider.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.provider.hosts import Hosts
    from pipeline.provider.proxies import Proxies
    from pipeline.task import Accepted, Answer, Picture, Remembered

DOCUMENTED_S = 30.0
"""The latency of an endpoint that nobody describes."""


class Client:
    """One account at the provider.  Use inside one event loop, as an async context or with ``close``."""

    def __init__(
        self,
        hosts: Hosts,
        key: str,
        *,
        timeouts: Timeouts | None = None,
        pacing: Pacing | None = None,
        latency_of: Callable[[str], float] = lambda _endpoint: DOCUMENTED_S,
        concurrency: int | None = None,
        backoff: Backoff | None = None,
        proxies: Proxies | None = None,
        clock: Callable[[], float] = time.time,
        chance: random.Random | None = None,
    ) -> None:
        """*latency_of* gives an endpoint's documented latency in seconds; *clock* gives Unix time.

        *concurrency* is the number of paid calls in flight, and bounds the connections; None sets no bound.
        Raises AccountError for a key that cannot be one.
        """
        self.hosts = hosts
        self.timeouts = timeouts or Timeouts()
        self._wire = Wire(key, self.timeouts, concurrency=concurrency, proxies=proxies, wall=clock)
        free = FreeRequests(
            self._wire,
            hosts,
            pacing or Unpaced(),
            backoff or Backoff(),
            chance or random.Random(),  # noqa: S311  # jitter
        )
        self._memory = Memory(free)
        self._downloads = Downloads(free)
        self._uploads = Uploads(free)
        self._followers = Followers(free, self._memory, latency_of)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    @property
    def name(self) -> str:
        """What the ledger calls this provider."""
        return self.hosts.api

    async def wait(self, endpoint: str, accepted: Accepted, *, submitted_s_ago: float = 0.0) -> Answer:
        """Wait until *accepted* is finished; free.

        Raises CallError with the request id: INFERENCE_FAILED; LOST when neither record nor history knows it;
        BAD_OUTPUT when it is finished without a picture; TIMEOUT after ``Timeouts.task_s``, when it is still
        submitted and can be waited for again.
        """
        return await self._followers.wait(endpoint, accepted, submitted_s_ago)

    async def fetch(self, picture: Picture) -> bytes:
        """Give the bytes of one output; free.  Raises CallError, LOST when the output is not there any more."""
        return await self._downloads.fetch(picture)

    async def upload(self, data: bytes, content_type: str) -> str:
        """Store an input image and give its URL; free."""
        return await self._uploads.upload(data, content_type)

    async def balance(self) -> int:
        """Give what the account can spend, in nano-dollars; free, and the cheapest check of the key."""
        return await self._memory.balance()

    async def history(self, endpoint: str, since: float, until: float) -> list[Remembered]:
        """Give every request to *endpoint* between two Unix times, and perhaps some around them; free.

        One entry per request, its outputs together and its cost once.  Raises CallError unless the history could be
        read to its end: what is not in the list was not remembered.
        """
        return await self._memory.history(endpoint, since, until)

    async def remembered(self, request_id: str) -> Remembered | None:
        """Give the provider's memory of one request, of any age; None when it has none.  Free."""
        return await self._memory.remembered(request_id)

    def hide(self, text: str) -> str:
        """Give *text*, which may hold bytes that somebody sent, without the key."""
        return self._wire.hide(text)

    async def close(self) -> None:
        """Close every connection."""
        await self._wire.close()


def serialised(body: Mapping[str, Any]) -> bytes:
    """Give *body* as JSON; raises CallError, nothing sent, for what JSON cannot say."""
    try:
        return strict(body)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"the parameters cannot be written as JSON: {error}"
        raise CallError(message, ErrorClass.BAD_INPUT, sent=False, answered=False) from error
