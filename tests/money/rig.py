"""A worker on a real ledger in a real folder, with a provider that plays a script and keeps its own bills."""

from __future__ import annotations

import io
import itertools
import random
import shutil
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image

from pipeline import doubts, endpoints
from pipeline.budget import Budget
from pipeline.errors import CallError, ErrorClass
from pipeline.ledger import Ledger
from pipeline.outputs import OutputStore
from pipeline.policy import Patience
from pipeline.prices import PriceBook
from pipeline.staging import Staging
from pipeline.stop import Stop
from pipeline.tally import Tally
from pipeline.task import Accepted, Answer, Picture, Remembered
from pipeline.throttle import Rates, Throttle
from pipeline.tools import Habits, Tools
from pipeline.wish import encode, fingerprint
from pipeline.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.provider import Provider
    from pipeline.staging import Presign

NOW = 1_700_000_000.0
RELIGHT_WORST_NANO = 333_000_000
"""Of the dearest call of these tests."""


class Crash(BaseException):
    """The process ends here: nothing after this line happens."""


def picture(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number % 256, number // 256 % 256, 90)).save(file, "PNG")
    return file.getvalue()


@dataclass
class Job:
    id: str
    endpoint: str
    body: dict[str, Any]
    cost_nano: int
    at: float
    failed: bool = False


@dataclass
class FakeProvider:
    """Plays one word of its script per paid request; ``ok`` when it has come to its end.

    ok, failed (accepted, fails), refused (400), gateway (502), no line (never sent), lost answer (billed),
    lost request (not billed), crash before, crash after (billed), crash fetching.
    """

    chance: random.Random = field(default_factory=lambda: random.Random(7))
    script: deque[str] = field(default_factory=deque)
    fetches: deque[str] = field(default_factory=deque)
    jobs: dict[str, Job] = field(default_factory=dict)
    sync: bool = False
    forgets_id: bool = False
    now: float = NOW
    name: str = "fake"
    sent: Counter[str] = field(default_factory=Counter)
    tells_again: int | None = 1
    """What it says of a cost that it has told before: so many times that cost, or None for nothing."""
    forgotten: set[str] = field(default_factory=set)
    """Jobs whose outputs are not to be had any more."""
    told: set[str] = field(default_factory=set)

    @property
    def bills(self) -> list[Job]:
        return [job for job in self.jobs.values() if not job.failed]

    @property
    def billed_nano(self) -> int:
        return sum(job.cost_nano for job in self.bills)

    async def submit(self, endpoint: str, body: Mapping[str, Any]) -> Accepted | Answer:
        word = self.script.popleft() if self.script else "ok"
        self.sent[word] += 1
        match word:
            case "crash before":
                raise Crash
            case "lost request":
                raise CallError("reset", ErrorClass.CONNECTION, answered=False)
            case "refused":
                raise CallError("bad parameter", ErrorClass.BAD_REQUEST, http_status=400)
            case "no line":
                raise CallError("no connection", ErrorClass.CONNECTION, sent=False, answered=False)
            case "gateway":
                raise CallError("bad gateway", ErrorClass.GATEWAY, http_status=502)
        job = self._job(endpoint, dict(body), failed=word == "failed")
        if word == "crash after":
            raise Crash
        if word == "lost answer":
            raise CallError("reset", ErrorClass.CONNECTION, answered=False)
        if self.sync and word == "ok":
            return self._answer(job, request_id=None if self.forgets_id else job.id)
        return Accepted(job.id)

    async def wait(self, endpoint: str, accepted: Accepted, *, submitted_s_ago: float = 0.0) -> Answer:
        del endpoint, submitted_s_ago
        job = self.jobs.get(accepted.request_id)
        if job is None or job.id in self.forgotten:
            raise CallError("unknown", ErrorClass.LOST, request_id=accepted.request_id)
        if job.failed:
            raise CallError("it failed", ErrorClass.INFERENCE_FAILED, http_status=422, request_id=job.id)
        return self._answer(job, request_id=job.id)

    async def fetch(self, picture: Picture) -> bytes:
        word = self.fetches.popleft() if self.fetches else "ok"
        if word == "crash":
            raise Crash
        if word == "broken":
            return b"<html>not now</html>"
        assert picture.data is not None or picture.url is not None
        return picture.data or self._made(str(picture.url))

    async def upload(self, data: bytes, content_type: str) -> str:
        raise AssertionError(f"no task of these tests has a file: {len(data)} bytes of {content_type}")

    async def balance(self) -> int:
        return 10**12

    async def history(self, endpoint: str, since: float, until: float) -> list[Remembered]:
        return [self._remembered(j) for j in self.jobs.values() if j.endpoint == endpoint and since <= j.at <= until]

    async def remembered(self, request_id: str) -> Remembered | None:
        job = self.jobs.get(request_id)
        return None if job is None else self._remembered(job)

    def hide(self, text: str) -> str:
        return text  # it has no key

    async def close(self) -> None:
        """Nothing to close."""

    def _job(self, endpoint: str, body: dict[str, Any], *, failed: bool) -> Job:
        price = endpoints.get(endpoint).price_of(body)
        assert price is not None
        cost = self.chance.randint(price.low_nano, price.worst_nano)
        job = Job(f"job-{len(self.jobs) + 1}", endpoint, body, cost, self.now, failed)
        self.jobs[job.id] = job
        return job

    def _answer(self, job: Job, *, request_id: str | None) -> Answer:
        again = self.tells_again if job.id in self.told else 1
        self.told.add(job.id)
        billed = None if again is None else again * job.cost_nano
        return Answer((Picture(url=job.id),), request_id=request_id, billed_nano=billed, seed=None)

    def _made(self, job_id: str) -> bytes:
        return picture(int(job_id.rpartition("-")[2]))

    def _remembered(self, job: Job) -> Remembered:
        status = "FAILED" if job.failed else "COMPLETED"
        billed = None if job.failed else job.cost_nano
        return Remembered(job.id, job.endpoint, status, job.body, billed, (Picture(url=job.id),), job.at)


@dataclass
class Rig:
    """One result folder, opened and abandoned again and again, and the provider outside of it."""

    folder: Path
    provider: FakeProvider = field(default_factory=FakeProvider)
    cap_nano: int | None = None
    ledger: Ledger = field(init=False)
    now: float = NOW
    prices: PriceBook | None = None
    presign: Presign | None = None
    make_stop: Callable[[], Stop] = Stop
    patience: Patience = field(default_factory=lambda: Patience(base_s=0.0, longest_s=0.0))
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.ledger = Ledger(self.folder, clock=lambda: self.now)

    def plan(self, prompt: str, *, key: str | None = None, endpoint: str = "ic-light") -> int:
        """Plan one task whose body is told apart by *prompt*; its id."""
        image = "subject_image" if endpoint == "ic-light" else "image"
        params = {image: f"https://shop.example/{prompt}.jpg"}
        params |= {"prompt": prompt} if endpoint == "ic-light" else {"light_direction": "left"}
        text = encode(params)
        price = endpoints.get(endpoint).price_of(params)
        assert price is not None

        def insert(db: Any) -> int:
            row = db.execute(
                "INSERT INTO rows (header_id, number, digest, cells, local, live) VALUES (1, 1, x'00', '[]', 0, 1)"
            ).lastrowid
            return int(
                db.execute(
                    "INSERT INTO tasks (key, step, endpoint, row_id, fingerprint, params, state, live, estimate_nano,"
                    " reserve_nano, planned_at) VALUES (?,?,?,?,?,?,'planned',1,?,?,?)",
                    (
                        key or f"{prompt}-{next(self._numbers)}",
                        "step",
                        endpoint,
                        row,
                        fingerprint(endpoint, text),
                        text,
                        price.typical_nano,
                        price.worst_nano,
                        self.now,
                    ),
                ).lastrowid
            )

        return self.ledger.run(insert)

    def make_durable(self) -> None:
        """What a run does after planning."""
        self.ledger.checkpoint()

    async def settle_doubts(self) -> doubts.Settled:
        async def no_nap(_seconds: float) -> None:
            return

        return await doubts.settle(
            self.ledger, self.provider, now=self.now, settle_after_s=0.0, say=lambda _text: None, nap=no_nap
        )

    async def work(self, *tasks: int) -> Budget:
        """Work on *tasks*, or on everything open; raises Crash where the script says so."""
        self.now += 1
        self.provider.now = self.now
        billed, held, holders = self.ledger.money()
        budget = Budget(self.cap_nano, billed_nano=billed, held_nano=held, held_count=holders)
        throttle = Throttle(Rates(0, 8))
        tools = self._tools(budget, throttle)
        worker = Worker(tools, Habits("run", self.patience))
        try:
            for task in await self.ledger.submitted_tasks():
                await worker.settle(task)
            for slug in self.ledger.endpoints_open():
                for task, twin, state in await self.ledger.open_tasks(slug, 0, 1000):
                    if tasks and task.id not in tasks:
                        continue
                    if state == "done" and twin is not None:
                        await worker.delivery.share(task, twin)
                    elif state is None:
                        await worker.settle(task)
        finally:
            await throttle.close()
            worker.delivery.hands.close()
        return budget

    def abandon(self) -> None:
        """What a killed process leaves behind: everything committed, nothing more."""
        self.ledger._writer.close()
        self.ledger._db.close()
        self.ledger.journal.close()

    def crash(self) -> None:
        """End the process, and start another."""
        self.abandon()
        self.open()

    def lose_log(self, share: float) -> None:
        """End the process, cut its write-ahead log to *share*, and start another on what is left."""
        left = self.folder.with_name(f"{self.folder.name}x")
        self.ledger.run(lambda _db: None)
        shutil.copytree(self.folder, left)
        self.abandon()
        log = left / "ledger.db-wal"
        (left / "ledger.db-shm").unlink(missing_ok=True)
        if log.exists():
            data = log.read_bytes()
            log.write_bytes(data[: int(len(data) * share)])
        shutil.rmtree(self.folder)
        self.folder = left
        self.open()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.ledger.run(lambda db: db.execute(sql).fetchall())

    def states(self) -> Counter[str]:
        return Counter(state for (state,) in self.query("SELECT state FROM tasks WHERE live"))

    def billed_and_held(self) -> tuple[int, int]:
        billed, held, _ = self.ledger.money()
        return billed, held

    def _tools(self, budget: Budget, throttle: Throttle) -> Tools:
        provider: Provider = self.provider  # type: ignore[assignment]  # its name is a field, not a property
        return Tools(
            ledger=self.ledger,
            provider=provider,
            throttle=throttle,
            budget=budget,
            store=OutputStore(self.ledger.folder, sync=False),
            staging=Staging(self.ledger, provider, clock=lambda: self.now, presign=self.presign),
            stop=self.make_stop(),
            observer=Tally(),
            prices=self.prices or PriceBook({}, {}, {}),
            clock=lambda: self.now,
            chance=lambda: 0.5,
            draw_seed=lambda: self.provider.chance.randrange(1, 2**31),
        )


def paid_twice(provider: FakeProvider) -> list[str]:
    """Bodies that were billed more than once, though their outputs could be had: a drawn seed tells attempts apart."""
    kept = (job for job in provider.bills if job.id not in provider.forgotten)
    bodies = Counter(encode({k: v for k, v in job.body.items() if k != "seed"}) for job in kept)
    return [body for body, count in bodies.items() if count > 1]
