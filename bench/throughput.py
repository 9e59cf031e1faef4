"""How fast calls are made, against a bare loop, `requests` and Scrapy; and against what the cores can decode."""

from __future__ import annotations

import importlib.util
import io
import itertools
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import workload
from measuring import HERE, Samples, in_turn, own_cores, photobatch, run, serving
from PIL import Image
from table import Line

if TYPE_CHECKING:
    from pathlib import Path


def calls(*, quick: bool) -> list[Line]:
    """The whole order of writes against loops that only post and write, for both sizes of image."""
    return [line for size in workload.SIDES for line in _calls(size, count=200 if quick else 5000, quick=quick)]


def _calls(size: str, *, count: int, quick: bool) -> list[Line]:
    double_core, client_core = own_cores()
    with workload.scratch() as folder:
        bench = _Bench(folder, workload.png(size), count)
        with serving(bench.image, cores=double_core) as url:
            contenders = {
                "photobatch": lambda: bench.photobatch(url, client_core, "--no-full-decode"),
                "bare aiohttp": lambda: bench.contender("bare.py", url, client_core),
                "requests as on the pages, 32 threads": lambda: bench.contender("threads.py", url, client_core),
                "requests with sessions, 32 threads": lambda: bench.contender(
                    "threads.py", url, client_core, "--sessions"
                ),
            }
            if importlib.util.find_spec("scrapy"):
                contenders["Scrapy"] = lambda: bench.contender("spider.py", url, client_core)
            samples = in_turn(contenders, 1 if quick else 5)
    own = samples.pop("photobatch")
    return [_against(own, name, other, size) for name, other in samples.items()]


def _against(own: Samples, name: str, other: Samples, size: str) -> Line:
    goal = 0.4 if name.startswith("bare") else 3.0
    what = f"--api sync, {size}, header check, against {name}"
    if size != "100 KB" or "sessions" in name:
        return Line(what, f"{own.ratio_to(other):.2f} x", "", f"{own.median:,.0f} and {other.median:,.0f} images/s")
    return Line.at_least(what, own.ratio_to(other), goal, f"{own.median:,.0f} and {other.median:,.0f} images/s")


def decoding(*, quick: bool) -> list[Line]:
    """Full decoding, the default, against Pillow's decoding alone on all cores; nothing is pinned."""
    counts = {"JPEG": 3000, "WebP": 1000, "PNG": 1000}
    lines = [
        _decoding(
            f"a {kind} of one megapixel", workload.megapixel(kind), 200 if quick else count, quick=quick, goal=0.8
        )
        for kind, count in counts.items()
    ]
    small = "a PNG of 256 pixels, all grain, smaller than any endpoint makes"
    return [*lines, _decoding(small, workload.png("100 KB"), 200 if quick else 3000, quick=quick, goal=None)]


def _decoding(what: str, data: bytes, count: int, *, quick: bool, goal: float | None) -> Line:
    with workload.scratch() as folder:
        bench = _Bench(folder, data, count)
        with serving(bench.image) as url:
            samples = in_turn(
                {"photobatch": lambda: bench.photobatch(url, None), "decoding alone": bench.decode},
                1 if quick else 5,
            )
    own, alone = samples["photobatch"], samples["decoding alone"]
    note = f"{own.median:,.0f} and {alone.median:,.0f} images/s; {what}, {len(data):,} bytes"
    name = "the same with full decoding, against decoding alone"
    if goal is None:
        return Line(name, f"{own.ratio_to(alone):.2f} x", "", note)
    return Line.at_least(name, own.ratio_to(alone), goal, note)


class _Bench:
    """One workload in one folder; every method gives images per second."""

    def __init__(self, folder: Path, image: bytes, count: int) -> None:
        self.folder = folder
        self.count = count
        self.image = folder / "answer"
        self.image.write_bytes(image)
        self.manifest = workload.write_csv(folder / "manifest.csv", count)
        self.recipe = workload.write_recipe(folder / "recipe.toml")
        self._numbers = itertools.count()

    def photobatch(self, url: str, core: frozenset[int] | None, *flags: str) -> float:
        """From reading the manifest to the last entry in the ledger, as the summary says."""
        out = self._fresh()
        words = ["run", self.manifest, "--recipe", self.recipe, "--out", out, "--base-url", url, "--api", "sync"]
        finished = photobatch(*words, "--rpm", "0", "--json", *flags, cores=core)
        assert finished.said["tasks"]["done"] == self.count, finished.said
        shutil.rmtree(out)
        return self.count / float(finished.said["elapsed_s"])

    def contender(self, script: str, url: str, core: frozenset[int] | None, *flags: str) -> float:
        """From opening the manifest to the last line noted."""
        out = self._fresh()
        said = run(HERE / "contenders" / script, url, self.manifest, out, *flags, cores=core).said
        assert said["count"] == self.count, said
        shutil.rmtree(out)
        return self.count / float(said["seconds"])

    def decode(self) -> float:
        """The same image decoded by Pillow, in as many threads as are useful."""
        data = self.image.read_bytes()
        count = min(self.count, 1000)

        def decoded(_number: int) -> None:
            Image.open(io.BytesIO(data)).load()

        with ThreadPoolExecutor() as pool:
            list(pool.map(decoded, range(50)))
            began = time.perf_counter()
            list(pool.map(decoded, range(count)))
            return count / (time.perf_counter() - began)

    def _fresh(self) -> Path:
        return self.folder / f"out-{next(self._numbers)}"
