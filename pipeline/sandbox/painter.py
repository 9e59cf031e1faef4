"""The process that edits: jobs come in on standard input, pictures go out on standard output.

Started by `pipeline.sandbox.workers`.  It ends when its input ends, so also when the sandbox is killed.  Knows
nothing of jobs, money or HTTP.
"""

from __future__ import annotations

import contextlib
import pickle
import signal
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.sandbox import studio
from pipeline.sandbox.picture import Picture
from pipeline.sandbox.pipe import HEADER, framed
from pipeline.sandbox.standin import drawn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.sandbox.standin import Source


def paint(slug: str, params: Mapping[str, Any], images: Mapping[str, Source]) -> list[Picture]:
    """The studio's pictures for one job; raises ValueError when an input is no usable image."""
    made = studio.edit(slug, params, drawn(images))
    return [Picture(one.data, one.content_type, one.width, one.height, one.seed) for one in made]


def serve(jobs: BinaryIO, pictures: BinaryIO) -> None:
    """Answer every job of *jobs* with a list of pictures, or with the exception that its edit raised."""
    while header := jobs.read(HEADER.size):
        job = pickle.loads(jobs.read(*HEADER.unpack(header)))  # noqa: S301 - the parent wrote it
        try:
            answer: object = paint(*job)
        except Exception as fault:  # noqa: BLE001 - whatever an edit raises is the parent's to judge
            answer = fault if isinstance(fault, ValueError) else RuntimeError(f"{type(fault).__name__}: {fault}")
        pictures.write(framed(answer))
        pictures.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing that prints may break into the answers
    with contextlib.suppress(BrokenPipeError, EOFError, pickle.UnpicklingError):  # the parent was killed meanwhile
        serve(sys.stdin.buffer, answers)
