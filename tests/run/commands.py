"""The command line as a user has it: subprocesses, and a provider in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.sandbox import SANDBOX_KEY

PHOTOBATCH = (sys.executable, "-m", "jobs")
ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 60


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """That of the tests, with the project importable from any folder and no colour."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", **(extra or {})}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def photobatch(*args: object, env: dict[str, str] | None = None, cwd: Path | None = None, stdin: str = "") -> Ended:
    """Run one command to its end."""
    done = subprocess.run(
        [*PHOTOBATCH, *map(str, args)],
        env=environment(env),
        cwd=cwd,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


DRIVER = """
import contextlib, io, json, sys
from jobs.cli import main
ends = []
for args in json.load(sys.stdin):
    sys.argv = ["photobatch", *args]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
    ends.append({"code": code, "out": out.getvalue(), "err": err.getvalue()})
print(json.dumps(ends))
"""


def one_after_the_other(
    commands: list[list[str]], *, env: dict[str, str] | None = None, cwd: Path | None = None
) -> list[dict[str, Any]]:
    """Run several commands in one process; code, out and err of each."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        env=environment(env),
        cwd=cwd,
        input=json.dumps(commands),
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST_S,
        check=True,
    )
    return list(json.loads(done.stdout))


def begun(*args: object, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Begin a command in a process group of its own."""
    return subprocess.Popen(
        [*PHOTOBATCH, *map(str, args)],
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )


@dataclass
class Provider:
    """`photobatch sandbox` in a process of its own: it outlives whatever is killed."""

    process: subprocess.Popen[str]
    url: str
    key: dict[str, str] = field(default_factory=lambda: {"SEGMIND_API_KEY": SANDBOX_KEY})

    @classmethod
    def start(cls, *flags: object) -> Provider:
        process = begun("sandbox", "--port", 0, "--edit", "instant", *flags)
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        return cls(process, found.group())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)

    def run(self, *args: object, env: dict[str, str] | None = None) -> Ended:
        """`photobatch` with the key and the address of this provider."""
        return photobatch(
            *args, env={**self.key, "PHOTOBATCH_BASE_URL": self.url, "PHOTOBATCH_RPM": "0", **(env or {})}
        )

    def begin(self, *args: object, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """The same, without waiting for the end."""
        return begun(*args, env={**self.key, "PHOTOBATCH_BASE_URL": self.url, "PHOTOBATCH_RPM": "0", **(env or {})})

    def faults(self, *rules: dict[str, Any]) -> None:
        self._call("/sandbox/faults", json.dumps(list(rules)).encode())

    def bills(self) -> list[dict[str, Any]]:
        return list(self._call("/sandbox/bills")["bills"])

    def requests(self) -> list[dict[str, Any]]:
        return list(self._call("/sandbox/requests")["requests"])

    def _call(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
