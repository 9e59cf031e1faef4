"""The local provider in a process of its own, with a memory of its own: its bills are the other side of the books."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Provider:
    """A running sandbox."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])

    def bills(self, tag: str) -> list[dict[str, Any]]:
        """Its bills for calls whose images are named after *tag*, in the order in which they were billed."""
        with urllib.request.urlopen(f"{self.url}/sandbox/bills", timeout=60) as answer:
            every = json.load(answer)["bills"]
        return [bill for bill in every if f"/{tag}/" in json.dumps(bill["body"])]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=30)


def start(folder: Path, seed: int, *flags: str) -> Provider:
    """Start a sandbox that remembers everything in *folder* and bills at random inside the documented ranges."""
    command = [sys.executable, "-m", "jobs", "sandbox", "--port", "0", "--edit", "instant", "--prices", "random"]
    process = subprocess.Popen(
        [*command, "--latency", "0", "--seed", str(seed), "--state-dir", str(folder), *flags],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return Provider(process, found.group())
    raise RuntimeError("the sandbox did not start")
