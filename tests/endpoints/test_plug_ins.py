"""Another package adds an endpoint: shown with an installed distribution, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

UPSCALE = """
from typing import Annotated
from pydantic import Field
from pipeline.endpoints import Endpoint, fixed_range
from pipeline.endpoints.parameters import Image, Parameters, Whole

class Upscale(Parameters):
    image: Annotated[Image, Field(description="What to enlarge")]
    factor: Annotated[Whole, Field(ge=2, le=8, description="How much")] = 2

ENDPOINT = Endpoint(
    slug="{slug}", title="Upscale", summary="Enlarge a photo.", parameters=Upscale,
    price=lambda params: {price}, priced_by={priced_by},
    price_note="as agreed", latency_s=5, latency_note="measured", page="https://example.com/upscale", seen="2026-09-01",
)
"""
PRICE = "fixed_range(0.01, 0.02, 0.02 * params['factor'])"


def install(site: Path, source: str, value: str = "upscale_plugin:ENDPOINT") -> None:
    """Put a package on *site* as an installer would: the module and its dist-info with the entry point."""
    info = site / "upscale_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "upscale_plugin.py").write_text(source, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: upscale-plugin\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[photobatch.endpoints]\nupscale = {value}\n", encoding="utf-8")


def ask(site: Path, program: str) -> str:
    """What *program* prints where *site* and the project can be imported."""
    prelude = f"import sys; sys.path[:0] = [{str(site)!r}, {str(REPOSITORY)!r}]\n"
    done = subprocess.run([sys.executable, "-c", prelude + program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


REFUSED = """
from pipeline.endpoints import every
from pipeline.errors import RecipeError
try:
    every()
except RecipeError as error:
    print(error, "|", error.hint)
"""


def test_an_installed_package_adds_an_endpoint_that_works_like_ours(tmp_path: Path) -> None:
    install(tmp_path, UPSCALE.format(slug="upscale", price=PRICE, priced_by="('factor',)"))
    program = """
from pipeline.endpoints import describe, every, get
upscale = get("upscale")
print(list(every())[-1], len(every()))
print(upscale.validate({"image": "a.jpg", "factor": "4"}))
print(upscale.price_of({"factor": 4}).worst_nano, upscale.json_schema()["properties"]["factor"]["maximum"])
print(describe.rows([upscale])[0][0], describe.parameters(upscale)[1].allowed)
"""
    assert ask(tmp_path, program).splitlines() == [
        "upscale 6",
        "({'image': 'a.jpg', 'factor': 4}, [])",
        "80000000 8",
        "upscale from 2 to 8",
    ]


def test_a_price_that_is_unknown_stays_unknown_in_words(tmp_path: Path) -> None:
    install(tmp_path, UPSCALE.format(slug="upscale", price="None", priced_by="()"))
    program = """
from pipeline.endpoints import describe, get
print(get("upscale").json_schema()["x-photobatch"]["price_usd"], describe.rows([get("upscale")])[0][2:4])
"""
    assert ask(tmp_path, program) == "None ('unknown', 'unknown')"


def test_a_price_that_a_required_parameter_decides_has_no_usual_value(tmp_path: Path) -> None:
    install(tmp_path, UPSCALE.format(slug="upscale", price="params['image'] and 1/0", priced_by="('image',)"))
    assert ask(tmp_path, "from pipeline.endpoints import get; print(get('upscale').usual_price())") == "None"


def test_a_plug_in_cannot_take_the_name_of_an_endpoint(tmp_path: Path) -> None:
    install(tmp_path, UPSCALE.format(slug="ic-light", price=PRICE, priced_by="('factor',)"))
    said = ask(tmp_path, REFUSED)
    assert said.startswith("there are two endpoints 'ic-light': entry point upscale = upscale_plugin:ENDPOINT")


def test_a_plug_in_that_is_no_endpoint_is_named(tmp_path: Path) -> None:
    install(tmp_path, "ENDPOINT = 7\n")
    said = ask(tmp_path, REFUSED)
    assert "upscale = upscale_plugin:ENDPOINT is a int, not an Endpoint" in said
    assert "uninstall" in said


def test_a_plug_in_that_cannot_be_imported_is_named_with_the_cause(tmp_path: Path) -> None:
    install(tmp_path, "import a_module_that_is_not_there\n")
    said = ask(tmp_path, REFUSED)
    assert "cannot be loaded: ModuleNotFoundError" in said
    assert "a_module_that_is_not_there" in said
