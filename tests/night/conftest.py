"""A shop whose catalogue changes from night to night: its images, its clock, its provider."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from PIL import Image

from jobs.jobfile import Job, load
from jobs.nightly import settings_of, wanted_of
from pipeline.api import conduct
from pipeline.policy import Patience
from pipeline.provider import Backoff
from pipeline.sandbox import SANDBOX_KEY, Sandbox, SandboxOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]
QUICK = Patience(base_s=0.001, longest_s=0.01)
QUICK_LOOKS = Backoff(first_s=0.005, most_s=0.02)
RECIPE = """
[recipe]
name = "shop"
key = "{sku}"

[[step]]
name = "studio"
endpoint = "segmind-relighting-v2"
params.image = "{image}"
params.light_direction = "left"
params.light_type = "softbox"
params.light_temperature = "neutral"
params.light_intensity = "bright"

[[step]]
name = "mood"
endpoint = "ic-light"
params.subject_image = "{image}"
params.prompt = "{title}"
"""


def picture(colour: str) -> bytes:
    data = BytesIO()
    Image.new("RGB", (96, 96), colour).save(data, "PNG")
    return data.getvalue()


class Clock:
    """Stands at ten in the evening of one day after the other, and ticks."""

    def __init__(self) -> None:
        self._evening = datetime(2026, 3, 2, 22, 0).astimezone()
        self._began = time.monotonic()

    def __call__(self) -> float:
        return self._evening.timestamp() + time.monotonic() - self._began

    def tomorrow(self) -> None:
        self._evening += timedelta(days=1)
        self._began = time.monotonic()


@dataclass
class Shelf:
    """A web server of images that knows ETags; counts what it was asked."""

    base_url: str = ""
    images: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, int] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)

    def put(self, name: str, colour: str) -> str:
        self.images[name] = picture(colour)
        self.etags[name] = self.etags.get(name, 0) + 1
        return f"{self.base_url}/{name}"

    async def get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.images:
            self.answers.append(404)
            return web.Response(status=404, text="gone")
        etag = f'"{self.etags[name]}"'
        if request.headers.get("If-None-Match") == etag:
            self.answers.append(304)
            return web.Response(status=304, headers={"ETag": etag})
        self.answers.append(200)
        return web.Response(body=self.images[name], content_type="image/png", headers={"ETag": etag})


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    shelf = Shelf()
    app = web.Application()
    app.router.add_get("/{name}", shelf.get)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    shelf.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield shelf
    await runner.cleanup()


@dataclass
class Night:
    """One job and its provider; ``work`` does a night."""

    home: Path
    clock: Clock
    sandbox: Sandbox
    base_url: str

    def __post_init__(self) -> None:
        (self.home / "images").mkdir(exist_ok=True)
        self.out = self.home / "out"
        self.job_file = self.home / "shop.toml"

    def photo(self, name: str, colour: str) -> str:
        (self.home / "images" / name).write_bytes(picture(colour))
        return f"images/{name}"

    def catalogue(self, rows: list[tuple[str, str, str]]) -> Path:
        path = self.home / "catalog.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("sku", "title", "image"), *rows])
        return path

    def job(self, more: str = "", recipe: str = RECIPE) -> Job:
        text = f'manifest = "catalog.csv"\nout = "out"\n{more}\n[provider]\nbase_url = "{self.base_url}"\n{recipe}'
        self.job_file.write_text(text, encoding="utf-8")
        return load(self.job_file, environment={})

    async def work(self, more: str = "", *, recipe: str = RECIPE, **settings: Any) -> dict[str, Any]:
        """One night; *more* goes into the job file."""
        job = self.job(more, recipe)
        quick = {"patience": QUICK, "backoff": QUICK_LOOKS, "settle_after_s": 0.05, "rpm": 0, "api_key": SANDBOX_KEY}
        asked = replace(settings_of(job, self.clock()), prices_cache=None, **{**quick, **settings})
        return await conduct(asked, job.out, wanted_of(job), command="nightly", clock=self.clock)

    def results(self) -> dict[tuple[str, str], dict[str, str]]:
        with (self.out / "results.csv").open(encoding="utf-8", newline="") as file:
            return {(line["key"], line["step"]): line for line in csv.DictReader(file)}

    @property
    def bills(self) -> int:
        return len(self.sandbox.bills)


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    clock = Clock()
    sandbox = Sandbox(SandboxOptions(edit="instant", latency=0.0), clock=clock)
    async with sandbox as base_url:
        yield Night(tmp_path, clock, sandbox, base_url)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Three products of the sample catalogue, with smaller photos."""
    lines = (ROOT / "manifests" / "catalog.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "catalog.csv").write_text("".join(lines[:4]), encoding="utf-8")
    (tmp_path / "images").mkdir()
    for name in ("mug", "bottle", "sneaker"):
        with Image.open(ROOT / "manifests" / "images" / f"{name}.jpg") as photo:
            photo.resize((96, 96)).save(tmp_path / "images" / f"{name}.jpg")
    return tmp_path
