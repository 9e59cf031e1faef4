"""`photobatch report`: the gallery."""

from __future__ import annotations

import asyncio
import contextlib
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from jobs import options
from jobs.console import say
from jobs.folder import existing
from pipeline.errors import RecipeError

OPEN = typer.Option("--open", help="Open it in the browser.", envvar="PHOTOBATCH_OPEN")
SERVE = typer.Option("--serve", help="Serve it on this computer: live, and decisions go straight into the ledger.")
PORT = typer.Option("--port", min=0, help="Of --serve; 0: any free one.", envvar="PHOTOBATCH_PORT")
NO_THUMBNAILS = typer.Option("--no-thumbnails", help="Make no small copies of new images.")


def report(
    folder: options.Folder,
    open_: Annotated[bool, OPEN] = False,
    serve: Annotated[bool, SERVE] = False,
    port: Annotated[int, PORT] = 0,
    no_thumbnails: Annotated[bool, NO_THUMBNAILS] = False,
    quiet: options.Quiet = False,
) -> None:
    """Make the gallery: one page that opens from disk, to look, compare, approve and reject."""
    from pipeline.report.write import write_report

    existing(folder)
    progress = _nothing if quiet else _Progress()
    if serve:
        _serve(folder, port, thumbnails=not no_thumbnails, progress=progress, open_browser=open_)
        return
    page = write_report(folder, thumbnails=not no_thumbnails, progress=progress)
    if not quiet:
        say(f"gallery in {page}")
    if open_:
        webbrowser.open(page.absolute().as_uri())


def _serve(
    folder: Path, port: int, *, thumbnails: bool, progress: Callable[[int, int], None], open_browser: bool
) -> None:
    from pipeline.report.serve import serve

    def announce(address: str) -> None:
        say(f"gallery at {address}")
        say("whoever has this address may decide; Ctrl-C ends it")
        if open_browser:
            webbrowser.open(address)

    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        try:
            asyncio.run(serve(folder, announce=announce, port=port, thumbnails=thumbnails, progress=progress))
        except OSError as error:
            raise RecipeError(f"port {port}: {error.strerror or error}", hint="choose another: --port 0") from error


class _Progress:
    """Says now and then how many small copies are made."""

    EVERY = 500

    def __call__(self, done: int, everything: int) -> None:
        if done and done % self.EVERY == 0:
            say(f"{done:,} of {everything:,} small copies")


def _nothing(_done: int, _everything: int) -> None:
    pass
