"""A night in which nothing changed: a million rows, no paid call, under a minute, under 300 MB.

    python bench/night.py [ROWS]

Makes a catalogue of web images and a folder in which all of it is done (written straight into the ledger: nobody
waits for a million calls), then measures `photobatch nightly` on it twice, as a process of its own, against the
embedded sandbox.  The first night after a change writes the results ledger anew, the second one finds it as it is.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from measuring import Finished, run

from pipeline.ledger import Ledger, schema
from pipeline.planning import Planner
from pipeline.recipe import Recipe
from pipeline.wanted import Wanted

ROWS = 1_000_000
GOAL_S, GOAL_MB = 60.0, 300.0
AT = 1_750_000_000.0
OUTPUT = b"a picture"
LINKS = 50_000
"""Links per file: file systems allow 65,000."""
JOB = """
manifest = "catalog.csv"
out = "out"
[reading]
trust_urls = true
[recipe]
key = "{sku}"
[[step]]
name = "studio"
endpoint = "segmind-relighting-v2"
params.image = "{image_url}"
params.light_direction = "left"
params.light_type = "softbox"
params.light_temperature = "neutral"
params.light_intensity = "bright"
"""


def main(rows: int) -> int:
    """Measure and print; the exit code is 1 when a goal is missed."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="photobatch-night-", dir=memory if memory.is_dir() else None) as name:
        home = Path(name)
        catalogue(home / "catalog.csv", rows)
        (home / "job.toml").write_text(JOB, encoding="utf-8")
        outputs(home / "out" / "images", rows)
        finish_everything(home)
        first, second = night(home), night(home)
        calls = sum(each.said["requests"]["submit"] for each in (first, second))
    print(f"{rows:,} unchanged rows, {calls} paid calls")
    print(line("first night", first, "the results ledger is written"))
    print(line("further nights", second, f"goal: {GOAL_S:.0f} s, {GOAL_MB:.0f} MB"))
    missed = calls or second.seconds > GOAL_S or (second.peak_mb or 0) > GOAL_MB
    return 1 if missed else 0


def line(name: str, night: Finished, note: str) -> str:
    """One night's figures; the CPU's are those that other work on the machine does not touch."""
    cpu = "" if night.cpu_s is None else f"  {night.cpu_s:6.1f} s of CPU"
    peak = "" if night.peak_mb is None else f"  {night.peak_mb:5.0f} MB"
    return f"  {name:14} {night.seconds:6.1f} s{cpu}{peak}  ({note})"


def catalogue(path: Path, rows: int) -> None:
    """A catalogue of *rows* products with pictures on the web."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("sku,title,price,stock,image_url\n")
        for n in range(rows):
            file.write(
                f"SKU-{n:07},Product number {n},{n % 90}.90,{n % 50},https://cdn.example.com/products/{n:07}.jpg\n"
            )


def outputs(images: Path, rows: int) -> None:
    """A file for every product: links to a few, since only that they are there and their size matter."""
    images.mkdir(parents=True)
    for n in range(rows):
        if n % LINKS == 0:
            source = images.parent / f"output-{n}"
            source.write_bytes(OUTPUT)
        folder = f"{images}/SKU-{n:07}"
        os.mkdir(folder)  # noqa: PTH102  # a million Path objects take longer than the folders
        os.link(source, f"{folder}/studio.png")


def finish_everything(home: Path) -> None:
    """Take the catalogue in, and write every task down as done."""
    import tomllib

    job = tomllib.loads(JOB)
    recipe = Recipe.from_dict({"recipe": job["recipe"], "step": job["step"]})
    ledger = Ledger(home / "out", clock=lambda: AT)
    ledger.claim("sandbox", "")

    def done(db: schema.sqlite3.Connection) -> None:
        planner = Planner(Wanted(str(home / "catalog.csv"), recipe, check_images=False), db, clock=lambda: AT)
        for _ in planner.steps():
            pass
        planner.finish()
        db.execute(
            "UPDATE tasks SET state='done', attempts=1, billed_nano=estimate_nano, finished_at=?, latency_s=4", (AT,)
        )
        db.execute(
            "INSERT INTO outputs SELECT id, 1, 'images/' || key || '/studio.png', ?,"
            " lower(hex(randomblob(32))), 1024, 1024, 'image/png', 1 FROM tasks",
            (len(OUTPUT),),
        )
        db.execute(
            "INSERT INTO attempts (task_id, run_id, outcome, intent_at, closed_at, held_nano, billed_nano, request_id)"
            " SELECT id, 'run-1', 'done', ?, ?, 0, billed_nano, lower(hex(randomblob(16))) FROM tasks",
            (AT, AT),
        )

    ledger.run(done)
    ledger.close()


def night(home: Path) -> Finished:
    """One night in a process of its own."""
    return run("-m", "jobs", "nightly", home / "job.toml", "--sandbox", "--json")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
