"""`photobatch sandbox`: the local provider, for rehearsals and tests."""

from __future__ import annotations

import asyncio
import contextlib
import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from jobs.console import say, stderr
from pipeline.errors import RecipeError
from pipeline.words import reason


def sandbox(
    port: Annotated[int, typer.Option("--port", help="0: any free port.", envvar="PHOTOBATCH_PORT")] = 8787,
    latency: Annotated[str, typer.Option("--latency", help="fast, real, or seconds.")] = "fast",
    rpm: Annotated[int, typer.Option("--rpm", min=0, help="Rate limit per minute; 0: none.")] = 0,
    limit_kind: Annotated[str, typer.Option("--limit-kind", help="fixed, sliding or bucket.")] = "fixed",
    prices: Annotated[str, typer.Option("--prices", help="typical, random, or USD per call.")] = "typical",
    credits_usd: Annotated[float, typer.Option("--credits", help="The account's balance in USD.")] = 10_000.0,
    edit: Annotated[str, typer.Option("--edit", help="studio (real edits), simple, or instant.")] = "studio",
    faults: Annotated[Path | None, typer.Option("--faults", help="A JSON file with the faults to play.")] = None,
    state_dir: Annotated[Path | None, typer.Option("--state-dir", help="Remember jobs and bills here.")] = None,
    fault_rate: Annotated[
        list[str] | None, typer.Option("--fault-rate", metavar="NAME=SHARE", help="A fault by chance. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of everything random.")] = 0,
) -> None:
    """Run the local provider on loopback until Ctrl-C. Free, offline; its key is printed."""
    from jobs.sandboxing import options_from
    from pipeline.sandbox import SANDBOX_KEY, serve

    options = options_from(
        latency=latency,
        rpm=rpm,
        limit_kind=limit_kind,
        prices=prices,
        credits_usd=credits_usd,
        edit=edit,
        faults=_read(faults),
        fault_rates=fault_rate or [],
        seed=seed,
    )

    def announce(url: str) -> None:
        say(f"sandbox at {url}")
        command = f"use it:  SEGMIND_API_KEY={SANDBOX_KEY} photobatch run … --base-url {url}"
        stderr().print(command, markup=False)  # not say(): it would black out this key, which is nobody's

    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        try:
            asyncio.run(serve(options, "127.0.0.1", port, state_dir, announce))
        except OSError as error:
            raise RecipeError(f"port {port}: {error.strerror or error}", hint="choose another: --port 0") from error


def _read(path: Path | None) -> object:
    if path is None:
        return None
    try:
        return json_module.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"{path}: {reason(error)}", hint="a JSON file with a list of rules; docs/developer.md has the format"
        ) from error
