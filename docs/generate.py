"""Write the generated parts of the documentation: `docs/reference.md`, and the marked tables of the README.

python docs/generate.py            # writes
python docs/generate.py --check    # exits 1 when something is out of date
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import typer

from jobs.cli import app
from jobs.entries import ENTRIES
from jobs.environment import variable
from pipeline import endpoints
from pipeline.endpoints import describe
from pipeline.errors import PASSING, ErrorClass
from pipeline.exits import EXIT_CODES
from pipeline.ledger.export import COLUMNS, NUMBER, TEXT
from pipeline.ledger.reopen import ASKED_AGAIN
from pipeline.metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
LISTS = ("--set", "--assume-price", "--only")
KINDS = {TEXT: "text", NUMBER: "number"}


def exit_codes() -> str:
    """The exit codes as a table."""
    return table(("code", "meaning"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def endpoint_table() -> str:
    """The endpoints as a table."""
    return table(describe.HEAD, describe.rows(endpoints.every().values()))


def columns() -> str:
    """The results ledger's columns as a table."""
    rows = [(f"`{name}`", KINDS.get(kind, "whole number")) for name, kind in COLUMNS.items()]
    return table(("column", "kind"), [*rows, ("`row.<column>`", "text: the manifest's own columns")])


def error_classes() -> str:
    """The error classes as a table."""
    follows = dict.fromkeys(PASSING, "taken up again by itself")
    follows |= dict.fromkeys(ASKED_AGAIN, "asked for again by each run for a week, at no cost")
    return table(("error_class", ""), [(f"`{each}`", follows.get(each, "")) for each in ErrorClass])


def commands() -> str:
    """Every command with its arguments and flags."""
    return "\n".join(_command(name, each) for name, each in typer.main.get_command(app).commands.items())  # type: ignore[attr-defined]  # a group has commands


def job_file() -> str:
    """The entries of a job file as a table."""
    rows = [(f"`{each.place}`", each.meaning, f"`{each.name} = {each.example}`") for each in ENTRIES]
    return table(("entry", "meaning", "for example"), rows)


def metrics() -> str:
    """The metrics as a table."""
    return table(("metric", "kind", "meaning"), [(f"`{each.name}`", each.kind, each.help) for each in METRICS])


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def _command(name: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    flags = [each for each in command.params if each.param_type_name == "option"]
    usage = " ".join(f"{each.name.upper()}" if each.required else f"[{each.name.upper()}]" for each in arguments)
    text = "\n".join(line.strip() for line in (command.help or "").strip().splitlines())
    rows = [(f"`{_flag(each)}`", each.help or "", _variable(each)) for each in flags]
    flags_table = table(("flag", "meaning", "variable"), rows) if rows else ""
    return f"### `photobatch {name} {usage} [flags]`\n\n{text}\n\n{flags_table}\n"


def _flag(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar or option.name.upper().strip('_')}"
    opposite = "".join(f" / {each}" for each in option.secondary_opts)
    return ", ".join(option.opts) + value + opposite


def _variable(option: Any) -> str:
    """The variable that an option is read from; lists are read by our own hand, several values separated by ``;``."""
    name = option.envvar or (variable(option.opts[0]) if option.opts[0] in LISTS else "")
    return f"`{name}`" if name else ""


PARTS = {
    "exit-codes": exit_codes,
    "endpoints": endpoint_table,
    "columns": columns,
    "error-classes": error_classes,
    "commands": commands,
    "job-file": job_file,
    "metrics": metrics,
}


def generated(path: Path) -> str:
    """The text of *path* with every marked part made anew."""
    text = path.read_text(encoding="utf-8")
    return MARK.sub(lambda found: f"{found[1]}{PARTS[found['name']]().strip()}\n{found[3]}", text)


def main() -> int:
    """Write or check every document that has generated parts."""
    stale = []
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = generated(path)
        if text != path.read_text(encoding="utf-8"):
            stale.append(path.relative_to(ROOT).as_posix())
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run: python docs/generate.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
