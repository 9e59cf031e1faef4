"""From the ledger's records to tasks and saved images."""

from __future__ import annotations

import json
from typing import Any

from pipeline.task import SavedImage, Task

TASK_COLUMNS = (
    "t.id, t.key, t.step, t.endpoint, t.params, t.fingerprint, t.estimate_nano, t.reserve_nano,"
    " CASE t.state WHEN 'submitted' THEN t.request_id END,"
    " (SELECT max(a.id) FROM attempts a WHERE a.task_id = t.id), t.submitted_at, t.live, t.replaces"
)


def load(record: tuple[Any, ...]) -> Task:
    """A task from the columns of `TASK_COLUMNS`."""
    (id_, key, step, endpoint, params, fingerprint, estimate, reserve, request_id, attempt, at, live, replaces) = record
    return Task(
        id=id_,
        key=key,
        step=step,
        endpoint=endpoint,
        params=json.loads(params),
        fingerprint=bytes(fingerprint or b""),
        estimate_nano=estimate,
        reserve_nano=reserve,
        request_id=request_id,
        attempt_id=attempt,
        submitted_at=at,
        out_of_date=not live,
        replaces=replaces,
    )


def load_image(record: tuple[Any, ...]) -> SavedImage:
    """An output from path, size_bytes, sha256, width, height, content_type and ai_label."""
    path, size_bytes, sha256, width, height, content_type, ai_label = record
    return SavedImage(path, size_bytes, sha256, width, height, content_type, bool(ai_label))
