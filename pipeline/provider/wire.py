"""One HTTP exchange: the only code that touches aiohttp.

Owns the session, the headers, the key, and the translation of every transport failure into a CallError that says
whether the request left and whether an answer came.  Knows no path, no JSON and no retry.
"""

from __future__ import annotations

import contextlib
import io
import socket
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import aiohttp

from pipeline.errors import AccountError, CallError, ErrorClass
from pipeline.provider.proxies import Proxies
from pipeline.provider.refusals import refusal
from pipeline.provider.wording import Hider, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.provider.interface import Timeouts

SPARE_CONNECTIONS = 32
"""Connections beyond the calls in flight, for the polls of tasks that wait."""

IDLE_S = 4.0
"""An idle connection is not used again after this: shorter than common servers' own limit (Node and uvicorn 5 s, nginx
75 s).  A POST that meets a connection being closed would be in doubt."""

NAMES_S = 60
"""Host names are looked up again after this: each look-up takes a thread that may be decoding images."""

QUIET_S = 30
"""TCP keep-alive: a blocking call is silent for minutes, and gateways drop silent connections."""

HEADER_BYTES = 1 << 16
HEADERS_MOST = 1000
"""Room for the headers of an answer: a gateway may add many, and an answer that is refused for them was paid for."""

SMALL_BYTES = 1 << 20
"""aiohttp wants larger bodies as a file."""

NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
FAULTS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""Everything else that may come out of aiohttp: perhaps sent.  ValueError: a host name that cannot be encoded."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose status line arrived; ``cut`` says why its body is not whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: CallError | None = None

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return self.status // 100 == 2  # noqa: PLR2004  # 2xx, as RFC 9110 groups them


class Wire:
    """Sends requests of one key.  Use it inside one event loop."""

    def __init__(
        self,
        key: str,
        timeouts: Timeouts,
        *,
        concurrency: int | None = None,
        proxies: Proxies | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise AccountError(
                "the API key is empty or holds characters that no key has",
                ErrorClass.BAD_KEY,
                hint="set SEGMIND_API_KEY to the key as the provider's console shows it: SG_ and 16 more characters",
            )
        self.hide = Hider(key)
        self.timeouts = timeouts
        self.wall = wall
        self._bare = {"User-Agent": f"photobatch/{_version()}", "Accept-Encoding": "gzip, deflate"}
        self._keyed = {**self._bare, "x-api-key": key}
        self._sending = {**self._keyed, "Content-Type": "application/json"}
        self._limit = 0 if concurrency is None else concurrency + SPARE_CONNECTIONS
        self._proxies = Proxies() if proxies is None else proxies
        self._known_timeouts: dict[float, aiohttp.ClientTimeout] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """With the key and without: downloads that stall take no connection from a call that is to be paid."""
        self._closed = False

    async def post(self, url: str, body: bytes, *, total_s: float, most_bytes: int) -> Reply:
        """Send *body* as JSON, once; raises CallError unless a status line came back."""
        data = body if len(body) <= SMALL_BYTES else io.BytesIO(body)
        return await self._exchange("POST", url, self._sending, data, total_s=total_s, most_bytes=most_bytes)

    async def get(self, url: str, *, total_s: float, most_bytes: int, keyed: bool = True) -> Reply:
        """Ask for *url*, with the key only when *keyed*; raises CallError unless a status line came back."""
        headers = self._keyed if keyed else self._bare
        return await self._exchange("GET", url, headers, None, total_s=total_s, most_bytes=most_bytes)

    def refuse(self, reply: Reply) -> CallError:
        """Give the error that *reply*, no success, means."""
        return refusal(reply.status, self.text(reply), reply.headers, now=self.wall())

    def text(self, reply: Reply) -> str:
        """Give the body of *reply* as text without the key."""
        return self.hide(text_of(reply.body))

    async def close(self) -> None:
        """Close every connection; a second call does nothing."""
        self._closed = True
        for session in self._sessions.values():
            await session.close()

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], data: Any, *, total_s: float, most_bytes: int
    ) -> Reply:
        try:
            proxy = self._proxies.of(url)
            async with self._open(keyed=headers is not self._bare).request(
                method,
                url,
                headers=headers,
                data=data,
                timeout=self._timeout(total_s),
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
            ) as response:
                body, cut = await self._read(response, most_bytes)
                return Reply(response.status, response.headers, body, cut)
        except aiohttp.InvalidURL as fault:
            message = self.hide(f"no request can be sent to this URL: {fault}")
            raise CallError(message, ErrorClass.BAD_OUTPUT, sent=False, answered=False) from fault
        except FAULTS as fault:
            raise self._no_answer(fault) from fault

    async def _read(self, response: aiohttp.ClientResponse, most_bytes: int) -> tuple[bytes, CallError | None]:
        """Read the body; when it breaks off or is too long, give what came and why."""
        chunks: list[bytes] = []
        size = 0
        try:
            while chunk := await response.content.readany():
                chunks.append(chunk)
                size += len(chunk)
                if size > most_bytes:
                    response.close()
                    return b"", CallError(
                        f"the answer is larger than {most_bytes:,} bytes",
                        ErrorClass.BAD_OUTPUT,
                        http_status=response.status,
                    )
        except FAULTS as fault:
            return b"".join(chunks), self._broken_off(fault, response.status)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks), None

    def _no_answer(self, fault: Exception) -> CallError:
        slow = isinstance(fault, TimeoutError)
        sent = not isinstance(fault, NEVER_SENT)
        if sent:
            what = "no answer in time" if slow else "the connection broke before an answer came"
        else:
            what = "no connection in time" if slow else "no connection"
        return CallError(
            self.hide(f"{what} ({_name(fault)})"),
            ErrorClass.TIMEOUT if slow else ErrorClass.CONNECTION,
            sent=sent,
            answered=False,
        )

    def _broken_off(self, fault: Exception, status: int) -> CallError:
        slow = isinstance(fault, TimeoutError)
        return CallError(
            self.hide(f"the answer {'did not end in time' if slow else 'broke off'} ({_name(fault)})"),
            ErrorClass.TIMEOUT if slow else ErrorClass.CONNECTION,
            http_status=status,
        )

    def _timeout(self, total_s: float) -> aiohttp.ClientTimeout:
        if total_s not in self._known_timeouts:
            connect_s = self.timeouts.connect_s
            self._known_timeouts[total_s] = aiohttp.ClientTimeout(
                # `connect` as well: a POST that waits for a place among the connections was not sent.
                total=connect_s + total_s,
                connect=connect_s,
                sock_connect=connect_s,
            )
        return self._known_timeouts[total_s]

    def _open(self, *, keyed: bool) -> aiohttp.ClientSession:
        if self._closed:
            raise CallError(
                "the connection to the provider was closed", ErrorClass.INTERRUPTED, sent=False, answered=False
            )
        if keyed not in self._sessions:
            self._sessions[keyed] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._limit,
                    keepalive_timeout=IDLE_S,
                    ttl_dns_cache=NAMES_S,
                    socket_factory=_keep_alive_socket,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                max_line_size=HEADER_BYTES,
                max_field_size=HEADER_BYTES,
                max_headers=HEADERS_MOST,
                trust_env=False,
            )
        return self._sessions[keyed]


def _name(fault: Exception) -> str:
    said = " ".join(str(fault).split())[:200]
    return said or type(fault).__name__


def _version() -> str:
    try:
        return version("photobatch")
    except PackageNotFoundError:
        return "0"


def _keep_alive_socket(address: Any) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    # The option has another name on macOS, and none on old Windows.
    option = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
    with contextlib.suppress(OSError):  # a call without it is better than none
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if option is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, QUIET_S)
    return made
