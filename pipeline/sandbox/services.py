"""Everything that costs nothing: balance, history, catalogue, uploads, and the files that URLs point to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from pipeline.endpoints import every
from pipeline.money import usd
from pipeline.sandbox import exchange, history, wire
from pipeline.sandbox.answers import as_json
from pipeline.sandbox.images_in import BadImage, from_data_url
from pipeline.sandbox.library import content_type_of
from pipeline.sandbox.models import key_of, read_body, root
from pipeline.sandbox.picture import sniff
from pipeline.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from pipeline.endpoints import Endpoint
    from pipeline.sandbox.backend import Backend
    from pipeline.sandbox.job import Job

DETAILS = "Inference Segmind Model Information List With Details"


class ServiceRoutes:
    """Handlers of the account, the storage and the catalogue."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._options = backend.options

    async def credits(self, request: web.Request) -> web.Response:
        """``GET /v1/get-user-credits``: note the provider's hyphen."""
        self._check(request)
        account = self._backend.account
        return as_json({"credits": usd(account.paid_left_nano), "free-credits": usd(account.free_left_nano)})

    async def history(self, request: web.Request) -> web.Response:
        """``GET /inference-request/request-history``: failed and running requests too."""
        self._check(request)
        query = history.parse(request.query, self._backend.clock())
        lines, total = history.page_of(self._listed(), query)
        rows = [wire.history_row(job, output, root(request), self._options) for job, output in lines]
        return as_json(history.envelope(rows, total, query))

    async def one(self, request: web.Request) -> web.Response:
        """``GET /inference-request/request-history/<id>``: of any age."""
        self._check(request)
        request_id = exchange.current.get().request_id = request.match_info["request_id"]
        job = self._backend.jobs.by_id.get(request_id)
        if job is None or not self._told(job):
            raise Refusal(404, f"Request {request_id} not found")
        first = job.outputs[0] if job.outputs else None
        return as_json(wire.history_row(job, first, root(request), self._options))

    async def generations(self, request: web.Request) -> web.Response:
        """``GET /inference-request/generations``: successful outputs only."""
        self._check(request)
        asked = {"page": request.query.get("page", ""), "model_name": request.query.get("model_name", "")}
        dates = {"from_date": request.query.get("start_date", ""), "to_date": request.query.get("end_date", "")}
        query = history.parse({**asked, **dates, "status": "COMPLETED"}, self._backend.clock())
        lines, total = history.page_of(self._listed(), query)
        rows = [wire.history_row(job, output, root(request), self._options) for job, output in lines]
        return as_json(history.envelope([wire.generation_row(row) for row in rows], total, query))

    async def catalogue(self, request: web.Request) -> web.Response:
        """``GET /inference-model-information/list``: public."""
        models = [self._described(endpoint) for endpoint in every().values()]
        return as_json({DETAILS: models} if request.query.get("segmind_model") else models)

    async def upload(self, request: web.Request) -> web.Response:
        """``POST /upload-asset``: JSON with ``data_urls``, or files in a form."""
        self._check(request)
        if request.content_type == "multipart/form-data":
            files = await _files(request)
        else:
            files = _decoded((await read_body(request))[0])
        kept = [self._backend.assets.put(data, sniff(data) or "application/octet-stream") for data in files]
        urls = [f"{root(request)}/assets/{name}" for name in kept]
        if self._options.upload_answer == "list":
            return as_json(urls)
        if self._options.upload_answer == "urls":
            return as_json({"urls": urls})
        return as_json({"file_urls": urls, "message": "Files uploaded successfully"})

    async def asset(self, request: web.Request) -> web.Response:
        """``GET /assets/<name>``: public, does not expire."""
        return _file(self._backend.assets.get(request.match_info["name"]), request.match_info["name"])

    async def output(self, request: web.Request) -> web.Response:
        """``GET /outputs/<name>``: public, until it expires."""
        name = request.match_info["name"]
        job = self._backend.jobs.of_output(name)
        if job is not None:
            exchange.current.get().request_id = job.request_id
            if job.outputs_gone or self._too_old(job):
                raise Refusal(self._options.output_gone_status, "The requested file has expired")
        return _file(self._backend.outputs.get(name), name)

    def _check(self, request: web.Request) -> None:
        key = self._backend.check_key(key_of(request))
        if self._options.polls_count:
            self._backend.check_rate(key)

    def _listed(self) -> list[Job]:
        return [job for job in self._backend.jobs.by_id.values() if self._told(job)]

    def _told(self, job: Job) -> bool:
        """Whether the history knows *job* already."""
        return job.accepted_at <= self._backend.clock() - self._options.history_lag_s

    def _too_old(self, job: Job) -> bool:
        return self._backend.clock() > (job.finished_at or 0) + self._options.output_ttl_s

    def _described(self, endpoint: Endpoint) -> dict[str, Any]:
        return {
            "slug": endpoint.slug,
            "name": endpoint.title,
            "description": endpoint.summary,
            "is_depreciated": endpoint.slug in self._options.retired,
            "parameters_schema": endpoint.json_schema(),
        }


def _file(data: bytes | None, name: str) -> web.Response:
    if data is None:
        raise Refusal(404, "File not found")
    return web.Response(body=data, content_type=content_type_of(name))


async def _files(request: web.Request) -> list[bytes]:
    parts = [part async for part in _read(request)]
    if not parts:
        raise Refusal(400, "No file in the form")
    return parts


async def _read(request: web.Request) -> Any:
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.filename is not None:
            yield bytes(await part.read(decode=True))


def _decoded(body: dict[str, Any]) -> list[bytes]:
    urls = body.get("data_urls")
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
        raise Refusal(400, "data_urls must be a list of data URLs")
    try:
        return [from_data_url("data_urls", url) for url in urls]
    except BadImage as error:
        raise Refusal(400, str(error)) from error
