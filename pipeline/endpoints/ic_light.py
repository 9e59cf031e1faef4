"""ic-light: relight a subject and generate its surroundings from a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pipeline.endpoints.endpoint import COMPOSITE, Endpoint, Price, averaged
from pipeline.endpoints.parameters import (
    FreeText,
    Image,
    Number,
    Parameters,
    RandomSeed,
    Text,
    Whole,
    one_of,
    suggested,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# The page shows the first ten and "+3 more"; 896, 960 and 1024 are inferred from the model's public twin.
SIZES = suggested(256, 320, 384, 448, 512, 576, 640, 704, 768, 832, 896, 960, 1024)
# Not from the page: a size beyond this is a slip of the keyboard, and would be priced as a fortune.
MOST = 4096


class IcLight(Parameters):
    """Body of an ic-light call."""

    prompt: Annotated[Text, Field(description="What the scene and its light look like")]
    subject_image: Annotated[Image, Field(description="The subject to relight")]
    appended_prompt: Annotated[FreeText, Field(description="Text added to the prompt")] = "best quality"
    cfg: Annotated[Number, Field(ge=1, le=32, description="Guidance scale; higher follows the prompt")] = 2
    height: Annotated[
        Whole, SIZES, Field(ge=1, le=MOST, description="Height in pixels before the high-resolution pass")
    ] = 640
    highres_denoise: Annotated[Number, Field(ge=0.1, le=1, description="Denoising of the high-resolution pass")] = 0.5
    highres_scale: Annotated[Number, Field(ge=1, le=3, description="Output size as a multiple of width x height")] = 1.5
    light_source: Annotated[
        str,
        one_of("None", "Left Light", "Right Light", "Top Light", "Bottom Light"),
        Field(description="Where the light comes from"),
    ] = "None"
    lowres_denoise: Annotated[Number, Field(ge=0.1, le=1, description="Denoising of the first pass")] = 0.9
    negative_prompt: Annotated[FreeText, Field(description="What to avoid")] = (
        "lowres, bad anatomy, bad hands, cropped, worst quality"
    )
    number_of_images: Annotated[Whole, Field(ge=1, le=12, description="Images per call")] = 1
    output_format: Annotated[str, one_of("webp", "jpg", "png"), Field(description="File format")] = "webp"
    output_quality: Annotated[Whole, Field(ge=0, le=100, description="Quality of lossy formats; 100 is best")] = 80
    # The page fills its form with 42, but says: "omit this parameter for a randomized seed".
    seed: Annotated[Whole, RandomSeed(), Field(default=None, description="Seed; leave out for a random one")]
    steps: Annotated[Whole, Field(ge=1, le=100, description="Diffusion steps")] = 25
    width: Annotated[
        Whole, SIZES, Field(ge=1, le=MOST, description="Width in pixels before the high-resolution pass")
    ] = 512


def price(params: Mapping[str, Any]) -> Price:
    """Fits a price per GPU second: it grows with steps, images, pixels and the square of the scale (inferred)."""
    pixels = params["width"] * params["height"] * params["highres_scale"] ** 2
    work = params["steps"] / 25 * params["number_of_images"] * pixels / (512 * 640 * 1.5**2)
    return averaged(0.037, work)


ENDPOINT = Endpoint(
    slug="ic-light",
    title="IC-Light relighting",
    summary="Relight a subject by prompt and light side, with new surroundings.",
    parameters=IcLight,
    price=price,
    priced_by=("steps", "width", "height", "highres_scale", "number_of_images"),
    price_note="~$0.037 per call (page badge); average $0.0363 (model directory, 2026-08-19)",
    latency_s=31.0,
    latency_note="30.5 - 31.2 s average in three crawls of the page",
    page="https://www.segmind.com/models/ic-light/api",
    seen="2026-08-19",
    digital_source=COMPOSITE,
    images_by="number_of_images",
)
