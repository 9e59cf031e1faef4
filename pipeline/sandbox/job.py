"""One accepted call, from submit to result: the record that the queue, the history and the bills share."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

QUEUED = "QUEUED"
PROCESSING = "PROCESSING"
COMPLETED = "COMPLETED"
FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Output:
    """One finished picture and the name it is served under."""

    name: str
    content_type: str
    width: int
    height: int
    size_bytes: int


@dataclass(slots=True)
class Job:
    """One accepted call.  Times are unix seconds, costs nano-dollars."""

    request_id: str
    endpoint: str
    api: str
    """``v1`` or ``v2``."""
    body: dict[str, Any]
    """As it was sent."""
    params: dict[str, Any]
    """As the model takes it."""
    cost_nano: int
    seed: int | None
    key: str
    """The key's ends, never the whole of it."""
    accepted_at: float
    queue_s: float
    work_s: float
    doomed: str = ""
    """Why this job is going to fail; empty: it is not planned to."""
    status: str = QUEUED
    started_at: float | None = None
    finished_at: float | None = None
    outputs: tuple[Output, ...] = ()
    error: str = ""
    error_status: int = 422
    """What ``/v1`` answers when the job failed."""
    remaining_nano: int | None = None
    """Balance after this job was billed."""
    record_gone: bool = False
    outputs_gone: bool = False

    @property
    def due_at(self) -> float:
        """When it is to be finished at the earliest."""
        return self.accepted_at + self.queue_s + self.work_s

    @property
    def over(self) -> bool:
        """Whether it has been settled."""
        return self.status in {COMPLETED, FAILED}

    @property
    def queue_time_s(self) -> float:
        """Seconds spent waiting."""
        return max(0.0, (self.started_at or self.accepted_at) - self.accepted_at)

    @property
    def inference_time_s(self) -> float:
        """Seconds spent working; 0 until it is over."""
        if self.started_at is None or self.finished_at is None:
            return 0.0
        return max(0.0, self.finished_at - self.started_at)

    def as_dict(self) -> dict[str, Any]:
        """For the state folder.  Not `asdict`: that would copy every body deeply, twice for each job."""
        kept = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**kept, "outputs": [asdict(output) for output in self.outputs]}


def job_from(kept: dict[str, Any]) -> Job:
    """The job that `Job.as_dict` was made of."""
    return Job(**{**kept, "outputs": tuple(Output(**output) for output in kept["outputs"])})
