"""Running the command line in this process, a catalogue in a file, small photographs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image
from typer.testing import CliRunner

from jobs.cli import app, exit_code
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pathlib import Path

RELIGHT = (
    "--endpoint=segmind-relighting-v2",
    "--set=light_direction=left",
    "--set=light_type=softbox",
    "--set=light_temperature=neutral",
    "--set=light_intensity=bright",
)
"""The shortest recipe without a file: every image is relit."""


@dataclass
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> Any:
        return json.loads(self.out)


def photobatch(*arguments: str | Path, stdin: str | bytes | None = None) -> Said:
    """Run the command line as its users do; errors end as the codes and messages that they see."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)
    if isinstance(result.exception, PipelineError):
        error = result.exception
        return Said(exit_code(error), result.stdout, f"{result.stderr}error: {error}\nhint: {error.hint}\n")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def plan(manifest: str | Path, *flags: str | Path, stdin: str | bytes | None = None) -> Said:
    """Plan *manifest* with the shortest recipe and give the numbers."""
    return photobatch("plan", manifest, *RELIGHT, "--json", *flags, stdin=stdin)


def photo(
    colour: tuple[int, int, int] = (200, 40, 40), size: tuple[int, int] = (96, 64), kind: str = "JPEG", **options: Any
) -> bytes:
    """A small photograph: a coloured product on white."""
    picture = Image.new("RGB", size, "white")
    picture.paste(colour, (size[0] // 4, size[1] // 4, 3 * size[0] // 4, 3 * size[1] // 4))
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def csv_file(path: Path, *lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
    """A file of *lines*."""
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path
