"""Carry decisions out: approved outputs stay, rejected ones are planned anew with their changes.

All decisions of a file are applied, or none.  Applying the same file again changes nothing, so nothing is paid twice.
Knows endpoints and images as far as they make up a body; the ledger does the writing, the next run the work.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.departed import move_aside
from pipeline.endpoints import BadParameters
from pipeline.endpoints.parameters import nearest
from pipeline.errors import InputError
from pipeline.ledger import decide
from pipeline.ledger.decide import APPROVE, Judged, Successor
from pipeline.prices import PriceBook, from_records
from pipeline.report.decisions import Decision, summed_up
from pipeline.sources import Sources
from pipeline.wish import FINGERPRINT_BYTES, BadImage, encode, fingerprint

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from pipeline.departed import Memory
    from pipeline.outputs import OutputStore

UNDER_WAY = ("intent", "submitted")


@dataclass
class Applied:
    """What became of a file of decisions."""

    approved: int = 0
    rejected: int = 0
    before: int = 0
    """Decisions that had been applied before: nothing was done."""
    left: list[str] = field(default_factory=list)
    """Decisions that do not fit the task as it is now, and why."""
    warnings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{self.approved} approved", f"{self.rejected} rejected, to be made anew"]
        parts += [f"{self.before} applied before"] if self.before else []
        parts += [f"{len(self.left)} left as they are"] if self.left else []
        return ", ".join(parts)


class Unfit(Exception):
    """A decision that does not fit the task as it is now: it is left out, with the reason."""


def apply_decisions(ledger: Memory, decisions: Iterable[Decision], *, store: OutputStore, now: float) -> Applied:
    """Write *decisions* into the ledger and move rejected outputs to ``superseded/``; *now* is Unix time.

    Raises InputError naming every decision that cannot be carried out; then nothing was applied.
    """
    wanted = list(decisions)
    applied = ledger.run(lambda db: write_decisions(db, wanted, now=now))
    set_aside(ledger, store)
    return applied


def set_aside(ledger: Memory, store: OutputStore) -> int:
    """Move the outputs of rejected tasks out of the way; returns how many.  Safe to repeat, also after a crash."""
    return move_aside(ledger, store, ledger.run(decide.rejected_outputs))


def write_decisions(
    db: sqlite3.Connection, decisions: Iterable[Decision], *, now: float, again: bool = False
) -> Applied:
    """The part of `apply_decisions` that concerns the ledger, inside a transaction of the caller.

    ``again``: whoever decides sees the present outputs, so words that were said before are meant anew.
    """
    wanted = [(each, _task_of(db, each)) for each in decisions]
    known = decide.applied_before(db)
    maker = _Maker(db)
    applied = Applied()
    problems = [task for _, task in wanted if isinstance(task, str)]
    for each, task in wanted:
        if isinstance(task, str):
            continue
        if not again and _applied(each, task, known):
            applied.before += 1
            continue
        try:
            _carry_out(db, each, task, maker=maker, applied=applied, now=now)
        except Unfit as reason:
            applied.left.append(f"{each}: {reason}")
        except BadParameters as error:
            problems += [f"{each}: set {problem}" for problem in error.problems]
        except BadImage as error:
            problems.append(f"{each}: {error}")
    if problems:
        raise InputError(summed_up(problems), hint="correct these decisions; nothing was applied")
    return applied


def _applied(wanted: Decision, task: Judged, known: set[tuple[str, str, str, str, str]]) -> bool:
    if wanted.decision == APPROVE:
        return task.decision == APPROVE and (task.note or "") == wanted.note
    return (wanted.key, wanted.step, wanted.decision, wanted.note, decide.canonical(wanted.changes)) in known


def _task_of(db: sqlite3.Connection, wanted: Decision) -> Judged | str:
    """The live task of that name, or what is wrong."""
    task = decide.judged(db, wanted.key, wanted.step)
    if task is not None:
        return task
    steps = decide.steps_of(db, wanted.key)
    if steps:
        return f"{wanted}: there is no such step{nearest(wanted.step, steps)} (the steps are {', '.join(steps)})"
    near = list(decide.keys_like(db, wanted.key))
    guess = f"; did you mean {near[0]!r}?" if near and len(near[0]) != len(wanted.key) else nearest(wanted.key, near)
    return f"{wanted}: there is no such key{guess}"


def _carry_out(
    db: sqlite3.Connection, wanted: Decision, task: Judged, *, maker: _Maker, applied: Applied, now: float
) -> None:
    if wanted.task not in (None, task.id, task.reused_from):
        raise Unfit("it is about an output that has given way to another one: look at the new one, and decide anew")
    if wanted.decision == APPROVE:
        if task.state != "done":
            raise Unfit(f"there is no output to approve: the task is {task.state}")
        decide.approve(db, task, note=wanted.note, now=now)
        applied.approved += 1
        return
    _refuse_unfit(task, wanted)
    successor = maker.make(task, wanted.changes)
    applied.warnings += maker.warnings(task, wanted)
    decide.reject(db, task, successor, note=wanted.note, changes=wanted.changes, now=now)
    applied.rejected += 1


def _refuse_unfit(task: Judged, wanted: Decision) -> None:
    if task.state in UNDER_WAY:
        raise Unfit("the call is under way: decide when its output is there")
    if task.state == "in_doubt":
        raise Unfit("it may have been billed: `photobatch settle` first")
    if task.state == "invalid":
        raise Unfit("it was never sent: correct its row in the manifest instead")
    if task.state == "planned" and not wanted.changes:
        raise Unfit("it has no output yet, and is made by the next run anyway")


class _Maker:
    """Makes successors: checks changes, names images by content, quotes prices."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._prices = PriceBook(from_records(db.execute("SELECT * FROM prices")), {}, {})
        # Not kept: whether a photo changed since it was approved is for the next planning to see.
        self._sources = Sources(db, _manifest_folder(db), allow_private=_is_rehearsal(db), kept=False)
        self._said: list[str] = []

    def make(self, task: Judged, changes: Mapping[str, str]) -> Successor:
        """What is sent instead of *task*.  Raises BadParameters and BadImage."""
        before = json.loads(task.params)
        params = self._changed(task.endpoint, before, changes)
        if params == before:
            return self._same_again(task)
        endpoint = endpoints.get(task.endpoint)
        named = {name: self._sources.find(params[name]) for name in endpoint.images if name in params}
        sent = {**params, **{name: location for name, (location, _) in named.items()}}
        content = {**params, **{name: identity for name, (_, identity) in named.items()}}
        estimate, reserve = task.estimate_nano, task.reserve_nano
        if endpoint.signature(before) != endpoint.signature(params):
            quote = self._prices.quote(endpoint, params)
            estimate, reserve = (quote.typical_nano, quote.worst_nano) if quote else (None, None)
        return Successor(fingerprint(task.endpoint, encode(content)), encode(sent), estimate, reserve)

    def warnings(self, task: Judged, wanted: Decision) -> list[str]:
        """What the person who rejected should know before it is paid for."""
        said = [f"{wanted}: {warning}" for warning in self._said]
        self._said = []
        seed = endpoints.get(task.endpoint).seed
        fixed = json.loads(task.params).get(seed[0]) if seed else None
        if seed and not wanted.changes and task.state == "done" and fixed not in (None, seed[1]):
            said.append(
                f"{wanted}: its {seed[0]} is fixed at {fixed}, so the same picture may come again;"
                f" set {seed[0]}=... changes that"
            )
        return said

    def _changed(self, slug: str, before: Mapping[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
        kept = {name: value for name, value in before.items() if name not in changes}
        endpoint = endpoints.get(slug)
        given = {name: endpoint.cleaned(name, text) for name, text in changes.items() if text or name not in before}
        params, self._said = endpoint.validate({**kept, **given})
        return params

    def _same_again(self, task: Judged) -> Successor:
        """The same body once more.  What was paid for has its fingerprint: another one keeps them apart.

        Tasks that share one output and are rejected together stay together: they are paid for once.
        """
        same = task.fingerprint or b""
        if task.state == "done":
            paid = task.reused_from or task.id
            same = sha256(b"anew %d " % paid + same).digest()[:FINGERPRINT_BYTES]
        return Successor(same, task.params, task.estimate_nano, task.reserve_nano)


def _manifest_folder(db: sqlite3.Connection) -> Path | None:
    """What relative image paths are relative to: where the newest manifest was."""
    query = "SELECT manifest FROM runs WHERE manifest IS NOT NULL ORDER BY started_at DESC LIMIT 1"
    found = db.execute(query).fetchone()
    return Path(found[0]).parent if found else None


def _is_rehearsal(db: sqlite3.Connection) -> bool:
    found = db.execute("SELECT value FROM meta WHERE name='provider'").fetchone()
    return found is not None and found[0] == "sandbox"
