"""What a run would do with every task of a manifest, and why: `new`, `image changed`, `up to date`, ...

The same planning as a run's, on a copy of the ledger that is thrown away; then what stood there before is laid beside
what stands there now.  Changes nothing, sends nothing.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import endpoints
from pipeline.ledger.schema import paid_or_at_risk
from pipeline.missing import reopen_missing
from pipeline.money import usd
from pipeline.planning import Planner, scratch
from pipeline.selection import Selection

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.wanted import Wanted

PAY, SHARE, FETCH, SETTLE, NOTHING = "pay", "share", "fetch", "settle", "nothing"
"""What a run would do: pay for a call, copy an output that was paid for, fetch what the provider has accepted, ask the
provider's history, or nothing."""
LONGEST = 48
LEAD = 12
"""Characters shown before the first difference of two long values."""

BEFORE = """
CREATE TEMP TABLE before AS
SELECT t.id, t.key, t.step, t.endpoint, t.state, t.params, t.error_class, t.error, t.row_id FROM tasks t WHERE t.live
"""
NOW = f"""
SELECT t.id, t.key, t.step, t.endpoint, t.state, t.params, t.error_class, t.error, t.attempts, t.estimate_nano,
       t.reserve_nano, t.fingerprint,
       b.id, b.endpoint, b.state, b.params, b.error_class, b.error,
       t.state = 'planned' AND EXISTS (SELECT 1 FROM tasks w WHERE w.fingerprint = t.fingerprint AND w.id <> t.id
           AND {paid_or_at_risk("w.")})
FROM tasks t LEFT JOIN before b ON b.key = t.key AND b.step = t.step
WHERE t.live ORDER BY t.row_id, t.id
"""  # noqa: S608  # constant text
GONE = """
SELECT b.key, b.step, b.endpoint, b.state, r.live FROM before b JOIN rows r ON r.id = b.row_id
WHERE NOT EXISTS (SELECT 1 FROM tasks t WHERE t.live AND t.key = b.key AND t.step = b.step) ORDER BY b.id
"""
TWINS = "SELECT fingerprint FROM tasks WHERE live AND state='planned' GROUP BY fingerprint HAVING count(*) > 1"


class Past(NamedTuple):
    """The task that stood for the same key and step before."""

    id: int | None
    endpoint: str | None
    state: str | None
    params: str | None
    error_class: str | None
    error: str | None


class Present(NamedTuple):
    """The task that stands for a key and step after planning."""

    id: int
    key: str
    step: str
    endpoint: str
    state: str
    params: str
    error_class: str | None
    error: str | None
    attempts: int
    typical_nano: int | None
    worst_nano: int | None
    fingerprint: bytes | None


@dataclass(frozen=True, slots=True)
class Line:
    """What would happen to one task, and why.  Money in nano-dollars: of what this task itself would pay."""

    key: str
    step: str
    endpoint: str
    does: str
    """``pay``, ``share``, ``fetch``, ``settle`` or ``nothing``."""
    reason: str
    detail: str = ""
    typical_nano: int | None = 0
    worst_nano: int | None = 0

    @property
    def why(self) -> str:
        """Reason and detail, as people read them."""
        return f"{self.reason}: {self.detail}" if self.detail else self.reason

    def as_json(self) -> dict[str, Any]:
        """The line as plain JSON values; money in USD."""
        return {
            "key": self.key,
            "step": self.step,
            "endpoint": self.endpoint,
            "does": self.does,
            "reason": self.reason,
            "detail": self.detail,
            "typical_usd": None if self.typical_nano is None else usd(self.typical_nano),
            "worst_usd": None if self.worst_nano is None else usd(self.worst_nano),
        }


@dataclass
class Totals:
    """Lines added up by what would happen and why."""

    tasks: dict[tuple[str, str], int] = field(default_factory=dict)
    typical_nano: int = 0
    worst_nano: int = 0
    unpriced: int = 0

    def add(self, line: Line) -> None:
        """Count *line*."""
        self.tasks[line.does, line.reason] = self.tasks.get((line.does, line.reason), 0) + 1
        self.typical_nano += line.typical_nano or 0
        self.worst_nano += line.worst_nano or 0
        self.unpriced += line.worst_nano is None

    @property
    def to_pay(self) -> int:
        """Calls that would be paid."""
        return sum(count for (does, _), count in self.tasks.items() if does == PAY)

    def as_json(self) -> dict[str, Any]:
        """The totals as plain JSON values; money in USD, None when a price is unknown."""
        return {
            "tasks": sum(self.tasks.values()),
            "to_pay": self.to_pay,
            "typical_usd": None if self.unpriced else usd(self.typical_nano),
            "worst_usd": None if self.unpriced else usd(self.worst_nano),
            "reasons": [
                {"does": does, "reason": reason, "tasks": count}
                for (does, reason), count in sorted(self.tasks.items(), key=lambda item: (-item[1], item[0]))
            ],
        }


def explain(
    wanted: Wanted,
    folder: Path,
    *,
    clock: Callable[[], float] = time.time,
    prepare: Callable[[sqlite3.Connection], object] = lambda _db: None,
) -> Iterator[Line]:
    """What a run of *wanted* in *folder* would do, task by task in the manifest's order, then what is gone.

    ``prepare`` may change the ledger that is thrown away first, as a run does.  Raises InputError.
    """
    with scratch(folder) as db:
        db.execute(BEFORE)
        db.execute("CREATE UNIQUE INDEX temp.before_place ON before (key, step)")
        prepare(db)
        db.execute("BEGIN")
        Selection().reopen(db)
        reopen_missing(db, folder, now=clock())
        planner = Planner(wanted, db, clock=clock)
        for _ in planner.steps():
            pass
        planner.finish()
        yield from _present(db)
        for key, step, slug, state, row_is_there in db.execute(GONE):
            reason = "no longer asked for" if row_is_there else "left the manifest"
            yield Line(key, step, slug, NOTHING, reason, "its output stays" if state == "done" else "")


def _present(db: sqlite3.Connection) -> Iterator[Line]:
    twins = {body for (body,) in db.execute(TWINS)}
    rejected = {successor for (successor,) in db.execute("SELECT successor FROM decisions WHERE successor IS NOT NULL")}
    claimed: set[bytes | None] = set()
    for record in db.execute(NOW):
        now, past, paid = Present(*record[:12]), Past(*record[12:18]), bool(record[18])
        does = _does(now, shared=paid or now.fingerprint in claimed)
        if does == PAY and now.fingerprint in twins:
            claimed.add(now.fingerprint)
        reason, detail = ("rejected", "") if now.id in rejected and now.state == "planned" else _why(now, past)
        money = (now.typical_nano, now.worst_nano) if does == PAY else (0, 0)
        yield Line(now.key, now.step, now.endpoint, does, reason, detail, *money)


def _does(now: Present, *, shared: bool) -> str:
    match now.state:
        case "planned":
            return SHARE if shared else PAY
        case "intent" | "submitted":
            return FETCH
        case "in_doubt":
            return SETTLE
        case _:
            return NOTHING


def _why(now: Present, past: Past) -> tuple[str, str]:
    """Reason and detail."""
    if now.state == "invalid":
        return "invalid", now.error or ""
    if past.id is None:
        return "new", ""
    if past.id == now.id:
        return _same_task(now, past)
    if past.state == "invalid":
        return "was invalid", past.error or ""
    return _what_changed(now, past)


def _same_task(now: Present, past: Past) -> tuple[str, str]:
    if past.state == "done":
        return ("up to date", "") if now.state == "done" else ("output missing", "it is gone, or has another size")
    if past.state == "failed":
        return (f"failed before: {past.error_class}", "" if now.state == "planned" else past.error or "")
    if past.state in ("intent", "submitted"):
        return "accepted by the provider", ""
    if past.state == "in_doubt":
        return "in doubt", past.error or ""
    return ("open", f"tried before: {past.error_class}") if past.error_class else ("open", "")


def _what_changed(now: Present, past: Past) -> tuple[str, str]:
    """How the body differs from the one before: equal parameters mean that an image's content changed."""
    if now.endpoint != past.endpoint:
        return "endpoint changed", f"{past.endpoint}→{now.endpoint}"
    before, after = json.loads(past.params or "{}"), json.loads(now.params)
    images = endpoints.get(now.endpoint).images
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    words = ", ".join(f"{name} {_change(before.get(name), after.get(name))}" for name in changed)
    return ("image changed" if all(name in images for name in changed) else "params changed"), words


def _change(before: Any, after: Any) -> str:
    """``before→after``; long values cut so that what differs is seen."""
    texts = ["default" if value is None else str(value) for value in (before, after)]
    pairs = enumerate(zip(*texts, strict=False))
    alike = next((n for n, (one, other) in pairs if one != other), min(map(len, texts)))
    start = alike - LEAD if alike > LONGEST - LEAD else 0
    return "→".join(_short(text, start) for text in texts)


def _short(text: str, start: int) -> str:
    shown = f"…{text[start:]}" if start else text
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
