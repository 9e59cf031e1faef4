"""A result in a notebook: its numbers and a contact sheet, as one piece of HTML that needs nothing from outside.

Everything that came from manifest or provider is escaped; pictures are inline.
"""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipeline.ledger import gallery
from pipeline.money import cents
from pipeline.report.shrink import answer
from pipeline.report.write import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.ledger.gallery import Entry

SHEET = 24
SIDE = 160
STYLE = "font:13px/1.4 system-ui,sans-serif"


def result_html(folder: Path, summary: Mapping[str, Any]) -> str:
    """The HTML of a result: *summary* and up to SHEET outputs of *folder*, newest first."""
    return f'<div style="{STYLE}">{_numbers(folder, summary)}{_sheet(folder)}</div>'


def _numbers(folder: Path, summary: Mapping[str, Any]) -> str:
    tasks, cost = summary["tasks"], summary["cost"]
    words = [f"<b>{tasks['done']:,} of {tasks['total']:,} tasks done</b>"]
    words += [
        f"{tasks[name]:,} {name.replace('_', ' ')}"
        for name in ("reused", "failed", "in_doubt", "invalid", "open")
        if tasks.get(name)
    ]
    words.append(f"{cents(cost['billed_usd'])} billed")
    stopped = f" · stopped by {escape(str(summary['stopped_by']))}" if summary.get("stopped_by") else ""
    return f"<p>{', '.join(words)}{stopped}<br><code>{escape(str(folder))}</code></p>"


def _sheet(folder: Path) -> str:
    tiles = "".join(_tiles(folder))
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px">{tiles}</div>' if tiles else ""


def _tiles(folder: Path) -> Iterator[str]:
    with reading(folder) as db, TemporaryDirectory(prefix="photobatch-") as scratch:
        for each in gallery.newest_outputs(db, SHEET):
            data = _small(folder, each, Path(scratch) / "tile.webp")
            if data:
                name = escape(f"{each.key} {each.step}", quote=True)
                yield (
                    f'<figure style="margin:0;width:{SIDE}px"><img alt="{name}" width="{SIDE}" height="{SIDE}"'
                    ' style="object-fit:contain;background:#8881;border-radius:4px"'
                    f' src="data:image/webp;base64,{data}">'
                    f'<figcaption style="overflow:hidden;text-overflow:ellipsis">{name}</figcaption></figure>'
                )


def _small(folder: Path, each: Entry, scratch: Path) -> str:
    """The output as a small WebP in base64; nothing when it cannot be read."""
    scratch.unlink(missing_ok=True)
    job = {"source": str(folder / (each.path or "")), "targets": {str(scratch): SIDE * 2}}
    if "error" in answer(job):
        return ""
    return base64.b64encode(scratch.read_bytes()).decode("ascii")
