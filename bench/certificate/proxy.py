"""A TCP proxy that breaks exchanges: after so many bytes, in either direction, at any byte boundary.

It knows one thing of HTTP: a request begins with its method, so that bytes are counted from there.  Which exchange is
broken, and where, comes in as a plan per exchange.  Loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends a reset."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where an exchange breaks: after ``after`` bytes of the request (``up``) or of its answer, by reset or by end."""

    up: bool
    after: int
    reset: bool = True
    stall_s: float = 0.0
    """Silence before the break."""


@dataclass(slots=True)
class Exchange:
    """One request on a connection: what has passed since it began."""

    cut: Cut | None
    up: int = 0
    down: int = 0


class Proxy:
    """Listens for one server.  ``plan`` is asked with the first bytes of each request."""

    def __init__(self, host: str, port: int, plan: Callable[[bytes], Cut | None]) -> None:
        self._server_at = (host, port)
        self._plan = plan
        self._listener: asyncio.Server | None = None
        self.cuts = 0
        self.longest = {True: 0, False: 0}
        """Bytes of the longest planned exchange so far, upstream (True) and downstream."""

    async def start(self) -> str:
        """Listen; returns the base URL."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._server_at)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, writer, server_writer)
        ways = [
            asyncio.create_task(link.carry(reader, server_writer, up=True)),
            asyncio.create_task(link.carry(server_reader, writer, up=False)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        link.end(reset=link.broken_by is not None and link.broken_by.reset)

    def exchange(self, start: bytes) -> Exchange:
        """A new exchange, with what is to happen to it."""
        return Exchange(self._plan(start))


class _Link:
    """One connection of a client to the server."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._sides = (client, server)
        self._exchange: Exchange | None = None
        self.broken_by: Cut | None = None

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, up: bool) -> None:
        """Pass bytes on until the end, or until the cut."""
        while data := await source.read(CHUNK):
            if up and data.startswith((b"POST ", b"GET ")):
                self._exchange = self._proxy.exchange(data[:200])
            allowed = self._allowed(len(data), up=up)
            target.write(data[:allowed])
            await target.drain()
            if allowed is not None:
                await self._break()
                return

    def _allowed(self, size: int, *, up: bool) -> int | None:
        """How many of *size* bytes may still pass before the cut; None: all of them, no cut."""
        exchange = self._exchange
        if exchange is None:
            return None
        passed = exchange.up if up else exchange.down
        if up:
            exchange.up += size
        else:
            exchange.down += size
        cut = exchange.cut
        if cut is None:
            return None
        self._proxy.longest[up] = max(self._proxy.longest[up], passed + size)
        if cut.up is not up or passed + size < cut.after:
            return None
        return max(0, cut.after - passed)

    async def _break(self) -> None:
        assert self._exchange is not None
        self.broken_by = self._exchange.cut
        self._proxy.cuts += 1
        assert self.broken_by is not None
        if self.broken_by.stall_s:
            await asyncio.sleep(self.broken_by.stall_s)

    def end(self, *, reset: bool) -> None:
        """Close both sides."""
        for side in self._sides:
            if reset:
                with contextlib.suppress(OSError):  # this side has gone already
                    side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            side.transport.abort() if reset else side.close()
