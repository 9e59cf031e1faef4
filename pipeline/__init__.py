"""photobatch: make for product photos.

A catalogue goes in, paid image calls are made once, images and a results ledger come out.

    import pipeline
    plan = pipeline.plan("catalog.csv", "recipe.toml")                        # spends nothing
    result = await pipeline.run("catalog.csv", "recipe.toml", out="out/tonight", cap_usd=50)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import Plan, Recipe, Result, plan, resume, resume_sync, run, run_sync
    from pipeline.errors import PipelineError

__all__ = ["PipelineError", "Plan", "Recipe", "Result", "plan", "resume", "resume_sync", "run", "run_sync"]


def __getattr__(name: str) -> Any:
    # pandas, aiohttp and pydantic take half a second to import: only who uses them pays.
    if name == "PipelineError":
        from pipeline.errors import PipelineError

        return PipelineError
    if name in __all__:
        from pipeline import api

        return getattr(api, name)
    raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
