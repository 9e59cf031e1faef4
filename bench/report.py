"""Time and memory of a report of many entries, without small copies: `python bench/report.py [ENTRIES]`.

Makes a ledger of its own; nothing is sent.  Prints seconds, peak memory and the size of the data, and, with
Chromium at hand, how long the page takes until it can be used when it is opened from disk.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.ledger import Ledger

if TYPE_CHECKING:
    import sqlite3

ENTRIES = 100_000
STEPS = ("studio", "scene", "mood", "room", "background")
SLUGS = ("segmind-relighting-v2", "segmind-scenecraft-v01", "ic-light", "seg-swap", "bg-replace")
CHILD = """
import json, sys, time
from pathlib import Path
from pipeline.report.write import write_report
began = time.perf_counter()
write_report(Path(sys.argv[1]), thumbnails=False)
spent = time.perf_counter() - began
peak = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps({"seconds": spent, "peak_mb": int(peak[0].split()[1]) / 1024 if peak else None}))
"""


def main(entries: int) -> None:
    with tempfile.TemporaryDirectory(prefix="photobatch-bench-") as name:
        folder = Path(name)
        fill(folder, entries)
        found = subprocess.run(
            [sys.executable, "-c", CHILD, name], check=True, capture_output=True, text=True, encoding="utf-8"
        )
        said = json.loads(found.stdout)
        size = sum(path.stat().st_size for path in (folder / "report").rglob("*") if path.is_file())
        print(f"{entries:,} entries: written in {said['seconds']:.1f} s, peak {said['peak_mb']:.0f} MB,")
        print(f"{size / 1e6:.0f} MB on disk; usable after {opened(folder)} when opened from disk")


def fill(folder: Path, entries: int) -> None:
    """A ledger with *entries* done tasks, one in fifty failed."""
    ledger = Ledger(folder)
    ledger.claim("sandbox", "http://127.0.0.1:1")
    ledger.start_run("bench", "run", "catalog.csv", '{"steps": []}')
    ledger.run(lambda db: insert(db, entries))
    ledger.finish_run("bench", stopped_by=None, exit_code=0, summary="{}")
    ledger.close()


def insert(db: sqlite3.Connection, entries: int) -> None:
    db.execute("INSERT INTO headers VALUES (1, ?)", (json.dumps(["sku", "title", "image_url", "price"]),))
    now = time.time()
    for n in range(entries):
        row, step = divmod(n, len(STEPS))
        key = f"SKU-{row:07d}"
        if step == 0:
            cells = [key, f"Stoneware mug, 350 ml, colour {row}", f"https://example.com/{key}.jpg", "18.50"]
            db.execute("INSERT INTO rows VALUES (?,1,?,?,?,0,1)", (row + 1, row + 1, b"", json.dumps(cells)))
        params = {"image": f"https://example.com/{key}.jpg", "prompt": f"Stoneware mug {row} on a table", "seed": n}
        failed = n % 50 == 0
        db.execute(
            "INSERT INTO tasks (id, key, step, endpoint, row_id, params, state, live, error_class, error, http_status,"
            " attempts, estimate_nano, billed_nano, request_id, planned_at, submitted_at, finished_at, latency_s,"
            " run_id) VALUES (?,?,?,?,?,?,?,1,?,?,?,1,?,?,?,?,?,?,?,'bench')",
            (n + 1, key, STEPS[step], SLUGS[step], row + 1, json.dumps(params), "failed" if failed else "done")
            + (("rejected", f"content policy: row {row}", 400) if failed else (None, None, None))
            + (
                258_200_000,
                None if failed else 258_200_000,
                f"req-{n}",
                now,
                now + n / 20,
                now + n / 20 + 9,
                9 + n % 40,
            ),
        )
        db.execute(
            "INSERT INTO attempts (task_id, run_id, outcome, intent_at, held_nano, billed_nano) VALUES (?,?,?,?,0,?)",
            (n + 1, "bench", "done", now + n / 20, 258_200_000),
        )
        if not failed:
            image = (n + 1, 1, f"images/{key}/{STEPS[step]}.jpg", 196_392, f"{n:064x}", 1024, 1024, "image/jpeg", 1)
            db.execute("INSERT INTO outputs VALUES (?,?,?,?,?,?,?,?,?)", image)


def opened(folder: Path) -> str:
    """How long Chromium takes until the page can be used."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return "(no Chromium to try)"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        began = time.perf_counter()
        page.goto((folder / "report" / "index.html").as_uri())
        page.wait_for_selector("[role=option]")
        first = time.perf_counter() - began
        page.wait_for_selector("body[data-ready]")
        everything = time.perf_counter() - began
        began = time.perf_counter()
        page.click("#f-step-0")
        filtered = time.perf_counter() - began
        browser.close()
    return f"{first:.1f} s (everything: {everything:.1f} s, a filter: {filtered:.1f} s)"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES)
