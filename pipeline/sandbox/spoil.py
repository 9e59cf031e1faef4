"""Answers that arrive whole and are wrong: another type, another body, a damaged image.  Pure."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from pipeline.sandbox.answers import BAD_GATEWAY_HTML

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.sandbox.faults import Fault

JUNK = "this is not what you asked for\n"
KEPT_SHARE = 0.6
"""Of an image that is truncated."""


def body_of(answer: web.StreamResponse) -> bytes:
    """The bytes of *answer*: every handler here answers in one piece."""
    return answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""


def cut_at(body: bytes, at: float) -> int:
    """Where to cut *body*: a share of it below 1, else a number of bytes."""
    return int(len(body) * at) if at < 1 else int(at)


def _html(fault: Fault, answer: web.StreamResponse) -> web.Response:
    return _again(answer, str(fault.get("body", BAD_GATEWAY_HTML)).encode(), "text/html")


def _empty(fault: Fault, answer: web.StreamResponse) -> web.Response:
    del fault
    return _again(answer, b"")


def _not_json(fault: Fault, answer: web.StreamResponse) -> web.Response:
    return _again(answer, str(fault.get("body", JUNK)).encode(), "application/json")


def _wrong_type(fault: Fault, answer: web.StreamResponse) -> web.Response:
    return _again(answer, body_of(answer), fault.get("content_type", "application/octet-stream"))


def _truncated(fault: Fault, answer: web.StreamResponse) -> web.Response:
    at = fault.get("at", KEPT_SHARE)
    return _again(answer, _each_image(answer, lambda image: image[: cut_at(image, at)]))


def _not_an_image(fault: Fault, answer: web.StreamResponse) -> web.Response:
    junk = str(fault.get("body", JUNK)).encode()
    return _again(answer, _each_image(answer, lambda _: junk))


SPOILED: dict[str, Callable[[Fault, web.StreamResponse], web.Response]] = {
    "html": _html,
    "empty": _empty,
    "not-json": _not_json,
    "wrong-type": _wrong_type,
    "truncated-image": _truncated,
    "not-an-image": _not_an_image,
}
"""How each of these faults changes a good answer; its length stays consistent."""


def _again(answer: web.StreamResponse, body: bytes, content_type: str | None = None) -> web.Response:
    """*answer* with another body; the accounting headers stay."""
    kept = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-")}
    return web.Response(status=answer.status, body=body, content_type=content_type or answer.content_type, headers=kept)


def _each_image(answer: web.StreamResponse, spoil: Callable[[bytes], bytes]) -> bytes:
    """The body with its image, or the base64 images in its JSON, passed through *spoil*."""
    if answer.content_type != "application/json":
        return spoil(body_of(answer))
    told = json.loads(body_of(answer))
    if isinstance(told, dict) and "image" in told:
        told["image"] = _spoilt_text(told["image"], spoil)
    return json.dumps(told).encode()


def _spoilt_text(image: Any, spoil: Callable[[bytes], bytes]) -> Any:
    if isinstance(image, list):
        return [_spoilt_text(one, spoil) for one in image]
    if str(image).startswith("http"):
        return image
    return base64.b64encode(spoil(base64.b64decode(image))).decode()
