"""The proxy that breaks connections breaks them where it is told to."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
REQUEST = b"POST /v2/x HTTP/1.1\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def proxying(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    return import_module("certificate.proxy")


async def exchange(proxying: Any, cut: Any) -> tuple[bytes, bytes]:
    """(what the server got, what the client got) of one exchange through a proxy that makes *cut*."""
    got = bytearray()
    finished = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100):
                got.extend(data)
                if bytes(got) == REQUEST:
                    writer.write(ANSWER)
                    await writer.drain()
        except OSError:
            pass
        writer.close()
        finished.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy = proxying.Proxy("127.0.0.1", server.sockets[0].getsockname()[1], lambda _start: cut)
    port = int((await proxy.start()).rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    answer = bytearray()
    try:
        while len(answer) < len(ANSWER) and (data := await reader.read(100)):
            answer.extend(data)
    except OSError:
        pass
    writer.transport.abort()
    await finished.wait()
    await proxy.stop()
    server.close()
    return bytes(got), bytes(answer)


@pytest.mark.parametrize("after", range(0, len(REQUEST), 4))
async def test_a_request_ends_at_the_byte_where_it_is_cut(proxying: Any, after: int) -> None:
    got, answer = await exchange(proxying, proxying.Cut(up=True, after=after, reset=False))
    assert got == REQUEST[:after]
    assert answer == b""


@pytest.mark.parametrize("after", range(0, len(ANSWER), 6))
async def test_an_answer_ends_at_the_byte_where_it_is_cut(proxying: Any, after: int) -> None:
    got, answer = await exchange(proxying, proxying.Cut(up=False, after=after, reset=False))
    assert got == REQUEST
    assert answer == ANSWER[:after]


async def test_without_a_cut_everything_passes(proxying: Any) -> None:
    assert await exchange(proxying, None) == (REQUEST, ANSWER)
