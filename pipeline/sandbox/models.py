"""The paid calls: ``POST /v1/<slug>`` and ``POST /v2/<slug>``, and the three URLs that a queued job is followed by."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from pipeline.endpoints import Endpoint, every
from pipeline.money import usd
from pipeline.sandbox import exchange, refusal, wire
from pipeline.sandbox.answers import as_json
from pipeline.sandbox.job import FAILED, Job
from pipeline.sandbox.picture import sniff
from pipeline.sandbox.refusal import Refusal
from pipeline.sandbox.validation import checked

if TYPE_CHECKING:
    from pipeline.sandbox.backend import Backend


class ModelRoutes:
    """Handlers of the gateway."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._options = backend.options

    async def sync(self, request: web.Request) -> web.Response:
        """``POST /v1/<slug>``: answer when the job is over."""
        job = await self._accept(request, "v1")
        if not await self._backend.jobs.finished(job, self._options.gateway_timeout_s):
            raise Refusal(504, "Request timed out")
        if job.status == FAILED:
            raise Refusal(job.error_status, job.error)
        return self._finished(job, root(request))

    async def submit(self, request: web.Request) -> web.Response:
        """``POST /v2/<slug>``: answer at once with the URLs to ask."""
        job = await self._accept(request, "v2")
        return as_json(wire.submitted(job, root(request)))

    async def status(self, request: web.Request) -> web.Response:
        """``GET /v2/requests/<id>/status``."""
        job = self._asked_for(request)
        return as_json(wire.status(job), 422 if job.status == FAILED else 200)

    async def result(self, request: web.Request) -> web.Response:
        """``GET /v2/requests/<id>`` and the older ``GET /v1/requests/<id>``."""
        job = self._asked_for(request)
        return as_json(wire.result(job, root(request), self._options), 422 if job.status == FAILED else 200)

    def _asked_for(self, request: web.Request) -> Job:
        key = self._backend.check_key(key_of(request))
        if self._options.polls_count:
            self._backend.check_rate(key)
        request_id = exchange.current.get().request_id = request.match_info["request_id"]
        job = self._backend.jobs.by_id.get(request_id)
        expired = job is not None and self._backend.clock() > job.accepted_at + self._options.record_ttl_s
        if job is None or job.record_gone or expired:
            raise refusal.gone(request_id)
        return job

    async def _accept(self, request: web.Request, api: str) -> Job:
        """Everything between a request and a job, in the order of the gateway; raises Refusal."""
        key = self._backend.check_key(key_of(request))
        endpoint = self._endpoint(request.match_info["slug"])
        self._backend.check_rate(key)
        body, as_text = await read_body(request)
        doomed = exchange.current.get().doomed
        try:
            params = checked(endpoint, body, self._options, as_text=as_text)
            cost_nano = self._backend.chance.price_nano(endpoint, params)
        except Refusal as wrong:
            if api == "v1" or not self._options.late_validation:
                raise
            params, cost_nano, doomed = {}, 0, str(wrong)
        self._check_money(cost_nano)
        job = self._backend.jobs.accept(
            endpoint,
            api=api,
            body=body,
            params=body if params == body else params,  # usually the same: kept once
            cost_nano=cost_nano,
            key=masked(key),
            doomed=doomed,
        )
        exchange.current.get().request_id = job.request_id
        return job

    def _endpoint(self, slug: str) -> Endpoint:
        endpoint = every().get(slug)
        if endpoint is None:
            raise Refusal(404, f"Model {slug} not found")
        if slug in self._options.forbidden:
            raise refusal.forbidden(slug)
        if slug in self._options.retired:
            raise refusal.retired(slug)
        return endpoint

    def _check_money(self, cost_nano: int) -> None:
        account = self._backend.account
        if cost_nano > account.available_nano():
            raise refusal.no_credits(usd(account.balance_nano), usd(cost_nano))
        if account.over_limit(cost_nano):
            raise refusal.over_limit(self._options.spend_limit or 0)

    def _finished(self, job: Job, base: str) -> web.Response:
        """The pictures of *job*: raw bytes, or JSON when there are several or base64 was asked for."""
        headers = wire.accounting_headers(job)
        first = job.outputs[0]
        if len(job.outputs) == 1 and not job.params.get("base64") and self._options.v1_one == "bytes":
            return web.Response(body=self._bytes(first.name), content_type=first.content_type, headers=headers)
        if len(job.outputs) > 1 and self._options.v1_many == "urls":
            return as_json({"image": [wire.output_url(base, one) for one in job.outputs]}, headers=headers)
        texts = [base64.b64encode(self._bytes(one.name)).decode() for one in job.outputs]
        return as_json({"image": texts if len(texts) > 1 else texts[0]}, headers=headers)

    def _bytes(self, name: str) -> bytes:
        data = self._backend.outputs.get(name)
        if data is None:
            raise Refusal(500, f"the sandbox has lost its output {name}")
        return data


def root(request: web.Request) -> str:
    """The root URL under which the client knows this server."""
    return f"{request.scheme}://{request.host}"


def key_of(request: web.Request) -> str | None:
    """The key as it was sent; a bearer token counts as a bad key, as at the provider."""
    return request.headers.get("x-api-key") or request.headers.get("Authorization")


def masked(key: str) -> str:
    """Both ends of *key*: enough to tell two apart, too little to use."""
    return f"{key[:4]}...{key[-2:]}"


async def read_body(request: web.Request) -> tuple[dict[str, Any], bool]:
    """The parameters of a call, and whether they came as text from a form; raises Refusal."""
    kind = request.content_type if "Content-Type" in request.headers else ""
    if kind == "multipart/form-data":
        return await _read_form(request), True
    if kind != "application/json":
        raise refusal.bad_content_type()
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise Refusal(400, "Invalid JSON in request body") from error
    if not isinstance(body, dict):
        raise Refusal(400, "The request body must be a JSON object")
    return body, False


async def _read_form(request: web.Request) -> dict[str, Any]:
    """Fields of a form; a file becomes a data URL."""
    body: dict[str, Any] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise Refusal(400, "A form part has no name")
        if part.filename is None:
            body[part.name] = await part.text()
        else:
            body[part.name] = data_url(bytes(await part.read(decode=True)))
    return body


def data_url(data: bytes) -> str:
    """*data* as a data URL of its own type."""
    return f"data:{sniff(data) or 'application/octet-stream'};base64,{base64.b64encode(data).decode()}"
