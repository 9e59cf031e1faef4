"""What follows an answer: this table is the documentation of retries, and of when nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.policy import Doubt, GiveUp, Patience, Retry, Step, StopEndpoint, StopRun, next_step
from pipeline.provider.refusals import refusal
from pipeline.wish import encode
from tests.money.rig import FakeProvider, Rig, picture

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = Patience()


def follows(error: CallError, *, tries: int = 1, elapsed_s: float = 0.0, chance: float = 0.0) -> Step:
    return next_step(error, tries=tries, elapsed_s=elapsed_s, patience=PATIENCE, chance=chance)


def answer(status: int, text: str = '{"error": "no"}', **headers: str) -> CallError:
    return refusal(status, text, headers, now=1_700_000_000.0)


TABLE: list[tuple[str, CallError, int, type[Step]]] = [
    ("429 waits and costs no attempt", answer(429), 1, Retry),
    ("429 is tried again however often", answer(429), 50, Retry),
    ("502 is tried again", answer(502), 1, Retry),
    ("502 is tried five times", answer(502), 4, Retry),
    ("502 fails after five tries", answer(502), 5, GiveUp),
    ("504 is tried again", answer(504), 1, Retry),
    ("504 fails after five tries", answer(504), 5, GiveUp),
    ("500 is tried once more", answer(500), 1, Retry),
    ("500 fails the second time", answer(500), 2, GiveUp),
    ("400 fails", answer(400), 1, GiveUp),
    ("404 fails", answer(404), 1, GiveUp),
    ("422 fails", answer(422), 1, GiveUp),
    ("406 about a parameter fails", answer(406, '{"error": "prompt is missing"}'), 1, GiveUp),
    ("406 about credits stops the run", answer(406, '{"error": "Insufficient credits"}'), 1, StopRun),
    ("401 stops the run", answer(401), 1, StopRun),
    ("403 stops the endpoint", answer(403), 1, StopEndpoint),
    ("410 stops the endpoint", answer(410), 1, StopEndpoint),
    ("a reset after sending is a doubt", CallError("reset", ErrorClass.CONNECTION, answered=False), 1, Doubt),
    ("a time-out after sending is a doubt", CallError("late", ErrorClass.TIMEOUT, answered=False), 1, Doubt),
    (
        "no connection is tried again",
        CallError("refused", ErrorClass.CONNECTION, sent=False, answered=False),
        1,
        Retry,
    ),
    (
        "no connection is tried again however often it was tried",
        CallError("refused", ErrorClass.CONNECTION, sent=False, answered=False),
        50,
        Retry,
    ),
    (
        "what cannot be sent as it stands is not tried for ever",
        CallError("no JSON", ErrorClass.BAD_INPUT, sent=False, answered=False),
        5,
        GiveUp,
    ),
]


def test_an_answer_may_ask_for_a_quarter_of_an_hour_but_not_for_a_day() -> None:
    short, long = follows(answer(503, **{"Retry-After": "600"})), follows(answer(503, **{"Retry-After": "86400"}))
    assert isinstance(short, Retry)
    assert short.wait_s == 600
    assert long == GiveUp()


@pytest.mark.parametrize(("sentence", "error", "tries", "step"), TABLE, ids=[row[0] for row in TABLE])
def test_what_follows_an_answer(sentence: str, error: CallError, tries: int, step: type[Step]) -> None:
    assert isinstance(follows(error, tries=tries), step), sentence


def test_a_429_does_not_use_up_an_attempt_and_a_502_does() -> None:
    busy, gateway = follows(answer(429)), follows(answer(502))
    assert isinstance(busy, Retry)
    assert isinstance(gateway, Retry)
    assert (busy.counts, gateway.counts) == (False, True)


def test_back_off_doubles_up_to_its_ceiling_and_is_spread_by_chance() -> None:
    waits = [PATIENCE.backoff_s(tries, 0.0) for tries in range(1, 12)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(waits) == PATIENCE.longest_s / 2
    assert PATIENCE.backoff_s(1, 0.999) > PATIENCE.backoff_s(1, 0.0)


def test_a_retry_waits_at_least_as_long_as_the_provider_asks() -> None:
    step = follows(answer(502, **{"Retry-After": "17"}))
    assert isinstance(step, Retry)
    assert step.wait_s >= 17


def test_a_task_that_is_refused_for_too_long_fails_but_a_doubt_stays_a_doubt() -> None:
    late = PATIENCE.task_s
    assert isinstance(follows(answer(429), elapsed_s=late), GiveUp)
    unanswered = CallError("reset", ErrorClass.CONNECTION, answered=False)
    assert isinstance(follows(unanswered, elapsed_s=late), Doubt)


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_nothing_that_was_sent_without_an_answer_is_ever_sent_again(error_class: ErrorClass) -> None:
    assert isinstance(follows(CallError("?", error_class, sent=True, answered=False)), Doubt)


async def test_a_line_that_is_down_for_a_while_costs_no_task(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "out")
    rig.plan("mug")
    rig.provider.script.extend(["no line"] * 20)

    await rig.work()

    assert rig.states() == {"done": 1}
    assert rig.query("SELECT outcome, sum(billed_nano) > 0 FROM attempts GROUP BY 1 ORDER BY 1") == [
        ("done", 1),
        ("refused", 0),
    ]


async def test_a_line_that_is_down_uses_up_no_attempt_of_what_comes_after(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "out")
    rig.plan("mug")
    rig.provider.script.extend(["no line"] * 20 + ["gateway"] * 4)

    await rig.work()

    assert rig.states() == {"done": 1}


class BadLine(FakeProvider):
    """Takes files, when the line is there."""

    down = 20

    async def upload(self, data: bytes, content_type: str) -> str:
        del data, content_type
        self.down -= 1
        if self.down >= 0:
            raise CallError("no connection", ErrorClass.CONNECTION, sent=False, answered=False)
        return "https://up.example/1"


async def test_an_upload_waits_for_the_line_as_well(tmp_path: Path) -> None:
    path = tmp_path / "mug.png"
    path.write_bytes(picture(1))
    rig = Rig(tmp_path / "out", provider=BadLine())
    task = rig.plan("mug")
    params = encode({"subject_image": str(path), "prompt": "mug"})
    rig.ledger.run(lambda db: db.execute("UPDATE tasks SET params=? WHERE id=?", (params, task)))

    await rig.work()

    assert rig.states() == {"done": 1}


def test_a_line_that_stays_down_ends_the_task() -> None:
    error = CallError("refused", ErrorClass.CONNECTION, sent=False, answered=False)

    assert isinstance(follows(error, tries=9, elapsed_s=PATIENCE.line_s - 1), Retry)
    assert isinstance(follows(error, tries=9, elapsed_s=PATIENCE.line_s), GiveUp)
