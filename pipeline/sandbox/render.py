"""Make the pictures of a job without stopping the event loop.

The studio's edits run in a pool of processes, the simple ones in a thread, and the instant ones are ready.  Knows
nothing of money or HTTP.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from functools import cached_property, partial
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Any

from pipeline.sandbox import simple, standin
from pipeline.sandbox.images_in import Image, StandIn
from pipeline.sandbox.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.endpoints import Endpoint
    from pipeline.sandbox.options import SandboxOptions


class Renderer:
    """Turns parameters and inputs into pictures, in the way that the options ask for."""

    def __init__(self, options: SandboxOptions) -> None:
        self._mode = options.edit
        self._instant_size = options.instant_size
        self._ready: dict[tuple[object, ...], Picture] = {}
        self._pool_broken = False

    async def render(
        self, endpoint: Endpoint, params: Mapping[str, Any], images: Mapping[str, Image], seed: int | None
    ) -> list[Picture]:
        """The pictures of one job; raises what the edit raises (ValueError, OSError) for bad inputs."""
        full = {**endpoint.defaults(), **params}
        count = endpoint.images_made(params)
        if self._mode == "instant":
            return [self._instant(endpoint.slug, full)] * count
        work: Callable[[], list[Picture]]
        if self._mode == "studio":
            work = partial(_studio, endpoint.slug, {**full, "seed": seed} if "seed" in full else full, dict(images))
            return await self._in_pool(work)
        work = partial(_simple, endpoint.slug, full, dict(images), [(seed or 0) + n for n in range(count)])
        return await asyncio.to_thread(work)

    def close(self) -> None:
        """Stop the pool, if there is one."""
        if "_pool" in self.__dict__:
            self._pool.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _pool(self) -> ProcessPoolExecutor:
        # spawn: the parent has an event loop and perhaps threads, which a fork would copy half-way.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(os.cpu_count() or 1, mp_context=context, initializer=_enter_pool)

    async def _in_pool(self, work: Callable[[], list[Picture]]) -> list[Picture]:
        if not self._pool_broken:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
            except BrokenExecutor:
                # No pool where the main module cannot be imported again (python - < script): a thread will do.
                self._pool_broken = True
        return await asyncio.to_thread(work)

    def _instant(self, slug: str, params: Mapping[str, Any]) -> Picture:
        size = self._instant_size or simple.wanted_size(slug, params, (1024, 1024))
        kind = params.get("output_format") or params.get("image_format")
        if (size, kind) not in self._ready:
            self._ready[size, kind] = simple.encoded(_card(size), {"output_format": kind, "output_quality": 80})
        return self._ready[size, kind]


def _card(size: tuple[int, int]) -> Any:
    from PIL import Image as Pillow

    ramp = Pillow.linear_gradient("L").resize(size)
    return Pillow.merge("RGB", (ramp, ramp.transpose(Pillow.Transpose.ROTATE_180), ramp))


def _drawn(images: Mapping[str, Image]) -> dict[str, bytes]:
    return {
        name: standin.draw(image.url, name) if isinstance(image, StandIn) else image for name, image in images.items()
    }


def _simple(slug: str, params: Mapping[str, Any], images: Mapping[str, Image], seeds: list[int]) -> list[Picture]:
    return simple.edit(slug, params, _drawn(images), seeds)


def _studio(slug: str, params: Mapping[str, Any], images: Mapping[str, Image]) -> list[Picture]:
    """Runs in a process of the pool."""
    from pipeline.sandbox import studio

    made = studio.edit(slug, params, _drawn(images))
    return [Picture(one.data, one.content_type, one.width, one.height, one.seed) for one in made]


def _enter_pool() -> None:
    """Ctrl-C is the parent's affair; and when the parent is killed nobody else would end this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()


def _leave_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(0)
