"""Talking to people: data on stdout, talk on stderr, the key nowhere."""

from __future__ import annotations

import json
import os
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

FILE_WIDTH = 120
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
KEY = re.compile(r"SG_[0-9A-Za-z]{8,}")


@cache
def stderr() -> Console:
    """The console for talk."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


@cache
def stdout() -> Console:
    """The console for data that people read; in a file or a mail there is room for whole tables."""
    from rich.console import Console

    anywhere = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=FILE_WIDTH if anywhere else None)


def redacted(text: str) -> str:
    """*text* without anything that looks like a key."""
    return KEY.sub("SG_…", text)


def on_one_line(text: str) -> str:
    """*text* with line breaks and other control characters as escapes."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def say(text: str) -> None:
    """A line of talk, as plain text: what comes from manifests is never markup."""
    stderr().print(redacted(text), markup=False)


def complain(message: str, hint: str = "") -> None:
    """An error: what happened, where, and what to do."""
    console = stderr()
    console.print("error: ", style="bold red", end="")
    console.print(redacted(message), markup=False)
    if hint:
        console.print("hint: ", style="bold", end="")
        console.print(redacted(hint), markup=False)


def print_json(data: Any) -> None:
    """*data* on stdout, as JSON and nothing else."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")
    sys.stdout.flush()
