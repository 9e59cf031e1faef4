"""The Python interface: `plan`, `run`, `resume`, in the words of the command line's flags.

    import pipeline
    plan = pipeline.plan("catalog.csv", "recipe.toml")                        # spends nothing
    result = await pipeline.run("catalog.csv", recipe, out="out/tonight", cap_usd=50)
    result.summary, result.frame()

`run_sync` and `resume_sync` are for scripts; they work inside a notebook's running loop as well.  Owns the wiring
of a run to its provider, the embedded sandbox included.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline import target as targets
from pipeline.caps import CAP, Caps
from pipeline.caps import NAME as CAPS
from pipeline.errors import FolderError, InputError, RecipeError
from pipeline.flow import Run
from pipeline.ledger import FILE, schema
from pipeline.lookup import look
from pipeline.orders import Orders, Watcher
from pipeline.planned import Plan
from pipeline.planning import make_plan
from pipeline.recipe import Recipe
from pipeline.report.flags import Thresholds
from pipeline.settings import Settings, from_flags, with_key
from pipeline.undo import take_back
from pipeline.wanted import Wanted

if TYPE_CHECKING:
    import pandas as pd


Value = TypeVar("Value")


@dataclass(frozen=True)
class Result:
    """What a run left behind."""

    folder: Path
    summary: dict[str, Any]

    def frame(self) -> pd.DataFrame:
        """The results ledger: one line per task."""
        import pandas as pd

        return pd.read_parquet(self.folder / "results.parquet")

    def _repr_html_(self) -> str:
        from pipeline.report.notebook import result_html

        return result_html(self.folder, self.summary)


async def conduct(
    settings: Settings,
    out: Path,
    wanted: Wanted | None,
    *,
    command: str = "run",
    watcher: Watcher | None = None,
    begun: Callable[[Run], None] = lambda _run: None,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Do one run and return its summary.  ``begun`` gets the run, to interrupt it; raises PipelineError."""
    watcher = watcher or Watcher()
    # A run says itself where it goes: nobody who means the real provider may be answered by a rehearsal's folder.
    known = remembered(out) if wanted is None else None
    target = targets.choose(settings.base_url, sandbox=settings.sandbox, remembered=known)
    if wanted is not None and target.local:
        wanted = replace(wanted, allow_private=True)
    is_new = not (out / FILE).exists()
    _require_place(out)
    try:
        async with contextlib.AsyncExitStack() as stack:
            held = settings.holding(remembered_caps(out))
            if held and settings.caps is None:
                watcher.say(f"the caps of {held.job} hold here too: {held}")
            if wanted is None and settings.send and settings.cap_usd is None and (cap := _facts(out).get(CAP)):
                watcher.say(f"warning: the run before this one had --cap {cap}, and this one has none")
            now = datetime.fromtimestamp(clock()).astimezone()
            orders = settings.orders(out, target, command, caps=held, now=now)
            if target.embedded:
                orders = await _embedded(stack, orders, settings)
            run = Run(orders, wanted, watcher, clock)
            begun(run)
            return await run.execute()
    except InputError:
        if is_new:
            await asyncio.to_thread(take_back, out)
        raise


def _require_place(out: Path) -> None:
    """Refuse a result folder that cannot be made or written; makes nothing.  Raises FolderError."""
    place = next((each for each in (out, *out.absolute().parents) if each.exists()), Path("/"))
    if not place.is_dir():
        raise FolderError(f"{out}: {place} is a file, not a folder", hint="give another --out folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise FolderError(f"{out}: nothing may be written in {place}", hint="give another --out folder")


async def _embedded(stack: contextlib.AsyncExitStack, orders: Orders, settings: Settings) -> Orders:
    """Start the embedded sandbox; its memory lives in the folder, so that a later run finds its jobs again."""
    from pipeline.provider import Hosts
    from pipeline.sandbox import SANDBOX_KEY, Sandbox, SandboxOptions

    sandbox = Sandbox(settings.sandbox_options or SandboxOptions(), state_dir=orders.out / ".sandbox")
    base_url = await stack.enter_async_context(sandbox)
    rate = 0 if orders.per_minute is None else orders.per_minute  # a rehearsal has no account to be gentle with
    return replace(orders, key=SANDBOX_KEY, hosts=Hosts.at(base_url), per_minute=rate)


def remembered(out: Path) -> tuple[str, str] | None:
    """(provider, base URL) of an existing result folder; None for a new one."""
    facts = _facts(out)
    return (facts["provider"], facts.get("base_url", "")) if "provider" in facts else None


def remembered_caps(out: Path) -> Caps | None:
    """The caps of the job that *out* belongs to; None when it belongs to none."""
    text = _facts(out).get(CAPS)
    return None if text is None else Caps.from_text(text)


def _facts(out: Path) -> dict[str, str]:
    """What the ledger in *out* remembers by name; nothing for a new folder."""
    if not (out / FILE).exists():
        return {}
    with contextlib.closing(schema.connect(out / FILE, read_only=True)) as db:
        try:
            return dict(db.execute("SELECT name, value FROM meta"))
        except sqlite3.Error:
            return {}  # the run itself will say what is wrong with the ledger


def plan(manifest: Any, recipe: Any = None, *, out: str | Path | None = None, **flags: Any) -> Plan:
    """What *manifest* and *recipe* come to.  Spends nothing; raises ManifestError and RecipeError.

    *manifest* is a path, a folder of images or a DataFrame; *recipe* a path, a dict, a Recipe, or None for a task
    manifest.  *flags* are those of ``photobatch plan`` with underscores.
    """
    settings, reading = from_flags(flags)
    folder = None if out is None else Path(out)
    target = targets.choose(
        settings.base_url, sandbox=settings.sandbox, remembered=None if folder is None else remembered(folder)
    )
    wanted = Wanted(
        manifest,
        as_recipe(recipe),
        assumed_nano=settings.assumed_nano,
        **{"allow_private": target.local, **reading},
    )
    if wanted.check_images:
        wanted = wanted.opened()
    return make_plan(
        wanted,
        folder=folder,
        per_minute=60.0 if settings.rpm is None else settings.rpm,
        prepare=partial(look_now, wanted) if wanted.check_images else lambda _db: (),
    )


def look_now(wanted: Wanted, db: sqlite3.Connection) -> list[str]:
    """Ask the servers about the images of *wanted*; returns warnings."""

    class _Scratch:
        async def do(self, operation: Callable[[sqlite3.Connection], Value]) -> Value:
            return operation(db)

    return _wait(lambda: look(wanted, _Scratch(), clock=time.time)).warnings


async def run(manifest: Any, recipe: Any = None, *, out: str | Path, **flags: Any) -> Result:
    """Converge *out* to *manifest* and *recipe*; safe to repeat.  *flags* as for ``photobatch run``."""
    settings, reading = from_flags(flags)
    wanted = Wanted(manifest, as_recipe(recipe), assumed_nano=settings.assumed_nano, **reading)
    summary = await conduct(with_key(settings), Path(out), wanted)
    return Result(Path(out), summary)


async def resume(out: str | Path, **flags: Any) -> Result:
    """Finish what the ledger in *out* still has open; needs no manifest."""
    settings, reading = from_flags(flags)
    if reading:
        raise RecipeError(f"resume does not know {', '.join(reading)}")
    if not (Path(out) / FILE).exists():
        raise FolderError(f"{out} has no ledger", hint="`photobatch run` makes one")
    return Result(Path(out), await conduct(with_key(settings), Path(out), None, command="resume"))


def run_sync(manifest: Any, recipe: Any = None, *, out: str | Path, **flags: Any) -> Result:
    """`run` for scripts, and for notebooks whose loop is running already."""
    return _wait(lambda: run(manifest, recipe, out=out, **flags))


def resume_sync(out: str | Path, **flags: Any) -> Result:
    """`resume` for scripts, and for notebooks whose loop is running already."""
    return _wait(lambda: resume(out, **flags))


def as_recipe(recipe: Any) -> Recipe:
    """A Recipe from a path, a dict, a Recipe, or None (the manifest names endpoints itself)."""
    if recipe is None:
        return Recipe(steps=())
    if isinstance(recipe, Recipe):
        read = recipe
    else:
        read = Recipe.from_dict(recipe) if isinstance(recipe, Mapping) else Recipe.load(recipe)
    Thresholds.from_checks(read.checks)
    return read


def _wait(work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    """Run *work* to its end: in a loop of our own, on a thread of its own when this thread has a loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    box: list[Any] = []
    cuts: list[Callable[[], object]] = []
    began, ended = threading.Event(), threading.Event()

    async def main() -> Value:
        task = asyncio.current_task()
        assert task is not None
        cuts.append(partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel))
        began.set()
        return await work()

    def target() -> None:
        try:
            box.append(asyncio.run(main()))
        except BaseException as error:  # noqa: BLE001  # raised again on the caller's thread
            box.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=target, name="photobatch")
    thread.start()
    try:
        ended.wait()  # a thread whose `join` was interrupted counts as ended
    except BaseException:  # a kernel was interrupted: as `asyncio.run` does, else calls would go on being paid
        began.wait()
        with contextlib.suppress(RuntimeError):  # it ended in this moment
            cuts[0]()
        ended.wait()
        raise
    if isinstance(box[0], BaseException):
        raise box[0]
    value: Value = box[0]
    return value


__all__ = ["Plan", "Recipe", "Result", "Settings", "plan", "resume", "resume_sync", "run", "run_sync"]
