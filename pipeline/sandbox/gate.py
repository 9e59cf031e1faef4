"""The one door of the server: each request is logged and perhaps spoiled by a fault, each error gets its envelope."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from pipeline.sandbox import exchange
from pipeline.sandbox.answers import as_json, not_allowed, refused
from pipeline.sandbox.faults import Fault, Seen
from pipeline.sandbox.misbehave import Handler, Mischief
from pipeline.sandbox.refusal import Refusal
from pipeline.sandbox.requestlog import DROPPED, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.typedefs import Middleware

    from pipeline.sandbox.backend import Backend

CONTROL = "control"
UNKNOWN = "unknown"
DEFAULT_FAILURE = "Inference failed: the model returned an error"


def gate(backend: Backend, kinds: Mapping[str, str]) -> Middleware:
    """The middleware of *backend*; *kinds* says by a route's path what the log and the faults call it."""
    mischief = Mischief(backend.clock, backend.options.reset_format, backend.closing)

    @web.middleware
    async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        kind = kinds.get(resource.canonical, UNKNOWN) if resource is not None else UNKNOWN
        if kind == CONTROL:
            return await _answered(request, handler)
        key_sent = "x-api-key" in request.headers
        entry = backend.log.open(Entry(backend.clock(), request.method, request.path, kind, key_sent))
        told = exchange.Exchange()
        exchange.current.set(told)
        fault = None if backend.faults.idle else await _picked(backend, request, kind)
        response: web.StreamResponse | None
        if fault is None:
            response = await _answered(request, handler)
        else:
            entry.fault = fault.name
            _prepare(backend, fault, request)
            response = await mischief.carry_out(fault, request, lambda request: _answered(request, handler))
        entry.request_id = told.request_id
        entry.status = DROPPED if response is None else response.status
        return web.Response(status=500) if response is None else response  # None: the connection is closed already

    return door


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refused(refusal)
    except web.HTTPMethodNotAllowed as wrong:
        return not_allowed(", ".join(sorted(wrong.allowed_methods)))
    except web.HTTPNotFound:
        return as_json({"error": "Not Found"}, 404)
    except web.HTTPRequestEntityTooLarge:
        return as_json({"error": "Request entity too large"}, 413)


async def _picked(backend: Backend, request: web.Request, kind: str) -> Fault | None:
    body = None
    if backend.faults.needs_body and request.content_type == "application/json":
        try:
            body = json.loads(await request.read())
        except ValueError:
            body = None
    slug = request.match_info.get("slug", "")
    return backend.faults.pick(Seen(request.method, request.path, kind, slug, body if isinstance(body, dict) else None))


def _prepare(backend: Backend, fault: Fault, request: web.Request) -> None:
    """Faults that the handlers themselves produce: a job that fails, a record or an output that has expired."""
    if fault.name == "422-failed":
        exchange.current.get().doomed = str(fault.get("message", DEFAULT_FAILURE))
    elif fault.name == "expired-record":
        if job := backend.jobs.by_id.get(request.match_info.get("request_id", "")):
            backend.jobs.forget(job)
    elif fault.name == "expired-output" and (job := backend.jobs.of_output(request.match_info.get("name", ""))):
        backend.jobs.burn(job)
