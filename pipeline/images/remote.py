"""Look at remote images before money is spent: a ranged GET of the first 64 kB says what a URL really holds.

Finds the login page, the 404, the empty file, the HEIC and the picture that is too large, and tells whether a picture
changed since the last time.  Follows redirects itself, checking each hop (see `addresses`).  Sends no key and no
cookie.  Knows neither manifests nor the provider.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from pipeline.images.addresses import PrivateAddress, why_private
from pipeline.images.decode import Limits, UnreadableImage, check_bytes, check_header
from pipeline.images.errors import BadInput
from pipeline.images.guard import Guard
from pipeline.images.prepare import examine
from pipeline.images.references import Kind, classify
from pipeline.images.remote_facts import RemoteFacts, Validators

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

HEAD_BYTES = 65_536
"""How much of each image is fetched."""
_MAX_REDIRECTS = 5
_TRIES = 2
_NEEDS_LOGIN = frozenset((401, 402, 403, 407))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_RANGE = {"Range": f"bytes=0-{HEAD_BYTES - 1}"}
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}


class _Unusable(Exception):
    """The URL holds no image we can use; ``passing`` as in RemoteFacts."""

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


class HostPace:
    """Space the requests to each host: at most *per_s* in a second, evenly."""

    def __init__(
        self, per_s: float, *, now: Callable[[], float], sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._gap_s = 1 / per_s
        self._now = now
        self._sleep = sleep
        self._free_at: dict[str, float] = {}

    async def admit(self, host: str) -> None:
        """Return when the next request to *host* may start."""
        now = self._now()
        start = max(now, self._free_at.get(host, now))
        self._free_at[host] = start + self._gap_s  # book, then sleep: no slot is shared
        if start > now:
            await self._sleep(start - now)


def guarded_session(guard: Guard, *, connections: int, timeout_s: float) -> aiohttp.ClientSession:
    """A session that connects only where *guard* lets it, with no cookies and no proxy of the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, resolver=guard),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


async def check_remote(
    urls: Iterable[str],
    *,
    known: Callable[[str], Validators | None] = lambda _: None,
    allow_private: bool = False,
    per_host_per_s: float = 10.0,
    concurrency: int = 32,
    timeout_s: float = 20.0,
    limits: Limits | None = None,
    guard: Guard | None = None,
    sessions: Callable[..., aiohttp.ClientSession] = guarded_session,
) -> AsyncIterator[RemoteFacts]:
    """Yield facts about each of *urls*, in the order in which answers come; memory does not grow with their number.

    ``known`` gives the validators of an earlier look.  ``guard`` and ``sessions`` replace name resolution and
    transport.
    """
    guard = guard or Guard(ThreadedResolver(), (lambda _: "") if allow_private else why_private)
    pace = HostPace(per_host_per_s, now=asyncio.get_running_loop().time)
    async with sessions(guard, connections=concurrency, timeout_s=timeout_s) as session:
        look = Look(session, guard, pace, limits or Limits())
        waiting: set[asyncio.Task[RemoteFacts]] = set()
        try:
            for url in urls:
                waiting.add(asyncio.create_task(look.at(url, known(url)), name=f"check {url}"))
                if len(waiting) >= concurrency:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        yield task.result()
            for next_done in asyncio.as_completed(waiting):
                yield await next_done
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


class Look:
    """One look at a URL after the other, through one session."""

    def __init__(self, session: aiohttp.ClientSession, guard: Guard, pace: HostPace, limits: Limits) -> None:
        self._session = session
        self._guard = guard
        self._pace = pace
        self._limits = limits

    async def at(self, url: str, known: Validators | None = None) -> RemoteFacts:
        """Facts about *url*; never raises for what the network or the server did."""
        reference = classify(url, allow_private=True)
        if reference.kind is not Kind.URL:
            return RemoteFacts(url, problem=reference.reason or "it is no URL")
        for last in (False, True):
            try:
                return await self._follow(url, known or Validators())
            except _Unusable as error:
                if last or not error.passing:
                    return RemoteFacts(url, problem=str(error), passing=error.passing)
        raise AssertionError

    async def _follow(self, url: str, known: Validators) -> RemoteFacts:
        target = _parsed(url)
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await self._get(target, _HEADERS | _RANGE | _conditions(known))
            if isinstance(answer, _Answer) and answer.dislikes_ranges():
                answer = await self._get(target, _HEADERS)
            if isinstance(answer, _Answer):
                return await self._judge(url, target, answer, known)
            target = answer
        raise _Unusable(f"it redirects more than {_MAX_REDIRECTS} times")

    async def _get(self, target: URL, headers: dict[str, str]) -> _Answer | URL:
        """One request: the answer, or where it redirects to."""
        if target.scheme not in ("http", "https") or not target.host:
            raise _Unusable(f"it redirects to {target}, which is no web address")
        await self._pace.admit(target.host)
        try:
            self._guard.refuse_literal(target.host)
            async with self._session.get(target, headers=headers, allow_redirects=False) as response:
                location = response.headers.get("Location")
                if response.status in _REDIRECTS and location:
                    return target.join(_parsed(location))
                body = b"" if response.status >= HTTPStatus.BAD_REQUEST else await _first_bytes(response)
                return _Answer(
                    response.status,
                    response.reason or "",
                    {name.lower(): value for name, value in response.headers.items()},
                    body,
                )
        except PrivateAddress as error:
            raise _Unusable(f"{error}; --allow-private fetches from there") from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _no_answer(target, error) from error

    async def _judge(self, url: str, target: URL, answer: _Answer, known: Validators) -> RemoteFacts:
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return RemoteFacts(url, unchanged=True, final_url=str(target), validators=known)
        _refuse_status(answer)
        found = answer.validators()
        if found.size_bytes is not None and found.size_bytes > self._limits.max_bytes:
            size, limit = found.size_bytes / 1e6, self._limits.max_bytes / 1e6
            raise _Unusable(f"it has {size:.1f} MB, more than the limit of {limit:g} MB")
        behind = f", behind a redirect to {target.with_query(None)}" if target != _parsed(url) else ""
        try:
            kind = check_bytes(answer.body, self._limits).name
            header = check_header(answer.body, self._limits)
            if len(answer.body) == found.size_bytes:  # the whole file: it can be decoded at once
                await asyncio.to_thread(examine, answer.body, limits=self._limits)
        except UnreadableImage as error:
            raise _Unusable(f"{error}{behind}") from error
        except BadInput as error:
            raise _Unusable(f"{error.reason}{behind}") from error
        return RemoteFacts(
            url,
            unchanged=known.same_image(found),
            kind=kind,
            width=header.width if header else None,
            height=header.height if header else None,
            final_url=str(target),
            validators=found,
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    """The words behind the status."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def dislikes_ranges(self) -> bool:
        """416 for a file that is not empty, as some servers answer when a file is shorter than the range."""
        is_empty = self.headers.get("content-range", "").endswith("/0")
        return self.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and not is_empty

    def validators(self) -> Validators:
        total = re.search(r"/(\d+)$", self.headers.get("content-range", ""))
        length = total[1] if total else self.headers.get("content-length", "") if self.status == HTTPStatus.OK else ""
        size_bytes = int(length) if length.isdigit() else None
        if size_bytes is None and len(self.body) < HEAD_BYTES:
            size_bytes = len(self.body)
        digest = hashlib.sha256(self.body).hexdigest()
        return Validators(self.headers.get("etag", ""), self.headers.get("last-modified", ""), size_bytes, digest)


def _parsed(url: str) -> URL:
    """*url* as it is written, since servers and signatures may mind; quoted only when it cannot be sent so."""
    try:
        target = URL(url, encoded=url.isascii() and " " not in url)
        target.host  # noqa: B018  # raises for an xn-- name that stands for nothing
    except ValueError as error:
        raise _Unusable("it is no valid URL") from error
    return target


def _conditions(known: Validators) -> dict[str, str]:
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in conditions.items() if value}


async def _first_bytes(response: aiohttp.ClientResponse) -> bytes:
    """At most HEAD_BYTES of the body; a server that ignores the range is cut off."""
    parts: list[bytes] = []
    missing = HEAD_BYTES
    while missing > 0 and (part := await response.content.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _refuse_status(answer: _Answer) -> None:
    said = f"{answer.status} {answer.reason}".strip()
    if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise _Unusable("it is empty (0 bytes)")
    if answer.status in _NEEDS_LOGIN:
        raise _Unusable(f"the server answers {said}: it needs a login or a signed link")
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in (408, 425, 429):
        raise _Unusable(f"the server answers {said}", passing=True)
    if answer.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise _Unusable(f"the server answers {said}")


def _no_answer(target: URL, error: Exception) -> _Unusable:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        if isinstance(error.os_error, PrivateAddress):
            return _Unusable(f"{error.os_error}; --allow-private fetches from there")
        return _Unusable(f"there is no host {target.host}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _Unusable(f"the certificate of {target.host} is not valid")
    if isinstance(error, (aiohttp.InvalidURL, ValueError)) and not isinstance(error, aiohttp.ClientConnectionError):
        return _Unusable("it is no valid URL")
    words = "in time" if isinstance(error, TimeoutError) else f"({error or type(error).__name__})"
    return _Unusable(f"{target.host} does not answer {words}", passing=True)
