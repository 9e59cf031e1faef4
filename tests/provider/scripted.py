"""A server that plays a script byte by byte: what it sends, where it stops, how it hangs up."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.errors import CallError

KEY = "SG_0123456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 20


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Act:
    """What the server does: sends bytes, then keeps the connection, ends it, resets it, or falls silent."""

    data: bytes = b""
    then: str = "keep"  # keep, close, reset, silence


def http(
    status: int = 200, body: bytes | str | dict[str, Any] | list[Any] = b"", headers: dict[str, str] | None = None
) -> Act:
    """A whole answer."""
    given = {name.lower(): value for name, value in (headers or {}).items()}
    if isinstance(body, dict | list):
        body = json.dumps(body)
        given.setdefault("content-type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    given.setdefault("content-length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return Act(f"HTTP/1.1 {status} Some Words\r\n{head}\r\n".encode() + body)


def cut(act: Act, at: int, then: str = "close") -> Act:
    """The first *at* bytes of an answer, then the end."""
    return Act(act.data[:at], then)


@dataclass
class Script:
    """Plays acts in order; the last one is repeated.  Acts may be given per path."""

    base_url: str = ""
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    acts: list[Act] = field(default_factory=list)
    by_path: dict[str, list[Act]] = field(default_factory=dict)
    handlers: set[asyncio.Task[None]] = field(default_factory=set)
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    def plays(self, *acts: Act) -> None:
        self.acts = list(acts)

    def at(self, path: str, *acts: Act) -> None:
        self.by_path[path] = list(acts)

    def paths(self) -> list[str]:
        return [request.path.partition("?")[0] for request in self.asked]

    def next(self, path: str) -> Act:
        acts = self.by_path.get(path.partition("?")[0], self.acts)
        if not acts:
            return http(500, {"error": f"nothing scripted for {path}"})
        return acts.pop(0) if len(acts) > 1 else acts[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        handler = asyncio.current_task()
        assert handler is not None
        self.handlers.add(handler)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.handlers.discard(handler)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = dict(_header(line) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append(Asked(method, path, headers, body))
        act = self.next(path)
        writer.write(act.data)
        await writer.drain()
        if act.then == "silence":
            await self.silent.wait()
        if act.then == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        return act.then == "keep"


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name.lower(), value


class Notes:
    """A throttle that writes down what it hears."""

    def __init__(self) -> None:
        self.polls = 0
        self.errors: list[CallError] = []

    def polled(self) -> None:
        """Status requests are counted by the server."""

    async def before_poll(self) -> None:
        self.polls += 1

    def limited(self, error: CallError) -> None:
        self.errors.append(error)
