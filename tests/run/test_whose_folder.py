"""A folder belongs to one provider: nobody who means the real one is answered by a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.errors import FolderError
from pipeline.ledger import Ledger
from pipeline.lock import hold
from pipeline.undo import take_back

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = {
    "step": [
        {
            "name": "oak",
            "endpoint": "ic-light",
            "params": {"subject_image": "{image_url}", "prompt": "{sku} on oak"},
        }
    ]
}


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.csv"
    path.write_text("sku,image_url\nmug,https://example.com/mug.jpg\n", encoding="utf-8")
    return path


async def test_a_run_without_sandbox_refuses_a_rehearsals_folder(catalogue: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ledger = Ledger(out)
    ledger.claim("sandbox", "")
    ledger.close()

    with pytest.raises(FolderError, match="holds results of sandbox") as refusal:
        await pipeline.run(catalogue, RECIPE, out=out, api_key="SG_0123456789abcdef")

    assert "--sandbox" in refusal.value.hint


def test_what_a_refused_run_made_is_taken_back(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with hold(out, "run"):
        Ledger(out).close()

    take_back(out)

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_taken_back_while_another_run_holds_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with hold(out, "run"):
        Ledger(out).close()
        stands = {path.name for path in out.iterdir()}

        take_back(out)

        assert {path.name for path in out.iterdir()} == stands
