"""Tasks in doubt: sent, no answer, perhaps billed.  Ask the provider's history, never send again.

What the history knows is fetched or opened again; what it certainly does not know was not billed; what cannot be told
stays in doubt.  `recognition` decides which of these it is.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.errors import PASSING, CallError, ErrorClass, RecipeError
from pipeline.images.errors import BadInput
from pipeline.images.files import read_image_file
from pipeline.images.prepare import prepare
from pipeline.ledger import attempts
from pipeline.ledger.entries import fail_twins
from pipeline.ledger.events import Verdict
from pipeline.recognition import CLOCKS_DIFFER_S, Doubtful, Found, NotBilled, Unknown, verdict
from pipeline.wish import encode, fingerprint
from pipeline.words import many

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from pipeline.ledger import Ledger
    from pipeline.provider import Provider

JUST_NOW_S = 600.0
"""How far around a call of a moment ago the history is read: half a day of it would be many pages for each."""
YOUNG_S = 5.0
"""A call is this old before the history is asked: what a killed process sent may still be on its way."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of the tasks in doubt."""

    found: int = 0
    reopened: int = 0
    left: int = 0


async def settle(
    ledger: Ledger,
    provider: Provider,
    *,
    now: float,
    settle_after_s: float,
    say: Callable[[str], None],
    nap: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Settled:
    """Ask the provider's history about every task in doubt, and record what it says."""
    found = reopened = left = 0
    doubtful = await ledger.do(_cases)
    if wait_s := _too_young_s(doubtful, now, min(YOUNG_S, settle_after_s)):
        await nap(wait_s)
        now += wait_s
    for endpoint, cases in doubtful.items():
        if endpoint not in endpoints.every():
            say(f"{endpoint}: no installed package has this endpoint; {many(len(cases), 'task')} stay in doubt")
            left += len(cases)
            continue
        first = min(case.intent_at for case in cases)
        last = max(now, *(case.intent_at for case in cases))
        try:
            history = await provider.history(endpoint, first - CLOCKS_DIFFER_S, last + CLOCKS_DIFFER_S)
        except CallError as error:
            say(f"{endpoint}: the provider's history cannot be read ({error}); {len(cases)} tasks stay in doubt")
            left += len(cases)
            continue
        known = await ledger.do(partial(attempts.of_requests, request_ids={each.request_id for each in history}))
        for case in cases:
            said = verdict(case, history, known=known, now=now, settle_after_s=settle_after_s)
            match said:
                case Found(request_id):
                    known[request_id] = (case.attempt, case.intent_at)
                    await ledger.do(partial(_attach, case=case, request_id=request_id))
                    found += 1
                case NotBilled(why):
                    await ledger.do(partial(_reopen, attempt=case.attempt, task=case.task, why=why, now=now))
                    reopened += 1
                case Unknown():
                    left += 1
    return Settled(found, reopened, left)


async def look_for(
    ledger: Ledger, provider: Provider, case: Doubtful, *, now: float
) -> Found | NotBilled | Unknown | None:
    """What the history says of a call that a gateway gave up on a moment ago; None when it cannot be read now.

    Of a provider that has none it says that the call was not billed.
    """
    try:
        history = await provider.history(case.endpoint, case.intent_at - JUST_NOW_S, now + JUST_NOW_S)
    except CallError as error:
        has_one = error.error_class in PASSING | {ErrorClass.BAD_OUTPUT}
        return None if has_one else NotBilled(f"the history cannot be read: {error}")
    known = await ledger.do(partial(attempts.of_requests, request_ids={each.request_id for each in history}))
    return verdict(case, history, known=known, now=now, settle_after_s=0.0)


def _too_young_s(doubtful: Mapping[str, list[Doubtful]], now: float, age_s: float) -> float:
    """Seconds until the youngest is *age_s* old; never more than that, whatever the clock was meanwhile."""
    ages = [now - case.intent_at for cases in doubtful.values() for case in cases]
    return min(age_s, max(0.0, age_s - min(ages))) if ages else 0.0


def settle_by_hand(db: sqlite3.Connection, ids: Iterable[str], *, billed: bool, now: float) -> int:
    """Settle tasks in doubt by their ids, as the user says; raises RecipeError for an id that is not in doubt."""
    count = 0
    for text in ids:
        found = (
            db.execute(
                "SELECT t.id, max(a.id), max(a.held_nano) FROM tasks t JOIN attempts a ON a.task_id = t.id"
                " AND a.outcome='in_doubt' WHERE t.id=? AND t.state='in_doubt' GROUP BY t.id",
                (int(text),),
            ).fetchone()
            if text.isascii() and text.isdecimal()
            else None
        )
        if found is None:
            raise RecipeError(
                f"there is no task in doubt with the id {text!r}",
                hint="`photobatch ledger DIR --state in_doubt` lists them; the id is in the column task_id",
            )
        task, attempt, held = found
        if billed:
            _bill(db, attempt, task, held, now)
        else:
            _reopen(db, attempt, task, "the user says that it was not billed", now)
        count += 1
    return count


def _cases(db: sqlite3.Connection) -> dict[str, list[Doubtful]]:
    """Tasks in doubt by endpoint, superseded ones included: money hangs on them."""
    cases: dict[str, list[Doubtful]] = {}
    for attempt, task, endpoint, text, body, seed, at, kept in db.execute(
        "SELECT a.id, t.id, t.endpoint, t.params, t.fingerprint, a.seed, a.intent_at, a.sent"
        " FROM attempts a JOIN tasks t ON t.id = a.task_id"
        " WHERE a.outcome='in_doubt' AND t.state='in_doubt' AND NOT EXISTS"
        " (SELECT 1 FROM attempts n WHERE n.task_id = a.task_id AND n.id > a.id) ORDER BY a.id"
    ):
        params = json.loads(text)
        sent = json.loads(kept) if kept else _uploads(db, endpoint, params, body, at) if seed is None else {}
        cases.setdefault(endpoint, []).append(Doubtful(attempt, task, endpoint, params, seed, at, sent))
    return cases


def _uploads(
    db: sqlite3.Connection, endpoint: str, params: Mapping[str, Any], body: bytes | None, at: float
) -> dict[str, str]:
    """The same for a call that an earlier release sent, at *at*; nothing when a file is not what *body* was made of."""
    known = endpoints.every().get(endpoint)
    names = [name for name in known.images if _is_file(params.get(name))] if known else []
    try:
        files = {name: read_image_file(Path(params[name])) for name in names}
        content = {**params, **{name: f"sha256:{sha256(data).hexdigest()}" for name, data in files.items()}}
        if fingerprint(endpoint, encode(content)) != body:
            return {}
        hashes = {name: prepare(data, name=params[name]).sha256 for name, data in files.items()}
    except BadInput:
        return {}
    query = "SELECT url FROM uploads WHERE sha256=? AND uploaded_at<=?"
    found = {name: db.execute(query, (hash_, at)).fetchone() for name, hash_ in hashes.items()}
    return {name: record[0] for name, record in found.items() if record is not None}


def _is_file(image: Any) -> bool:
    return isinstance(image, str) and "://" not in image and image[:5].lower() != "data:"


def _attach(db: sqlite3.Connection, case: Doubtful, request_id: str) -> None:
    db.execute("UPDATE attempts SET outcome='submitted', request_id=? WHERE id=?", (request_id, case.attempt))
    db.execute(
        "UPDATE tasks SET state='submitted', request_id=?, submitted_at=?, error_class=NULL, error=NULL,"
        " finished_at=NULL WHERE id=?",
        (request_id, case.intent_at, case.task),
    )


def _reopen(db: sqlite3.Connection, attempt: int, task: int, why: str, now: float) -> None:
    db.execute(
        "UPDATE attempts SET outcome='absent', held_nano=0, billed_nano=0, closed_at=?, error=? WHERE id=?",
        (now, why, attempt),
    )
    db.execute("UPDATE tasks SET state='planned', error_class=NULL, error=NULL, finished_at=NULL WHERE id=?", (task,))


def _bill(db: sqlite3.Connection, attempt: int, task: int, held: int, now: float) -> None:
    """The user says it was billed, and nobody has the image: the price is what was reserved."""
    db.execute(
        "UPDATE attempts SET outcome='lost', held_nano=0, billed_nano=?, closed_at=? WHERE id=?",
        (held, now, attempt),
    )
    verdict = Verdict(ErrorClass.LOST, "billed without an output, as the user says", None, now)
    db.execute(
        "UPDATE tasks SET state='failed', error_class=?, error=?,"
        " billed_nano=coalesce(billed_nano, 0) + ?, finished_at=? WHERE id=?",
        (verdict.error_class, verdict.error, held, now, task),
    )
    fail_twins(db, task, verdict)
