"""Build aiohttp responses in the provider's envelopes.  Knows nothing of jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.sandbox.refusal import Refusal

BAD_GATEWAY_HTML = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
NOT_ALLOWED_HTML = (
    "<!doctype html>\n<html lang=en>\n<title>405 Method Not Allowed</title>\n<h1>Method Not Allowed</h1>\n"
    "<p>The method is not allowed for the requested URL.</p>\n"
)


def as_json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """*body* as ``application/json``."""
    return web.Response(body=json.dumps(body).encode(), status=status, content_type="application/json", headers=headers)


def refused(refusal: Refusal) -> web.Response:
    """*refusal* as the provider says no."""
    return as_json(refusal.body, refusal.status, refusal.headers)


def not_allowed(methods: str) -> web.Response:
    """A wrong verb: the one error that the provider answers in HTML."""
    return web.Response(status=405, text=NOT_ALLOWED_HTML, content_type="text/html", headers={"Allow": methods})
