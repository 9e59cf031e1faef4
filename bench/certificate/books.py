"""After a round: compare the ledger, the files and the provider's own list of bills.  Reads only; fixes nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.outputs import BadOutput, inspect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Bill = Mapping[str, Any]


@dataclass
class Findings:
    """What the books say; everything but ``in_doubt`` must be 0."""

    tasks: int = 0
    bills: int = 0
    paid_twice: int = 0
    lost: int = 0
    cap_passed: int = 0
    unsettled: int = 0
    wrong_sum: int = 0
    bad_files: int = 0
    broken_commands: int = 0
    in_doubt: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        """Everything that must not be."""
        return (
            self.paid_twice
            + self.lost
            + self.cap_passed
            + self.unsettled
            + self.wrong_sum
            + self.bad_files
            + self.broken_commands
        )

    def add(self, other: Findings) -> None:
        """Take the findings of another round in."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def note(self, text: str) -> None:
        """Keep words about a violation."""
        self.notes.append(text)


def audit(folder: Path, bills: Sequence[Bill], cap_nano: int | None, expected_tasks: int) -> Findings:
    """Compare *folder* with *bills*, those of this folder's calls only."""
    found = Findings(bills=len(bills))
    with contextlib.closing(sqlite3.connect(f"{(folder / 'ledger.db').as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        tasks = db.execute("SELECT * FROM tasks").fetchall()
        attempts = db.execute("SELECT * FROM attempts").fetchall()
        outputs = db.execute("SELECT * FROM outputs").fetchall()
    _tasks(found, [task for task in tasks if task["live"]], expected_tasks)
    found.in_doubt = sum(task["state"] == "in_doubt" for task in tasks)
    _twice(found, bills)
    _lost(found, bills, attempts, {task["id"]: task for task in tasks}, {output["task_id"] for output in outputs})
    _sums(found, bills, attempts, cap_nano)
    _files(found, folder, outputs)
    return found


def _tasks(found: Findings, live: Sequence[sqlite3.Row], expected: int) -> None:
    found.tasks = len(live)
    if len(live) != expected:
        found.unsettled += 1
        found.note(f"{len(live)} tasks in the ledger, {expected} in the manifest")
    in_doubt = {task["fingerprint"] for task in live if task["state"] == "in_doubt"}
    for task in live:
        waits = task["state"] == "planned" and task["fingerprint"] in in_doubt  # for a twin's output
        if task["state"] not in ("done", "in_doubt") and not waits:
            found.unsettled += 1
            found.note(f"{task['key']} is {task['state']}: {task['error']}")


def _twice(found: Findings, bills: Iterable[Bill]) -> None:
    """Bodies that were billed more than once.  The drawn seed tells attempts apart, not bodies."""
    for body, count in Counter(_body(bill) for bill in bills).items():
        if count > 1:
            found.paid_twice += count - 1
            found.note(f"billed {count} times: {body}")


def _body(bill: Bill) -> str:
    seed = endpoints.get(bill["endpoint"]).seed
    return json.dumps([bill["endpoint"], {k: v for k, v in bill["body"].items() if not seed or k != seed[0]}])


def _lost(
    found: Findings,
    bills: Iterable[Bill],
    attempts: Iterable[sqlite3.Row],
    tasks: Mapping[int, sqlite3.Row],
    with_output: set[int],
) -> None:
    """Bills whose image is nowhere.  What is in doubt is not lost: it is known, and money is kept for it."""
    by_request = {attempt["request_id"]: attempt["task_id"] for attempt in attempts if attempt["request_id"]}
    in_doubt = [task for task in tasks.values() if task["state"] == "in_doubt"]
    for bill in bills:
        task_id = by_request.get(bill["request_id"])
        if task_id is not None and tasks[task_id]["state"] == "done" and task_id in with_output:
            continue
        if any(_may_be(bill, task) for task in in_doubt):
            continue
        found.lost += 1
        state = "unknown to the ledger" if task_id is None else f"{tasks[task_id]['key']}, {tasks[task_id]['state']}"
        found.note(f"billed and lost: {bill['request_id']} ({state})")


def _may_be(bill: Bill, task: sqlite3.Row) -> bool:
    images = endpoints.get(task["endpoint"]).images
    params = json.loads(task["params"])
    return task["endpoint"] == bill["endpoint"] and all(params.get(name) == bill["body"].get(name) for name in images)


def _sums(found: Findings, bills: Sequence[Bill], attempts: Sequence[sqlite3.Row], cap_nano: int | None) -> None:
    billed = sum(bill["cost_nano"] for bill in bills)
    ours = sum(attempt["billed_nano"] or 0 for attempt in attempts)
    held = sum(attempt["held_nano"] for attempt in attempts)
    if not ours <= billed <= ours + held:
        found.wrong_sum += 1
        found.note(
            f"the provider billed {billed / 1e9:.6f} USD, the ledger has {ours / 1e9:.6f} and {held / 1e9:.6f} held"
        )
    if cap_nano is not None and billed > cap_nano:
        found.cap_passed += 1
        found.note(f"billed {billed / 1e9:.6f} USD over a cap of {cap_nano / 1e9:.6f}")


def _files(found: Findings, folder: Path, outputs: Iterable[sqlite3.Row]) -> None:
    known = {output["path"]: output for output in outputs}
    for path in sorted((folder / "images").rglob("*")) if (folder / "images").exists() else []:
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes()
        try:
            inspect(data)
        except BadOutput as error:
            found.bad_files += 1
            found.note(f"{name}: {error}")
        if name not in known:
            found.bad_files += 1
            found.note(f"{name} belongs to no task")
        elif hashlib.sha256(data).hexdigest() != known[name]["sha256"]:
            found.bad_files += 1
            found.note(f"{name} is not what the ledger says")
    for name in known:
        if not (folder / name).is_file():
            found.bad_files += 1
            found.note(f"{name} is missing")
