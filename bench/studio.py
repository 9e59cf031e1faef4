"""What the studio's edits cost: CPU seconds per megapixel of output on one core, and peak memory.

Run by hand: ``python bench/studio.py``.  Each case runs in a process of its own, so that its peak is its own.
The limits are 0.5 s per megapixel (outputs below half a megapixel count as half) and 300 MB.
"""

from __future__ import annotations

import io
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipeline.sandbox.studio import edit

LIGHT = {"light_direction": "left", "light_type": "sunlight", "light_temperature": "warm", "light_intensity": "strong"}
CASES = [
    ("segmind-relighting-v2", {**LIGHT, "size": "1024x1024"}),
    ("segmind-relighting-v2", {**LIGHT, "size": "auto"}),
    ("segmind-relighting-v2", {**LIGHT, "light_direction": "back", "size": "1536x1024", "output_format": "webp"}),
    ("segmind-relighting-v2", {**LIGHT, "background": "transparent", "output_format": "png"}),
    ("ic-light", {"prompt": "sunset beach"}),
    ("ic-light", {"prompt": "sunset beach", "width": 1024, "height": 1024, "highres_scale": 3}),
    ("ic-light", {"prompt": "sunset beach", "number_of_images": 12}),
    ("seg-swap", {}),
    ("seg-swap", {"horizontal_repeat": 4, "vertical_repeat": 4, "growmask": 20, "image_format": "jpeg"}),
    ("segmind-scenecraft-v01", {"prompt": "walnut table, morning"}),
    ("segmind-scenecraft-v01", {"prompt": "garden, leaves", "megapixel": "0.1"}),
    ("segmind-scenecraft-v01", {"prompt": "neon city night", "megapixel": "2.5", "upscale": True}),
    ("bg-replace", {"prompt": "rock"}),
    ("bg-replace", {"prompt": "rock", "samples": 4}),
]


def photograph(size: tuple[int, int], *, busy: bool) -> bytes:
    """A noisy product photograph: a box and a ball on a sweep, or in a cluttered room."""
    width, height = size
    chance = np.random.default_rng(1)
    shade = np.linspace(235, 190, height)[:, None, None] * np.ones((1, width, 3))
    picture = Image.fromarray(shade.astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(60 if busy else 0):
        x, y = chance.integers(0, width), chance.integers(0, height)
        pen.rectangle((x, y, x + width // 9, y + height // 12), fill=tuple(map(int, chance.integers(40, 160, 3))))
    pen.rounded_rectangle((width * 0.3, height * 0.3, width * 0.7, height * 0.8), width // 40, fill=(190, 60, 40))
    pen.ellipse((width * 0.4, height * 0.2, width * 0.6, height * 0.4), fill=(230, 200, 60))
    grain = chance.normal(0, 3, (height // 2, width // 2, 1)).repeat(2, 0).repeat(2, 1)
    noisy = (np.asarray(picture)[: grain.shape[0], : grain.shape[1]] + grain).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).filter(ImageFilter.GaussianBlur(1)).save(out, "JPEG", quality=92)
    return out.getvalue()


def measure(slug: str, params: dict, data: bytes) -> tuple[str, float, float, float]:
    """Return the output size, its megapixels in all, CPU seconds and peak memory in MB of one call."""
    mask = io.BytesIO()
    ellipse = Image.new("L", (800, 800))
    ImageDraw.Draw(ellipse).ellipse((50, 50, 750, 750), fill=255)
    ellipse.save(mask, "PNG")
    fields = ("image", "subject_image", "main_image", "object_image", "ref_image")
    images = {**dict.fromkeys(fields, data), "mask_image": mask.getvalue()}
    edit(slug, {**params, "number_of_images": 1, "samples": 1, "megapixel": 0.1}, images)  # imports and caches
    start = time.process_time()
    edited = edit(slug, params, images)
    cpu_s = time.process_time() - start
    pixels = sum(one.width * one.height for one in edited) / 1e6
    return f"{len(edited)} x {edited[0].width}x{edited[0].height}", pixels, cpu_s, peak_mb()


def peak_mb() -> float:
    """The largest resident size of this process so far; not a number where the platform does not tell."""
    try:
        import resource  # not on Windows
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def main() -> None:
    for name, size, busy in [("1 MP sweep", (1000, 1000), False), ("12 MP busy", (4000, 3000), True)]:
        with ProcessPoolExecutor(
            1, mp_context=get_context("spawn")
        ) as pool:  # a new process inherits the peak of this one
            data = pool.submit(photograph, size, busy=busy).result()
        print(f"\ninput: {name}\n{'endpoint':<24}{'output':<20}{'CPU s':>7}{'s/MP':>7}{'MB':>7}")
        for slug, params in CASES:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                output, pixels, cpu_s, peak = pool.submit(measure, slug, params, data).result()
            print(f"{slug:<24}{output:<20}{cpu_s:>7.2f}{cpu_s / max(0.5, pixels):>7.2f}{peak:>7.0f}")


if __name__ == "__main__":
    main()
