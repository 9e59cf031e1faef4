"""`photobatch doctor`: key, balance, reachability, disk."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import typer

from jobs import environment, options
from jobs.console import stdout
from pipeline.exits import ACCOUNT, DONE, OURS, STOPPED
from pipeline.money import show

LEAST_FREE_BYTES = 1_000_000_000


def doctor(
    base_url: options.BaseUrl = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where results will go.", envvar="PHOTOBATCH_OUT")] = Path(),
) -> None:
    """Check key, balance, reachability and disk. Free; exit code 5: the account does not work; 10: no connection."""
    from pipeline.errors import CallError
    from pipeline.policy import no_line
    from pipeline.provider import connect
    from pipeline.target import choose

    console = stdout()
    target = choose(base_url, sandbox=False)
    key = environment.api_key()
    console.print(f"key        {'found' if key else 'missing: set SEGMIND_API_KEY'}", markup=False)
    code = DONE if key else ACCOUNT
    if key and target.hosts is not None:

        async def balance() -> int:
            async with connect("queue", target.hosts, key) as provider:  # type: ignore[arg-type]  # checked above
                return await provider.balance()

        try:
            console.print(f"balance    {show(asyncio.run(balance()))} at {target.hosts.api}", markup=False)
        except CallError as error:
            down = no_line(error)
            said = f"unknown: {error}; is this computer online?" if down else f"{target.hosts.api} says: {error}"
            console.print(f"balance    {said}", markup=False)
            code = STOPPED if down else ACCOUNT
    place = next(each for each in (out.absolute(), *out.absolute().parents) if each.exists())
    free = shutil.disk_usage(place).free
    console.print(f"disk       {free / 1e9:,.1f} GB free at {place}", markup=False)
    if free < LEAST_FREE_BYTES:
        code = code or OURS
    raise typer.Exit(code)
