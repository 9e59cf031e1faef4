"""Metrics for Prometheus: a text file for its collector, and the same over HTTP while a run works.

Watches a run; a file or port that cannot be had is said once and never fails the run.  What the metrics are called
and mean is `pipeline.metrics`' business.
"""

from __future__ import annotations

import asyncio
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from jobs.console import say
from pipeline.errors import PipelineError, RecipeError
from pipeline.inspection import reading
from pipeline.metrics import Running, exposition
from pipeline.money import nano
from pipeline.orders import Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.orders import Working

EVERY_S = 15.0


class Metrics(Watcher):
    """Writes *file* every 15 seconds and at the end, and serves the same text at *port*."""

    def __init__(self, folder: Path, file: Path | None, port: str | None) -> None:
        """Raises RecipeError for a port that is none."""
        self._folder = folder
        self._file = file
        self._state: Working | None = None
        self._running = Running()
        self._writing = threading.Lock()
        self._ticker: asyncio.Task[None] | None = None
        self._server = None if port is None else _serve(port, self.text)

    def working(self, state: Working) -> None:
        """Calls begin."""
        self._state = state
        if self._file is not None:
            self._ticker = asyncio.create_task(self._tick(), name="metrics")

    def finished(self, summary: dict[str, Any]) -> None:
        """The run ended."""
        if self._ticker is not None:
            self._ticker.cancel()
        self._state = None
        requests, ours = summary["requests"], summary.get("this_run", {})
        self._running = Running(
            calls=requests["submit"],
            http_429=requests["http_429"],
            http_5xx=requests["http_5xx"],
            elapsed_s=summary["elapsed_s"],
            billed_nano=nano(ours.get("billed_usd", 0.0)),
            balance_nano=nano(summary["balance_usd"]) if "balance_usd" in summary else None,
        )
        self.write()

    def close(self) -> None:
        """Give the port back."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def text(self) -> str:
        """The metrics as they are now; on any thread."""
        running = self._running if self._state is None else _measured(self._state)
        with reading(self._folder) as db:
            return exposition(db, running)

    def write(self) -> None:
        """Replace the file whole.  Blocking."""
        if self._file is None:
            return
        with self._writing:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                _replace(self._file, self.text())
            except (OSError, PipelineError) as error:
                say(f"metrics could not be written to {self._file}: {error}")

    async def _tick(self) -> None:
        while True:
            await asyncio.to_thread(self.write)
            await asyncio.sleep(EVERY_S)


def _replace(file: Path, text: str) -> None:
    aside = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, file)  # noqa: PTH105  # Path.replace is the same call; this reads as what it is
    finally:
        aside.unlink(missing_ok=True)


def _measured(state: Working) -> Running:
    tally, throttle = state.tally, state.tools.throttle
    return Running(
        calls=tally.submits,
        http_429=throttle.limited_count,
        http_5xx=tally.http_5xx,
        in_flight=throttle.in_flight,
        elapsed_s=state.tools.clock() - state.began,
        billed_nano=tally.billed_nano,
        balance_nano=tally.remaining_nano,
    )


def _serve(address: str, text: Any) -> ThreadingHTTPServer:
    host, _, port = address.rpartition(":")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                body = text().encode()
            except PipelineError as error:
                self.send_error(503, str(error).encode("ascii", "replace").decode())
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: standard error belongs to the run."""

    try:
        server = ThreadingHTTPServer((host.strip("[]") or "127.0.0.1", int(port)), Handler)
    except (OSError, ValueError, OverflowError) as error:
        raise RecipeError(f"--metrics-port {address}: {error}", hint="write PORT or HOST:PORT, a free one") from error
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
