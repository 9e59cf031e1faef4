"""The gallery on loopback: the same page, with decisions written straight into the ledger and a run to watch.

Nobody else can: the address holds a random token, the server listens on this machine only, and a request must name
this machine as its host (a web page elsewhere cannot, even if its name is made to point here).  What is served are
the page, the images and nothing else of the folder.  Knows HTTP; the ledger's side is in `live` and `deciding`.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from pipeline.control import Command, Control
from pipeline.errors import PipelineError
from pipeline.report.deciding import decide_one
from pipeline.report.live import Live
from pipeline.report.write import write_report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SHOWN = ("report", "images", "superseded")
"""What of the folder may be seen."""
POLL_S = 0.5
PATIENCE = 5.0
"""Looking at a large ledger takes time: wait so many times as long before looking again."""
LARGEST_BODY = 1 << 20
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


async def serve(
    folder: Path,
    *,
    announce: Callable[[str], None],
    port: int = 0,
    thumbnails: bool = True,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    token: str | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Write the report of *folder* and serve it until cancelled; *announce* gets its address, token and all.

    ``port`` 0 takes a free one.  Raises FolderError and LedgerError, and OSError when the port is taken.
    """
    async with serving(
        folder, port=port, thumbnails=thumbnails, progress=progress, token=token, clock=clock
    ) as address:
        announce(address)
        await asyncio.Event().wait()


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    port: int = 0,
    thumbnails: bool = True,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    token: str | None = None,
    clock: Callable[[], float] = time.time,
    poll_s: float = POLL_S,
) -> AsyncIterator[str]:
    """Serve the report of *folder* for as long as the context lasts; its address."""
    since = clock()
    await asyncio.to_thread(write_report, folder, thumbnails=thumbnails, progress=progress, clock=clock)
    server = _Server(folder, token or secrets.token_urlsafe(24), since, clock, poll_s)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        server.port = int(runner.addresses[0][1])
        yield f"http://127.0.0.1:{server.port}/{server.token}/report/index.html"
    finally:
        server.closing.set()
        await runner.cleanup()


class _Server:
    def __init__(self, folder: Path, token: str, since: float, clock: Callable[[], float], poll_s: float) -> None:
        self.token = token
        self.port = 0
        self.closing = asyncio.Event()
        self._folder = folder.absolute()
        self._since = since
        self._clock = clock
        self._poll_s = poll_s
        self._control = Control(folder, clock=clock)

    def app(self) -> web.Application:
        """Every route stands behind the token."""
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST_BODY)
        app.router.add_get("/{token}/api/events", self._events)
        app.router.add_get("/{token}/api/entry/{task}", self._entry)
        app.router.add_post("/{token}/api/decide", self._decide)
        app.router.add_post("/{token}/api/control", self._steer)
        app.router.add_get("/{token}/report/page/served.js", self._served)
        app.router.add_get("/{token}/{path:.+}", self._file)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn away whoever has not the token, or comes under another name than this machine's."""
        hosts = (f"127.0.0.1:{self.port}", f"localhost:{self.port}")
        given = request.path.split("/")[1].encode("utf-8", "replace")
        if request.host not in hosts or not hmac.compare_digest(given, self.token.encode()):
            return web.Response(status=404, text="there is nothing here\n", headers=HEADERS)
        origin = request.headers.get("Origin")
        if request.method == "POST" and (
            request.content_type != "application/json" or origin not in (None, *(f"http://{host}" for host in hosts))
        ):
            return web.Response(status=403, text="this page takes requests from itself only\n", headers=HEADERS)
        try:
            response = await handler(request)
        except PipelineError as error:
            response = web.json_response({"error": f"{error}. {error.hint}" if error.hint else str(error)})
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=f"{error.reason}\n")
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = (self._folder / request.match_info["path"]).resolve()
        roots = [(self._folder / name).resolve() for name in SHOWN]
        hidden = any(part.startswith(".") for part in request.match_info["path"].split("/"))
        if hidden or not any(path.is_relative_to(root) for root in roots) or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers=HEADERS)

    async def _served(self, _request: web.Request) -> web.Response:
        return web.Response(text="photobatch.served = true;\n", content_type="text/javascript")

    async def _entry(self, request: web.Request) -> web.Response:
        task_id = _number(request.match_info["task"])
        found = await asyncio.to_thread(self._with_live, lambda live: live.details(task_id))
        if found is None:
            raise web.HTTPNotFound
        return web.json_response(found)

    async def _decide(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        said = await asyncio.to_thread(decide_one, self._folder, asked, now=self._clock())
        name = (said.key, said.step)
        chunk = await asyncio.to_thread(self._with_live, lambda live: live.chunk(live.named(*name)))
        return web.json_response({"entries": chunk, "warning": said.warning})

    async def _steer(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        run = await asyncio.to_thread(self._with_live, lambda live: live.run())
        words = {command.value: command for command in Command}
        if run is None:
            return web.json_response({"error": "no run goes on in this folder"})
        if asked.get("command") not in words:
            raise web.HTTPBadRequest
        try:
            await asyncio.to_thread(self._control.ask, run["id"], words[asked["command"]])
        except OSError as error:
            return web.json_response({"error": f"the folder cannot be written: {error.strerror or error}"})
        return web.json_response({"asked": asked["command"]})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="live") as thread:  # SQLite's connection stays in one thread
            live = await loop.run_in_executor(thread, lambda: Live(self._folder, since=self._since, clock=self._clock))
            watch = _Watch(live, self._clock)
            try:
                while not self.closing.is_set():
                    began = loop.time()
                    for event, data in await loop.run_in_executor(thread, watch.look):
                        await response.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())
                    await response.write(b": still here\n\n")
                    with suppress(TimeoutError):
                        pause_s = max(self._poll_s, PATIENCE * (loop.time() - began))
                        await asyncio.wait_for(self.closing.wait(), min(pause_s, 30.0))
            except (ConnectionResetError, asyncio.CancelledError):
                pass  # the page was closed
            finally:
                await asyncio.shield(loop.run_in_executor(thread, live.close))
        return response

    def _with_live(self, ask: Callable[[Live], Any]) -> Any:
        live = Live(self._folder, since=self._since, clock=self._clock)
        try:
            return ask(live)
        finally:
            live.close()


class _Watch:
    """What one page was told already."""

    def __init__(self, live: Live, clock: Callable[[], float]) -> None:
        self._live = live
        self._clock = clock
        self._first = True
        self._run: dict[str, Any] | None = None

    def look(self) -> list[tuple[str, Any]]:
        """Events since the last look; blocking."""
        events: list[tuple[str, Any]] = []
        changed = self._live.changed()
        run = self._live.run()
        if (changed or self._live.more) and (news := self._live.news()):
            events.append(("entries", {"chunk": self._live.chunk(news), "fresh": not self._first}))
        if changed or run != self._run:
            events.append(("figures", self._live.figures()))
        self._run = run
        self._first = False
        return events


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        asked = await request.json()
    except ValueError as error:
        raise web.HTTPBadRequest from error
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest
    return asked


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004  # fits SQLite's integers
        raise web.HTTPNotFound
    return int(text)
