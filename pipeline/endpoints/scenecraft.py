"""segmind-scenecraft-v01: cut the product out and stage it in a generated scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from pipeline.endpoints.endpoint import GENERATED, Endpoint, Price, averaged
from pipeline.endpoints.parameters import (
    Flag,
    FreeText,
    Image,
    Number,
    Parameters,
    RandomSeed,
    Text,
    Whole,
    as_number,
    one_of,
    suggested,
    wrong,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# The page shows the first ten of 23; the others are inferred from the public node of the same labels.
ASPECT_RATIOS = suggested(
    "1:1 (Perfect Square)",
    "2:3 (Classic Portrait)",
    "3:4 (Golden Ratio)",
    "3:5 (Elegant Vertical)",
    "4:5 (Artistic Frame)",
    "5:7 (Balanced Portrait)",
    "5:8 (Tall Portrait)",
    "7:9 (Modern Portrait)",
    "9:16 (Slim Vertical)",
    "9:19 (Tall Slim)",
    "9:21 (Ultra Tall)",
    "9:32 (Skyline)",
    "3:2 (Golden Landscape)",
    "4:3 (Classic Landscape)",
    "5:3 (Wide Horizon)",
    "5:4 (Balanced Frame)",
    "7:5 (Elegant Landscape)",
    "8:5 (Cinematic View)",
    "9:7 (Artful Horizon)",
    "16:9 (Panorama)",
    "19:9 (Cinematic Ultrawide)",
    "21:9 (Epic Ultrawide)",
    "32:9 (Extreme Ultrawide)",
)
# The page runs its list together; these ten are the same node's values.
MEGAPIXELS = suggested("0.1", "0.5", "1.0", "1.5", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5")
# Not from the page: a size beyond this is a slip of the keyboard, and would be priced as a fortune.
MOST_MEGAPIXELS = 20


def _full_ratio(value: str) -> str:
    """``16:9`` as the label the provider knows, ``16:9 (Panorama)``."""
    short = value.strip()
    return next((label for label in ASPECT_RATIOS.values if label.split(" ", 1)[0] == short), value)


def _megapixel_text(value: object) -> str:
    """Numbers in the string form that the page's example sends: 1.5 as ``"1.5"``, 1 as ``"1.0"``."""
    number = float(as_number(value))
    if not 0 < number <= MOST_MEGAPIXELS:
        raise wrong(f"must be more than 0 and at most {MOST_MEGAPIXELS}, not {number}")
    return str(number)


AspectRatio = Annotated[str, AfterValidator(_full_ratio)]
Megapixel = Annotated[
    str,
    BeforeValidator(_megapixel_text),
    Field(json_schema_extra={"pattern": r"^(0\.[1-9][0-9]?|([1-9]|1[0-9])(\.[0-9]{1,2})?)$"}),
]


class SceneCraft(Parameters):
    """Body of a scenecraft call."""

    image: Annotated[Image, Field(description="The product photo")]
    prompt: Annotated[Text, Field(description="The scene in words")]
    aspect_ratio: Annotated[AspectRatio, ASPECT_RATIOS, Field(description="Shape of the output")] = "16:9 (Panorama)"
    dropshadow: Annotated[Flag, Field(description="Add a shadow under the product")] = True
    guidance_scale: Annotated[Number, Field(ge=1, le=20, description="How closely the scene follows the prompt")] = 7
    image_format: Annotated[str, one_of("png", "jpeg", "webp"), Field(description="File format")] = "jpeg"
    image_quality: Annotated[Whole, Field(ge=10, le=100, description="Quality of lossy formats")] = 90
    megapixel: Annotated[Megapixel, MEGAPIXELS, Field(description="Size of the output in megapixels")] = "1.5"
    negative_prompt: Annotated[FreeText, Field(description="What to avoid")] = "blur, CGI, animated"
    scale: Annotated[
        Number,
        Field(ge=0, le=1, description="Longer side of the product as a share of the canvas's shorter side"),
    ] = 0.65
    seed: Annotated[Whole, RandomSeed(-1), Field(description="Seed; -1 for a random one")] = -1
    steps: Annotated[Whole, Field(ge=1, le=50, description="Diffusion steps")] = 40
    upscale: Annotated[Flag, Field(description="Increase the resolution, for print")] = False
    x_value: Annotated[Number, Field(ge=1, le=100, description="Centre of the product, per cent from the left")] = 50
    y_value: Annotated[Number, Field(ge=1, le=100, description="Centre of the product, per cent from the top")] = 50


def price(params: Mapping[str, Any]) -> Price:
    """The meter is unknown: assume that steps, pixels and upscaling cost more, and that less is not cheaper."""
    pixels = float(params["megapixel"]) / 1.5 * (2 if params["upscale"] else 1)
    return averaged(0.339, max(1.0, params["steps"] / 40 * pixels))


ENDPOINT = Endpoint(
    slug="segmind-scenecraft-v01",
    title="Segmind SceneCraft v0.1",
    summary="Stage a product in a photorealistic scene described in words.",
    parameters=SceneCraft,
    price=price,
    priced_by=("steps", "megapixel", "upscale"),
    price_note="~$0.339 per call (page badge); average $0.3393 (model directory, 2026-08-19)",
    latency_s=33.6,
    latency_note="33.64 s on the page",
    page="https://www.segmind.com/models/segmind-scenecraft-v01/api",
    seen="2026-08-19",
    digital_source=GENERATED,
)
