"""`photobatch`: the list of commands, and how an error becomes a message and an exit code."""

from __future__ import annotations

import gc
import os
import sys
import traceback

import typer

from jobs import environment
from jobs.config import config
from jobs.console import complain
from jobs.doctor import doctor
from jobs.endpoints import endpoints
from jobs.explain import explain
from jobs.export import export
from jobs.init import init
from jobs.ledger import ledger
from jobs.memory import keep_blocks
from jobs.nightly import nightly
from jobs.plan import plan
from jobs.report import report
from jobs.resume import resume
from jobs.run import run
from jobs.sandbox import sandbox
from jobs.settle import settle
from jobs.status import status
from jobs.streams import Unwritable, steady
from pipeline.errors import AccountError, FolderBusy, InputError, PipelineError, RecipeError
from pipeline.exits import ACCOUNT, BUSY, INPUT, INTERRUPTED, OURS

NEW_OBJECTS = 20_000
"""New objects before Python looks for cycles.  Rows come a thousand at a time, with three objects each: looking every
700 would cost a fifth of the planning and find nothing."""

app = typer.Typer(
    name="photobatch",
    help="make for product photos: a catalogue goes in, paid image calls are made once, images and a ledger come out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    plan,
    explain,
    run,
    nightly,
    resume,
    status,
    report,
    ledger,
    export,
    settle,
    endpoints,
    sandbox,
    doctor,
    init,
    config,
):
    app.command()(command)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        sys.stdout.write(f"photobatch {version('photobatch')}\n")
        raise typer.Exit


@app.callback()
def photobatch(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Start any command: settings from files are read first."""
    del version
    ctx.obj = environment.load()
    _refuse_unknown(ctx.obj)


def _refuse_unknown(origins: dict[str, str]) -> None:
    """Refuse settings in files that no flag knows: a typo in a rate or a cap must not be passed over."""
    group = typer.main.get_command(app)
    known = {environment.variable(each.opts[0]) for command in group.commands.values() for each in command.params}  # type: ignore[attr-defined]  # a group has commands
    for name, origin in origins.items():
        if origin.endswith(".toml") and name not in known:
            from pipeline.endpoints.parameters import nearest  # pydantic comes with it: only for an error

            setting = environment.setting(name)
            near = nearest(setting, [environment.setting(each) for each in known])
            raise RecipeError(f"{origin}: there is no setting {setting!r}{near}", hint="settings are named like flags")


def exit_code(error: PipelineError) -> int:
    """What a shell is told about *error*."""
    match error:
        case FolderBusy():
            return BUSY
        case AccountError():
            return ACCOUNT
        case InputError():
            return INPUT
        case _:
            return OURS


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    steady()
    gc.set_threshold(NEW_OBJECTS)
    keep_blocks()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except PipelineError as error:
        complain(str(error), error.hint)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Unwritable as error:
        complain(str(error), "make room where it goes; what was paid for is in the ledger")
        sys.exit(OURS)
    except Exception as error:  # noqa: BLE001  # the last door: a fault of ours is said as one, with its place
        if os.environ.get("PHOTOBATCH_DEBUG"):
            traceback.print_exc()
        complain(
            f"a fault of photobatch: {type(error).__name__}: {error}",
            "set PHOTOBATCH_DEBUG=1 to see where; what was paid for is in the ledger: `photobatch resume DIR` goes on",
        )
        sys.exit(OURS)


if __name__ == "__main__":
    main()
