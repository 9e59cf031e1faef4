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
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pipeline import target as targets
from pipeline.durations import moment, seconds
from pipeline.errors import FolderError, InputError, RecipeError
from pipeline.flow import Run
from pipeline.ledger import FILE, schema
from pipeline.lookup import look
from pipeline.money import nano, nano_up
from pipeline.orders import SETTLE_AFTER_S, Orders, Period, Watcher
from pipeline.planning import Plan, make_plan
from pipeline.policy import Patience
from pipeline.provider import Backoff, Timeouts
from pipeline.recipe import Recipe
from pipeline.report.flags import Thresholds
from pipeline.tally import FailureLimit
from pipeline.undo import take_back
from pipeline.wanted import Wanted

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.target import Target

Value = TypeVar("Value")


@dataclass(frozen=True)
class Settings:
    """How to run, in the flags' words and units: USD, calls per minute, Unix time."""

    base_url: str | None = None
    sandbox: bool = False
    api: Literal["queue", "sync"] = "queue"
    cap_usd: float | None = None
    cap_file: Path | None = None
    cap_night_usd: float | None = None
    """A second cap, over the calls sent since ``night_began``."""
    night_began: float = 0.0
    rpm: float | None = None
    concurrency: int | None = None
    max_failures: str | None = None
    deadline: float | None = None
    preflight: bool = True
    send: bool = True
    settle_after_s: float = SETTLE_AFTER_S
    full_decode: bool = True
    ai_label: bool = True
    images_to: str | None = None
    name: str | None = None
    prune: bool = False
    assume_price: Mapping[str, float] = field(default_factory=dict)
    api_key: str | None = field(default=None, repr=False)
    prices_cache: Path | None = None
    sandbox_options: Any = None
    patience: Patience = field(default_factory=Patience)
    timeouts: Timeouts = field(default_factory=Timeouts)
    backoff: Backoff = field(default_factory=Backoff)
    """Of free requests; `patience` is that of paid ones."""

    def __post_init__(self) -> None:
        _positive("cap_usd", self.cap_usd, zero=True)
        _positive("cap_night_usd", self.cap_night_usd, zero=True)
        _positive("rpm", self.rpm, zero=True)
        _positive("concurrency", self.concurrency)
        if self.api not in ("queue", "sync"):
            raise RecipeError(f"there is no API {self.api!r}", hint="use queue or sync")

    @property
    def assumed_nano(self) -> dict[str, int]:
        """Assumed prices in nano-dollars."""
        return {slug: nano_up(usd) for slug, usd in self.assume_price.items()}

    def orders(self, out: Path, target: Target, command: str) -> Orders:
        """These settings as a run takes them; the hosts follow once an embedded sandbox has started."""
        orders = Orders(
            out=out,
            key=self.api_key,
            provider=target.name,
            base_url=target.base_url,
            api=self.api,
            cap_nano=None if self.cap_usd is None else nano(self.cap_usd),
            cap_file=self.cap_file,
            period=None if self.cap_night_usd is None else Period(nano(self.cap_night_usd), self.night_began),
            per_minute=self.rpm,
            concurrency=self.concurrency,
            failures=FailureLimit.parse(self.max_failures),
            deadline=self.deadline,
            preflight=self.preflight,
            send=self.send,
            settle_after_s=self.settle_after_s,
            full_decode=self.full_decode,
            ai_label=self.ai_label,
            images_to=self.images_to,
            naming=self.name,
            prune=self.prune,
            assumed_nano=self.assumed_nano,
            patience=self.patience,
            timeouts=self.timeouts,
            backoff=self.backoff,
            prices_cache=self.prices_cache,
            command=command,
        )
        return orders if target.hosts is None else replace(orders, hosts=target.hosts)


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
    # A run says itself where it goes: nobody who means the real provider may be answered by a rehearsal's folder.
    known = remembered(out) if wanted is None else None
    target = targets.choose(settings.base_url, sandbox=settings.sandbox, remembered=known)
    if wanted is not None and target.local:
        wanted = replace(wanted, allow_private=True)
    is_new = not (out / FILE).exists()
    _require_place(out)
    try:
        async with contextlib.AsyncExitStack() as stack:
            orders = settings.orders(out, target, command)
            if target.embedded:
                orders = await _embedded(stack, orders, settings)
            run = Run(orders, wanted, watcher or Watcher(), clock)
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
    if not (out / FILE).exists():
        return None
    with contextlib.closing(schema.connect(out / FILE, read_only=True)) as db:
        try:
            facts = dict(db.execute("SELECT name, value FROM meta WHERE name IN ('provider', 'base_url')"))
        except sqlite3.Error:
            return None  # the run itself will say what is wrong with the ledger
    return (facts["provider"], facts.get("base_url", "")) if "provider" in facts else None


def plan(manifest: Any, recipe: Any = None, *, out: str | Path | None = None, **flags: Any) -> Plan:
    """What *manifest* and *recipe* come to.  Spends nothing; raises ManifestError and RecipeError.

    *manifest* is a path, a folder of images or a DataFrame; *recipe* a path, a dict, a Recipe, or None for a task
    manifest.  *flags* are those of ``photobatch plan`` with underscores.
    """
    settings, reading = _split(flags)
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
    settings, reading = _split(flags)
    wanted = Wanted(manifest, as_recipe(recipe), assumed_nano=settings.assumed_nano, **reading)
    summary = await conduct(with_key(settings), Path(out), wanted)
    return Result(Path(out), summary)


async def resume(out: str | Path, **flags: Any) -> Result:
    """Finish what the ledger in *out* still has open; needs no manifest."""
    settings, reading = _split(flags)
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


def with_key(settings: Settings) -> Settings:
    """*settings* with the key from the environment when they have none."""
    return replace(settings, api_key=settings.api_key or os.environ.get("SEGMIND_API_KEY") or None)


READING = frozenset(
    {
        "key",
        "limit",
        "platform",
        "images",
        "encoding",
        "encoding_errors",
        "delimiter",
        "image_base_url",
        "allow_private",
        "check_images",
    }
)


SWITCHES = frozenset({"no_preflight", "no_ai_label", "no_full_decode"})


def _split(flags: Mapping[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """Flags that say how to run, and flags that say how to read; raises RecipeError for an unknown one.

    ``no_preflight=True`` is the command line's word for ``preflight=False``; durations may be text: ``"4h"``.
    """
    flags = {
        name.removeprefix("no_") if name in SWITCHES else name: not value if name in SWITCHES else value
        for name, value in flags.items()
    }
    if isinstance(flags.get("deadline"), str):
        flags["deadline"] = moment(flags["deadline"], datetime.now().astimezone())
    if "settle_after" in flags:
        age = flags.pop("settle_after")
        flags["settle_after_s"] = seconds(age, name="settle_after") if isinstance(age, str) else age
    known: Iterable[str] = Settings.__dataclass_fields__
    unknown = [name for name in flags if name not in known and name not in READING]
    if unknown:
        raise RecipeError(f"there is no flag {unknown[0]!r}", hint=f"known: {', '.join([*known, *sorted(READING)])}")
    reading = {name: value for name, value in flags.items() if name in READING}
    return Settings(**{name: value for name, value in flags.items() if name not in READING}), reading


def _positive(name: str, value: float | None, *, zero: bool = False) -> None:
    if value is not None and (not math.isfinite(value) or value < 0 or (value == 0 and not zero)):
        raise RecipeError(f"{name} must be {'0 or more' if zero else 'more than 0'}, not {value}")


def _wait(work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    """Run *work* to its end: in a loop of our own, on a thread of its own when this thread has a loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    box: list[Any] = []

    def target() -> None:
        try:
            box.append(asyncio.run(work()))
        except BaseException as error:  # noqa: BLE001  # raised again on the caller's thread
            box.append(error)

    thread = threading.Thread(target=target, name="photobatch")
    thread.start()
    thread.join()
    if isinstance(box[0], BaseException):
        raise box[0]
    value: Value = box[0]
    return value


__all__ = ["Plan", "Recipe", "Result", "Settings", "plan", "resume", "resume_sync", "run", "run_sync"]
