"""The table of routes and the life of the listening socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from pipeline.sandbox.control import ControlRoutes
from pipeline.sandbox.gate import CONTROL, gate
from pipeline.sandbox.models import ModelRoutes
from pipeline.sandbox.services import ServiceRoutes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.sandbox.backend import Backend

MAX_BODY_BYTES = 512 * 1024 * 1024
"""Of one request: images may come as base64."""
GRACE_S = 0.25
"""How long requests that are being answered may take when the server stops."""


class Server:
    """Listens for *backend*."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> str:
        """Listen and return the base URL; raises OSError when the port is taken."""
        app = application(self._backend)
        # A caller who leaves ends the waiting, never the job: jobs run in tasks of their own.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=GRACE_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024)
        try:
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            raise
        bound_port = self._runner.addresses[0][1]
        return f"http://[{host}]:{bound_port}" if ":" in host else f"http://{host}:{bound_port}"

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._runner is not None:
            await self._runner.cleanup()


def application(backend: Backend) -> web.Application:
    """The routes of *backend* behind its gate."""
    models, services, control = ModelRoutes(backend), ServiceRoutes(backend), ControlRoutes(backend)
    routes: list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]], str]] = [
        ("GET", "/v1/get-user-credits", services.credits, "credits"),
        ("GET", "/get-user-credits", services.credits, "credits"),
        ("GET", "/v1/requests/{request_id}", models.result, "result"),
        ("GET", "/v2/requests/{request_id}/status", models.status, "status"),
        ("GET", "/v2/requests/{request_id}", models.result, "result"),
        ("POST", "/v1/{slug}", models.sync, "sync"),
        ("POST", "/v2/{slug}", models.submit, "submit"),
        ("POST", "/upload-asset", services.upload, "upload"),
        ("GET", "/outputs/{name}", services.output, "output"),
        ("GET", "/assets/{name}", services.asset, "asset"),
        ("GET", "/inference-request/request-history", services.history, "history"),
        ("GET", "/inference-request/request-history/{request_id}", services.one, "history"),
        ("GET", "/inference-request/generations", services.generations, "history"),
        ("GET", "/inference-model-information/list", services.catalogue, "catalogue"),
        ("GET", "/", control.welcome, CONTROL),
        ("GET", "/sandbox/bills", control.bills, CONTROL),
        ("GET", "/sandbox/requests", control.requests, CONTROL),
        ("GET", "/sandbox/faults", control.faults, CONTROL),
        ("POST", "/sandbox/faults", control.set_faults, CONTROL),
        ("GET", "/sandbox/state", control.state, CONTROL),
    ]
    kinds = {path: kind for _, path, _, kind in routes}
    app = web.Application(middlewares=[gate(backend, kinds)], client_max_size=MAX_BODY_BYTES)
    for method, path, handler, _ in routes:
        app.router.add_route(method, path, handler)
    return app
