"""The shapes in which jobs are told: headers of ``/v1``, bodies of ``/v2``, rows of the history.  Pure.

Field names are the provider's; where it contradicts itself an option decides.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.money import usd
from pipeline.sandbox.job import COMPLETED, FAILED, Job, Output

if TYPE_CHECKING:
    from pipeline.sandbox.options import SandboxOptions


def output_url(base: str, output: Output) -> str:
    """Where *output* can be fetched; *base* is the root that the client used."""
    return f"{base}/outputs/{output.name}"


def accounting_headers(job: Job) -> dict[str, str]:
    """Headers of a successful ``/v1`` answer."""
    headers = {
        "x-request-id": job.request_id,
        "x-cost": _plain(usd(job.cost_nano)),
        "x-remaining-credits": _plain(usd(job.remaining_nano or 0)),
        "x-generation-time": f"{job.inference_time_s:.6f}",
    }
    if job.seed is not None:
        headers["x-seed-value"] = str(job.seed)
    if job.outputs:
        first = job.outputs[0]
        headers["x-output-metadata"] = json.dumps({"height": first.height, "width": first.width})
    return headers


def submitted(job: Job, base: str) -> dict[str, Any]:
    """Answer to ``POST /v2/<slug>``."""
    return {
        "request_id": job.request_id,
        "status": "QUEUED",
        "poll_url": f"{base}/v1/requests/{job.request_id}",
        "status_url": f"{base}/v2/requests/{job.request_id}/status",
        "response_url": f"{base}/v2/requests/{job.request_id}",
    }


def status(job: Job) -> dict[str, Any]:
    """Answer to the status URL: no output in it."""
    body: dict[str, Any] = {"status": job.status, "request_id": job.request_id, "metrics": _metrics(job)}
    if job.status == FAILED:
        body["error"] = job.error
    return body


def result(job: Job, base: str, options: SandboxOptions) -> dict[str, Any]:
    """Answer to the response URL; like `status` until the job is completed."""
    if job.status != COMPLETED:
        return status(job)
    urls = [output_url(base, output) for output in job.outputs]
    many = options.v2_output == "list" or (options.v2_output == "auto" and len(urls) > 1)
    body: dict[str, Any] = {
        "status": job.status,
        "request_id": job.request_id,
        "output": urls if many else urls[0],
        "timings": {"inference": job.inference_time_s},
        "metrics": _metrics(job),
        "error": None,
    }
    if options.v2_images:
        body["images"] = [_image(base, output) for output in job.outputs]
    if job.seed is not None:
        body["seed"] = job.seed
    if "prompt" in job.params:
        body["prompt"] = job.params["prompt"]
    return body


def history_row(job: Job, output: Output | None, base: str, options: SandboxOptions) -> dict[str, Any]:
    """One line of the request history: each output of a job has its own, with the job's full cost."""
    row = {
        "request_id": job.request_id,
        "model_name": job.endpoint,
        "model_status": job.status if job.over else "PENDING",
        "credits_deduction": usd(job.cost_nano) if job.status == COMPLETED else 0.0,
        "request_body": _body(job, options.history_body),
        "generation_url": None if output is None else output_url(base, output),
        "latency_ms": round(1000 * (job.queue_time_s + job.inference_time_s)),
        "model_created": moment(job.accepted_at),
        "model_completed": moment(job.finished_at),
    }
    if job.status == FAILED:
        row["error"] = job.error
    return row


def generation_row(row: dict[str, Any]) -> dict[str, Any]:
    """A history row as the list of generations tells it."""
    return {
        "request_id": row["request_id"],
        "model_name": row["model_name"],
        "generation_url": row["generation_url"],
        "status": row["model_status"],
        "credits_deduction": row["credits_deduction"],
        "latency_ms": row["latency_ms"],
        "parameters": row["request_body"],
        "created_at": row["model_created"],
    }


def moment(at: float | None) -> str | None:
    """Unix time as ISO 8601 in UTC."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _metrics(job: Job) -> dict[str, float]:
    metrics = {
        "inference_time": job.inference_time_s,
        "queue_time": job.queue_time_s,
        "total_time": job.queue_time_s + job.inference_time_s,
    }
    if job.status == COMPLETED:  # failures name no cost: nothing was charged
        metrics["cost"] = usd(job.cost_nano)
        metrics["remaining_credits"] = usd(job.remaining_nano or 0)
    return metrics


def _image(base: str, output: Output) -> dict[str, Any]:
    return {
        "url": output_url(base, output),
        "content_type": output.content_type,
        "file_name": output.name,
        "file_size": output.size_bytes,
        "width": output.width,
        "height": output.height,
    }


def _body(job: Job, form: str) -> Any:
    match form:
        case "repr":
            return repr(job.body)
        case "json":
            return json.dumps(job.body)
        case "imageless":
            images = endpoints.get(job.endpoint).images
            return {name: value for name, value in job.body.items() if name not in images}
        case "none":
            return None
        case _:
            return job.body


def _plain(amount: float) -> str:
    """No exponent: 0.00001 and not 1e-05."""
    return f"{amount:.9f}".rstrip("0").rstrip(".")
