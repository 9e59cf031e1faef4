"""Remove what the workshop made: .venv, caches, and the demo's output.  Results of real runs are never touched."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MADE = (
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
    "dist",
    "out/demo",
)

for name in MADE:
    shutil.rmtree(ROOT / name, ignore_errors=True)
for place in ("pipeline", "jobs", "tests", "bench", "manifests", ".ci"):
    for cache in (ROOT / place).rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
