"""A provider that answers at once: what the client costs becomes visible because nothing else does.

Speaks as much of both transports as a run needs: ``/v1`` answers the image's bytes with the accounting headers,
``/v2`` accepts, is finished at the first look, and names the image's address.  Every answer is made beforehand.
Run it in a process and on a core of its own: `measuring.serving`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PRICE = b"0.05"
HEAD_END = b"\r\n\r\n"


class Double:
    """Prepared answers, and what was asked so far."""

    def __init__(self, image: bytes, base_url: str) -> None:
        self.image = image
        self.base_url = base_url.encode()
        self.numbers = itertools.count(1)
        self.counts = {"paid": 0, "first_paid": 0.0, "last_paid": 0.0}
        kind = b"png" if image.startswith(b"\x89PNG") else b"jpeg"
        self._picture = b"HTTP/1.1 200 OK\r\nContent-Type: image/%b\r\nContent-Length: %d" % (kind, len(image))

    def answer(self, method: bytes, path: bytes) -> list[bytes]:
        """The parts of the answer to one request."""
        if method == b"POST":
            return self._paid(path)
        if path.startswith(b"/v2/requests/"):
            return [self._task(path)]
        if path == b"/image.png":
            return [self._picture + HEAD_END, self.image]
        if path == b"/counts":
            return [_json(json.dumps(self.counts).encode())]
        return [_json(b'{"credits": 100000.0, "data": []}')]

    def _paid(self, path: bytes) -> list[bytes]:
        now = time.monotonic()
        self.counts["paid"] += 1
        self.counts["first_paid"] = self.counts["first_paid"] or now
        self.counts["last_paid"] = now
        number = b"r-%d" % next(self.numbers)
        if path.startswith(b"/v1/"):
            return [self._picture + b"\r\nx-cost: " + PRICE + b"\r\nx-request-id: " + number + HEAD_END, self.image]
        place = self.base_url + b"/v2/requests/" + number
        return [
            _json(
                b'{"request_id": "%b", "status": "QUEUED", "status_url": "%b/status", "response_url": "%b"}'
                % (number, place, place)
            )
        ]

    def _task(self, path: bytes) -> bytes:
        if path.endswith(b"/status"):
            return _json(b'{"status": "COMPLETED"}')
        number = path.rpartition(b"/")[2]
        return _json(
            b'{"request_id": "%b", "status": "COMPLETED", "output": ["%b/image.png?%b"], "metrics": {"cost": %b}}'
            % (number, self.base_url, number, PRICE)
        )


class Connection(asyncio.Protocol):
    """One connection: requests in, prepared answers out."""

    def __init__(self, double: Double) -> None:
        self._double = double
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:
        """Answer on *transport*."""
        self._transport: asyncio.Transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._waiting += data
        while (end := self._waiting.find(HEAD_END)) >= 0:
            head = self._waiting[:end]
            whole = end + len(HEAD_END) + _length(head)
            if len(self._waiting) < whole:
                return
            self._waiting = self._waiting[whole:]
            method, path, _ = head.split(b" ", 2)
            self._transport.writelines(self._double.answer(method, path.partition(b"?")[0]))


def _length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    return int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0


def _json(text: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)


async def serve(image: bytes, ready: Callable[[str], None]) -> None:
    """Serve on a free port of loopback until cancelled; *ready* gets the base URL."""
    doubles: list[Double] = []
    server = await asyncio.get_running_loop().create_server(lambda: Connection(doubles[0]), "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    doubles.append(Double(image, base_url))
    ready(base_url)
    async with server:
        await server.serve_forever()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("image", type=Path, help="the PNG that every call brings")
    given = words.parse_args()
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        runner.run(serve(given.image.read_bytes(), lambda url: print(url, flush=True)))


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's loop where it is installed; None for Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
