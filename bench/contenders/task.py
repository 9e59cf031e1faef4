"""What the contenders share: the rows, the body of a call, what counts as an image, how results are noted.

Each contender reads the manifest, posts one JSON of about 300 bytes per row, writes the image to ``<key>.png`` and
notes one line.  Those that are to do *the same work* also check the image's header, hash it, write it aside and
rename it; none of them makes anything durable, retries, limits its rate or counts money.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

URL_PATH = "/v1/bg-replace"
HEADERS = {"x-api-key": "SG_0123456789abcdef", "Content-Type": "application/json"}
PNG = b"\x89PNG\r\n\x1a\n"


def arguments() -> tuple[str, Path, Path]:
    """URL to post to, manifest, output folder."""
    base_url, manifest, out = sys.argv[1:4]
    Path(out).mkdir(parents=True, exist_ok=True)
    return base_url + URL_PATH, Path(manifest), Path(out)


def bodies(manifest: Path) -> Iterator[tuple[str, bytes]]:
    """(key, body) of every row."""
    with manifest.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["sku"], json.dumps(_params(row)).encode()


def _params(row: dict[str, str]) -> dict[str, Any]:
    return {
        "image": row["image_url"],
        "ref_image": "https://cdn.example.com/backdrops/studio.jpg",
        "prompt": f"{row['title']}, {row['color']}, on a {row['surface']}, soft {row['light']} light",
        "negative_prompt": "text, watermark, hands",
        "num_inference_steps": 25,
        "seed": int(row["stock"]),
    }


def keep(out: Path, key: str, data: bytes) -> str:
    """Check, hash, write aside and rename one image; returns the line to note."""
    if not data.startswith(PNG) or b"IEND" not in data[-12:]:
        raise ValueError(f"{key}: no PNG")
    digest = hashlib.sha256(data).hexdigest()
    aside = out / f"{key}.part"
    aside.write_bytes(data)
    aside.replace(out / f"{key}.png")
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return json.dumps({"key": key, "sha256": digest, "bytes": len(data), "width": width, "height": height}) + "\n"


def report(seconds: float, count: int) -> None:
    """Print what the bench reads."""
    print(json.dumps({"seconds": seconds, "count": count}))
