"""seg-swap: put an object or a pattern into the masked region of a room or scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pipeline.endpoints.endpoint import COMPOSITE, Endpoint, Price, averaged
from pipeline.endpoints.parameters import Flag, FreeText, Image, Number, Parameters, Whole, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class SegSwap(Parameters):
    """Body of a seg-swap call."""

    main_image: Annotated[Image, Field(description="The scene")]
    mask_image: Annotated[Image, Field(description="Mask of the scene: white where the object goes")]
    object_image: Annotated[Image, Field(description="The object or pattern to put in")]
    base64: Annotated[Flag, Field(description="Answer with base64 in JSON instead of bytes")] = False
    fashion_strength: Annotated[Number, Field(ge=0, le=1, description="Fashion strength")] = 1
    growmask: Annotated[Whole, Field(ge=0, le=20, description="Grow the mask by this much")] = 5
    horizontal_repeat: Annotated[Whole, Field(ge=1, le=10, description="Horizontal tiles of the object")] = 1
    image_format: Annotated[str, one_of("jpeg", "png", "webp"), Field(description="File format")] = "png"
    image_quality: Annotated[Whole, Field(ge=10, le=100, description="Quality of lossy formats")] = 95
    # The page fills its form with "photo of a wooden table ...": a sample, not what the model assumes.
    prompt: Annotated[FreeText, Field(default=None, description="The scene or subject in words")]
    # The page's default is 42, not "random": leaving the seed out is a choice, so none is drawn for a call.
    seed: Annotated[Whole, Field(description="Seed for reproducible results")] = 42
    steps: Annotated[Whole, Field(ge=10, le=100, description="Diffusion steps")] = 30
    subject_strength: Annotated[Number, Field(ge=0, le=1, description="Subject strength")] = 1
    vertical_repeat: Annotated[Whole, Field(ge=1, le=10, description="Vertical tiles of the object")] = 1


def price(params: Mapping[str, Any]) -> Price:
    """The meter is unknown: assume that more steps cost more and fewer do not cost less."""
    return averaged(0.2872, max(1.0, params["steps"] / 30))


ENDPOINT = Endpoint(
    slug="seg-swap",
    title="Segmind SegSwap v0.1",
    summary="Swap or add an object, or lay a pattern, inside a mask.",
    parameters=SegSwap,
    price=price,
    priced_by=("steps",),
    price_note="~$0.286 per call (page badge); average $0.2872 (model directory, 2026-08-19)",
    latency_s=26.4,
    latency_note="26.3 - 26.4 s average in three crawls of the page",
    page="https://www.segmind.com/models/seg-swap/api",
    seen="2026-08-19",
    digital_source=COMPOSITE,
)
