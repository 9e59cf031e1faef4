"""bg-replace: put the product in front of another background, guided by a reference image and a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pipeline.endpoints.endpoint import COMPOSITE, Endpoint, Price, averaged
from pipeline.endpoints.parameters import (
    Flag,
    FreeText,
    Image,
    Number,
    Parameters,
    RandomSeed,
    Text,
    Whole,
    suggested,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# The page shows the first ten of 12; DDPM and UniPC are inferred from the provider's older client.
SCHEDULERS = suggested(
    "DDIM",
    "DPM Multi",
    "DPM Single",
    "Euler a",
    "Euler",
    "Heun",
    "DPM2 a Karras",
    "DPM2 Karras",
    "LMS",
    "PNDM",
    "DDPM",
    "UniPC",
)


class BgReplace(Parameters):
    """Body of a bg-replace call."""

    image: Annotated[Image, Field(description="The product photo")]
    prompt: Annotated[Text, Field(description="What the new picture shows")]
    ref_image: Annotated[Image, Field(description="Reference image for the background")]
    base64: Annotated[Flag, Field(description="Answer with base64 in JSON instead of bytes")] = False
    cn_weight: Annotated[Number, Field(ge=0, le=1, description="ControlNet weight")] = 0.9
    guidance_scale: Annotated[Number, Field(ge=1, le=25, description="How closely the picture follows the prompt")] = (
        7.5
    )
    ip_adapter_weight: Annotated[Number, Field(ge=0, le=1, description="Weight of the reference image")] = 0.5
    negative_prompt: Annotated[FreeText, Field(default=None, description="What to avoid")]
    num_inference_steps: Annotated[Whole, Field(ge=20, le=100, description="Denoising steps")] = 25
    samples: Annotated[Whole, Field(ge=1, le=4, description="Images per call")] = 1
    scheduler: Annotated[str, SCHEDULERS, Field(description="Type of scheduler")] = "DPM2 Karras"
    seed: Annotated[
        Whole, RandomSeed(-1), Field(ge=-1, le=999_999_999_999_999, description="Seed; -1 for a random one")
    ] = -1
    strength: Annotated[Number, Field(ge=0, le=1, description="Strength of the change")] = 1


def price(params: Mapping[str, Any]) -> Price:
    """The older page marks samples and num_inference_steps as "Affects Pricing"."""
    return averaged(0.01, params["samples"] * params["num_inference_steps"] / 25)


ENDPOINT = Endpoint(
    slug="bg-replace",
    title="Background Replace",
    summary="Replace the background by prompt and reference image.",
    parameters=BgReplace,
    price=price,
    priced_by=("samples", "num_inference_steps"),
    price_note="~$0.01 per call (page badge); not in the model directory of 2026-08-19, so it may be retired",
    latency_s=9.0,
    latency_note="8.95 - 9.12 s average in two crawls of the page",
    page="https://www.segmind.com/models/bg-replace/api",
    seen="2026-08-19",
    digital_source=COMPOSITE,
    images_by="samples",
)
