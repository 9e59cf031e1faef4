"""Make the pictures of a job without stopping the event loop.

The studio's edits run in processes of their own, the simple ones in a thread, and the instant ones are ready.  Knows
nothing of money or HTTP.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pipeline.sandbox import simple
from pipeline.sandbox.standin import drawn
from pipeline.sandbox.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.endpoints import Endpoint
    from pipeline.sandbox.options import SandboxOptions
    from pipeline.sandbox.picture import Picture
    from pipeline.sandbox.standin import Source


class Renderer:
    """Turns parameters and inputs into pictures, in the way that the options ask for."""

    def __init__(self, options: SandboxOptions) -> None:
        self._mode = options.edit
        self._instant_size = options.instant_size
        self._ready: dict[tuple[object, ...], Picture] = {}
        self._workers = Workers()

    async def render(
        self, endpoint: Endpoint, params: Mapping[str, Any], images: Mapping[str, Source], seed: int | None
    ) -> list[Picture]:
        """The pictures of one job; raises ValueError for inputs that cannot be used."""
        full = {**endpoint.defaults(), **params}
        count = endpoint.images_made(params)
        if self._mode == "instant":
            return [self._instant(endpoint.slug, full)] * count
        if self._mode == "studio":
            seeded = {**full, "seed": seed} if "seed" in full else full
            return await self._workers.paint(endpoint.slug, seeded, images)
        seeds = [(seed or 0) + n for n in range(count)]
        return await asyncio.to_thread(_simple, endpoint.slug, full, images, seeds)

    async def close(self) -> None:
        """End the workers."""
        await self._workers.close()

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


def _simple(slug: str, params: Mapping[str, Any], images: Mapping[str, Source], seeds: list[int]) -> list[Picture]:
    return simple.edit(slug, params, drawn(images), seeds)
