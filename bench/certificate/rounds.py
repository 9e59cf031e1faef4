"""One round: a small catalogue, the real command with one kind of fault, resumes until the end, and the books.

Every round has a result folder and image names of its own, so that the bills of the shared provider can be told apart.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certificate.books import Findings, audit

if TYPE_CHECKING:
    import random

    from certificate.provider import Provider

VICTIM = Path(__file__).parent / "victim.py"
KEY = "SG_0123456789abcdef"
PATIENCE = 8
"""Commands after the fault within which everything must be settled."""
CUT_COMMANDS = 2
"""Commands after the first that still meet cut connections."""
COMMAND_S = 120
EXPECTED = frozenset({0, 3, 4, 6, 10})
"""Exit codes of a command that met a fault outside; 1 in words is right for a broken disk."""
OURS = 1
DOUBT = 6
CAP = 4

COLUMNS = (
    "key",
    "endpoint",
    "prompt",
    "image",
    "ref_image",
    "subject_image",
    "main_image",
    "mask_image",
    "object_image",
    "samples",
    "number_of_images",
    "light_direction",
    "light_type",
    "light_temperature",
    "light_intensity",
)
RELIGHT = {
    "light_direction": "left",
    "light_type": "softbox",
    "light_temperature": "neutral",
    "light_intensity": "bright",
}


@dataclass(frozen=True)
class Case:
    """What a round does.  ``victims`` is what `victim.py` is told in the first commands; the others are unharmed."""

    kind: str
    api: str = "queue"
    tasks: int = 12
    victims: tuple[dict[str, Any], ...] = ()
    cut: bool = False
    """Whether connections are cut besides."""
    damage: str = ""
    cap_usd: float | None = None
    cap_file: bool = False
    flags: tuple[str, ...] = ()


@dataclass
class Round:
    """One round under way in *folder*."""

    case: Case
    folder: Path
    tag: str
    provider: Provider
    chance: random.Random
    url: str
    faults: int = 0
    found: Findings = field(default_factory=Findings)

    def carry_out(self) -> Findings:
        """Do it all; the findings of this round."""
        self.folder.mkdir(parents=True)
        manifest = self.folder / "catalog.csv"
        write_manifest(manifest, self.tag, self.case.tasks)
        out = self.folder / "out"
        self._victims = list(self.case.victims)
        first = self._command("run", str(manifest), "--out", str(out), cap=True)
        if self.case.damage:
            self.faults += damage(out, self.case.damage, self.chance)
        if self.case.cap_usd is not None:
            first = self._command("run", str(manifest), "--out", str(out), cap=True)
            self._check_cap()
        self._finish(manifest, out, first)
        found = audit(out, self.provider.bills(self.tag), None, self.case.tasks)
        found.add(self.found)
        return found

    def _finish(self, manifest: Path, out: Path, code: int) -> None:
        """Repeat until everything is done, or only doubts are left that nothing can settle."""
        doubts = 0
        words: tuple[str, ...] = ("run",)
        for number in range(PATIENCE):
            # A resume knows nothing of rows that were not read, and every bomb gets its turn.
            if (code == 0 and words[0] == "run" and not self._victims) or doubts > 1:
                return
            last = number == PATIENCE - 1
            if number >= CUT_COMMANDS:
                self.url = self.provider.url
            anew = number % 2 == 0 or last or not (out / "ledger.db").exists()
            words = ("run", str(manifest), "--out", str(out)) if anew else ("resume", str(out))
            code = self._command(*words)
            doubts = doubts + 1 if code == DOUBT and number >= CUT_COMMANDS else 0

    def _check_cap(self) -> None:
        billed = sum(bill["cost_nano"] for bill in self.provider.bills(self.tag))
        assert self.case.cap_usd is not None
        if billed > round(self.case.cap_usd * 1e9):
            self.found.cap_passed += 1
            self.found.note(f"{self.tag}: billed {billed / 1e9:.6f} USD over a cap of {self.case.cap_usd}")

    def _command(self, *words: str, cap: bool = False) -> int:
        """Run the command as a user would, with the next bomb while there is one; its exit code."""
        victim = self._victims.pop(0) if self._victims else {}
        start = [sys.executable, "-m", "jobs"] if not victim else [sys.executable, str(VICTIM), json.dumps(victim)]
        flags = ["--base-url", self.url, "--api", self.case.api, "--rpm", "0", "--settle-after", "1s", "--json"]
        if words[0] == "run":
            flags += self.case.flags
        if cap and self.case.cap_usd is not None:
            flags += ["--cap", str(self.case.cap_usd)]
            flags += ["--cap-file", str(self.folder / "cap.db")] if self.case.cap_file else []
        done = subprocess.run(
            [*start, *words, *flags],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=COMMAND_S,
            check=False,
            env={**os.environ, "SEGMIND_API_KEY": KEY},
        )
        self._judge(words, done, victim)
        return done.returncode

    def _judge(self, words: tuple[str, ...], done: subprocess.CompletedProcess[str], victim: dict[str, Any]) -> None:
        """A command may be killed, or stop in words; it may not break."""
        went_off = "bomb: " in done.stderr
        killed = went_off and victim.get("act", "kill") == "kill"
        self.faults += killed + ("clock_s" in victim) + (bool(victim) and done.returncode == OURS)
        allowed = EXPECTED | ({OURS} if victim.get("act", "kill") != "kill" or "file_bytes" in victim else set())
        broken = "a fault of photobatch" in done.stderr or "Traceback" in done.stderr
        if broken or (not killed and done.returncode not in allowed):
            self.found.broken_commands += 1
            self.found.note(f"{self.tag} `{words[0]}` ended with {done.returncode}: {done.stderr.strip()[-600:]}")


def write_manifest(path: Path, tag: str, tasks: int) -> None:
    """A task manifest over all endpoints; every tenth row asks for the same as the one two lanes before it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        for number in range(tasks):
            body = number - 5 if number % 10 == 9 else number
            table.writerow({"key": f"{tag}-{number}", **_row(tag, body)})


def _row(tag: str, number: int) -> dict[str, str]:
    photo, other = f"https://example.com/{tag}/{number}.jpg", f"https://example.com/{tag}/reference.jpg"
    match number % 5:
        case 0:
            return {"endpoint": "bg-replace", "prompt": f"shelf {number}", "image": photo, "ref_image": other}
        case 1:
            return {"endpoint": "ic-light", "prompt": f"dusk {number}", "subject_image": photo, "number_of_images": "2"}
        case 2:
            return {"endpoint": "seg-swap", "main_image": photo, "mask_image": other, "object_image": other}
        case 3:
            return {"endpoint": "segmind-relighting-v2", "image": photo, **RELIGHT}
        case _:
            return {"endpoint": "segmind-scenecraft-v01", "prompt": f"table {number}", "image": photo}


def damage(out: Path, how: str, chance: random.Random) -> int:
    """Harm what a killed run left; 1 when there was something to harm."""
    log = out / "ledger.db-wal"
    if how == "journal torn":
        with (out / "ledger.journal").open("ab") as file:
            file.write(b'0badc0de {"event":"intent","attempt":7,"at":17' + bytes(chance.randrange(40)))
        return 1
    if not log.exists() or not log.stat().st_size:
        return 0
    size = log.stat().st_size
    if how == "log lost":
        log.unlink()
    elif how == "log cut":
        os.truncate(log, chance.randrange(size))
    else:
        with log.open("r+b") as file:
            for _ in range(chance.randint(1, 4)):
                file.seek(chance.randrange(size))
                file.write(bytes([chance.randrange(256)]))
    return 1
