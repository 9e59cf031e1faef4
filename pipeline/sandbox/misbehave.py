"""Carry out a fault on the socket.

Before the request is handled: nothing is done and nothing billed.  After: the job runs and is billed, and only
its answer suffers.  What is to go wrong is decided elsewhere; how answers are spoiled, in `spoil`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from pipeline.sandbox import refusal
from pipeline.sandbox.answers import BAD_GATEWAY_HTML, as_json, refused
from pipeline.sandbox.limits import reset_header
from pipeline.sandbox.spoil import SPOILED, body_of, cut_at

if TYPE_CHECKING:
    from pipeline.sandbox.faults import Fault

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_TEXTS = {
    "500": "Internal server error",
    "502": "Service temporarily unavailable",
    "503": "Service unavailable",
    "504": "Request timed out",
}


class Mischief:
    """Knows how each fault looks on the wire."""

    def __init__(self, clock: Callable[[], float], reset_format: str, closing: asyncio.Event) -> None:
        self._clock = clock
        self._reset_format = reset_format
        self._closing = closing

    async def carry_out(self, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse | None:
        """The spoiled answer to *request*; None: the connection was closed without one."""
        after = bool(fault.get("after", default=False)) or fault.name in {"slow", "drop-after", "cut", *SPOILED}
        if fault.name != "slow":
            await asyncio.sleep(float(fault.get("delay_s", 0)))
        answer = await handler(request) if after else None
        match fault.name:
            case "drop-before" | "drop-after":
                drop(request)
                return None
            case "hang":
                await self._closing.wait()  # or until the client leaves: that cancels this handler
                drop(request)
                return None
        if (instead := self._instead(fault, request)) is not None:
            return instead
        if answer is None:
            answer = await handler(request)
        return await self._changed(fault, request, answer)

    async def _changed(self, fault: Fault, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        """*answer* late, cut or spoiled."""
        if fault.name == "slow":
            await asyncio.sleep(float(fault.get("delay_s", 1)))
        if fault.name == "cut":
            return await _cut(request, answer, fault.get("at", 0.5))
        if fault.name in SPOILED:
            return SPOILED[fault.name](fault, answer)
        return answer

    def _instead(self, fault: Fault, request: web.Request) -> web.StreamResponse | None:
        """The answer of a fault that has one of its own; None when it only changes the real one."""
        if fault.name == "status":
            body = fault.get("body", {"error": fault.get("message", "scripted")})
            return as_json(body, int(fault.get("status", 500)), fault.get("headers", None))
        if fault.name == "redirect":
            location = fault.get("location", None) or _elsewhere(request)
            return web.Response(status=int(fault.get("status", 302)), headers={"Location": location})
        if fault.name == "502" and fault.get("message", None) is None:
            return web.Response(status=502, text=BAD_GATEWAY_HTML, content_type="text/html")
        if fault.name in _TEXTS:
            return as_json({"error": fault.get("message", _TEXTS[fault.name])}, int(fault.name))
        refusals = self._refusals(fault, request.match_info.get("slug", "this model"))
        return refused(refusals[fault.name]) if fault.name in refusals else None

    def _refusals(self, fault: Fault, slug: str) -> dict[str, refusal.Refusal]:
        reset_at = self._clock() + float(fault.get("reset_s", 1))
        return {
            "429": refusal.rate_limited(reset_header(reset_at, self._reset_format)),
            "401": refusal.bad_key(),
            "403": refusal.forbidden(slug),
            "410": refusal.retired(slug),
            "406-credits": refusal.no_credits(0.0, 0.05),
            "406-limit": refusal.over_limit(100),
            "406-parameter": refusal.Refusal(406, fault.get("message", "Invalid value for parameter: steps")),
        }


def drop(request: web.Request) -> None:
    """Close the connection of *request*."""
    if request.transport is not None:
        request.transport.close()


def _elsewhere(request: web.Request) -> str:
    """The same path under the other name of this machine: another host, as far as a client can tell."""
    host, _, port = request.host.partition(":")
    other = "localhost" if host != "localhost" else "127.0.0.1"
    return f"http://{other}:{port}{request.path_qs}"


async def _cut(request: web.Request, answer: web.StreamResponse, at: float) -> web.StreamResponse:
    """The headers promise the whole body; the connection ends in the middle of it."""
    body = body_of(answer)
    part = web.StreamResponse(status=answer.status, headers=answer.headers)
    part.content_length = max(1, len(body))
    await part.prepare(request)
    await part.write(body[: cut_at(body, at)])
    drop(request)
    return part
