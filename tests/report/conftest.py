"""A small shop: a result folder with a real ledger, real images, and as much of a run as a test wants."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw

from pipeline.errors import ErrorClass
from pipeline.ledger import Ledger, decide, entries, loading
from pipeline.ledger.events import Intent, Receipt, Verdict
from pipeline.outputs import OutputStore
from pipeline.planning import Planner
from pipeline.recipe import Recipe
from pipeline.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECIPE: dict[str, Any] = {
    "recipe": {"name": "shop", "key": "{sku}"},
    "step": [
        {
            "name": "studio",
            "endpoint": "segmind-relighting-v2",
            "params": {
                "image": "{image}",
                "light_direction": "left",
                "light_type": "softbox",
                "light_temperature": "neutral",
                "light_intensity": "bright",
            },
        },
        {
            "name": "scene",
            "endpoint": "segmind-scenecraft-v01",
            "params": {"image": "{image}", "prompt": "{title} on a table", "aspect_ratio": "1:1 (Perfect Square)"},
        },
    ],
}


def picture(colour: str = "teal", size: tuple[int, int] = (240, 240), *, kind: str = "JPEG") -> bytes:
    """A product of *colour* on white."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rounded_rectangle((width * 0.3, height * 0.2, width * 0.7, height * 0.85), width // 12, fill=colour)
    draw.ellipse((width * 0.4, height * 0.3, width * 0.5, height * 0.4), fill="white")
    data = BytesIO()
    image.save(data, kind, quality=92)
    return data.getvalue()


@dataclass
class Shop:
    """The result folder ``out`` of the manifest ``shop.csv``."""

    home: Path
    recipe: dict[str, Any] = field(default_factory=lambda: RECIPE)
    now: float = 1_800_000_000.0

    def __post_init__(self) -> None:
        self.out = self.home / "out"
        self.ledger = Ledger(self.out, clock=lambda: self.now)
        self.ledger.claim("sandbox", "http://127.0.0.1:1")
        self.store = OutputStore(self.out, sync=False)
        self.runs = 0

    def write(self, *rows: tuple[str, str, str]) -> None:
        """The manifest: key, title, image."""
        lines = [
            "sku,title,image",
            *(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows),
        ]
        (self.home / "shop.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def photo(self, name: str, colour: str = "teal") -> str:
        """A product photo beside the manifest; returns its name."""
        (self.home / name).write_bytes(picture(colour))
        return name

    def plan(self, recipe: dict[str, Any] | None = None) -> list[str]:
        """Take the manifest in, as a run does; returns the warnings."""
        parsed = Recipe.from_dict(recipe or self.recipe)
        wanted = Wanted(self.home / "shop.csv", parsed, allow_private=True)
        self.runs += 1
        self.ledger.start_run(f"run-{self.runs}", "run", str(wanted.manifest), parsed.as_json())
        self.now += 1

        def take(db: Any) -> list[str]:
            planner = Planner(wanted, db, clock=lambda: self.now)
            for _ in planner.steps():
                pass
            planner.finish()
            return planner.report(60).warnings

        return self.ledger.run(take)

    def task(self, key: str, step: str = "studio") -> decide.Judged:
        """The live task of *key* at *step*."""
        found = self.ledger.run(lambda db: decide.judged(db, key, step))
        assert found is not None
        return found

    def make(
        self, key: str, step: str = "studio", colour: str = "darkcyan", size: tuple[int, int] = (300, 300)
    ) -> None:
        """Pay for the task and deliver a picture, with the ledger's own entries."""
        task, attempt = self._sent(key, step)
        if task.replaces is not None:
            for image in self._paths(task.replaces):
                moved = self.store.supersede(image)
                if moved:
                    self.ledger.run(partial(entries.moved, old=image, new=moved))
        saved = self.store.save(picture(colour, size), key=key, step=step)
        receipt = Receipt(self.now + 4, task.estimate_nano, f"req-{task.id}", None, 4.0)
        self.ledger.run(lambda db: entries.done(db, task_id=task.id, attempt=attempt, receipt=receipt, images=[saved]))
        self.now += 5

    def fail(self, key: str, step: str, error: str, error_class: ErrorClass = ErrorClass.REJECTED) -> None:
        """Send the task and be refused."""
        task, attempt = self._sent(key, step)
        verdict = Verdict(error_class, error, 429 if error_class is ErrorClass.RATE_LIMITED else 400, self.now + 1)
        self.ledger.run(lambda db: entries.refused(db, task_id=task.id, attempt=attempt, verdict=verdict, final=True))
        self.now += 2

    def doubt(self, key: str, step: str) -> None:
        """Send the task and get no answer."""
        task, attempt = self._sent(key, step)
        verdict = Verdict(ErrorClass.TIMEOUT, "no answer", None, self.now + 1)
        self.ledger.run(lambda db: entries.doubt(db, task_id=task.id, attempt=attempt, verdict=verdict))

    def finish_run(self, **facts: Any) -> None:
        """The newest run has ended; *facts* stand in its summary."""
        summary = json.dumps({"elapsed_s": 12.5, **facts})
        self.ledger.finish_run(f"run-{self.runs}", stopped_by=None, exit_code=0, summary=summary)

    def states(self) -> dict[tuple[str, str], str]:
        """State by key and step of everything live."""
        query = "SELECT key, step, state FROM tasks WHERE live ORDER BY id"
        return {(key, step): state for key, step, state in self.ledger.run(lambda db: db.execute(query).fetchall())}

    def _sent(self, key: str, step: str) -> tuple[Any, int]:
        task_id = self.task(key, step).id
        query = f"SELECT {loading.TASK_COLUMNS} FROM tasks t WHERE t.id=?"
        task = loading.load(self.ledger.run(lambda db: db.execute(query, (task_id,)).fetchone()))
        meant = Intent(task, f"run-{self.runs}", self.now, None, task.reserve_nano or 0, None)
        return task, self.ledger.run(lambda db: entries.intent(db, self.ledger.journal, meant))

    def _paths(self, task_id: int) -> list[str]:
        query = "SELECT path FROM outputs WHERE task_id=? AND path LIKE 'images/%'"
        return [path for (path,) in self.ledger.run(lambda db: db.execute(query, (task_id,)).fetchall())]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Two products, everything planned."""
    shop = Shop(tmp_path)
    shop.write(("MUG", "Mug", shop.photo("mug.jpg")), ("VASE", "Vase", shop.photo("vase.jpg", "olive")))
    shop.plan()
    yield shop
    shop.ledger.close()
