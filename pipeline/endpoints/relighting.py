"""segmind-relighting-v2: relight a product photo from a chosen direction, type, temperature and intensity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pipeline.endpoints.endpoint import COMPOSITE, Endpoint, Price, fixed_range
from pipeline.endpoints.parameters import FreeText, Image, Likely, Parameters, Whole, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Relighting(Parameters):
    """Body of a relighting call.  The page gives no range of output_compression."""

    image: Annotated[Image, Field(description="Image to relight: a URL, or a local file that is uploaded first")]
    light_direction: Annotated[
        str, one_of("back", "left", "right", "top"), Field(description="Where the light comes from")
    ]
    light_intensity: Annotated[
        str, one_of("strong", "mood", "bright", "medium"), Field(description="How bright the light is")
    ]
    light_temperature: Annotated[
        str, one_of("warm", "cool", "neutral", "sunset"), Field(description="Colour of the light")
    ]
    light_type: Annotated[
        str, one_of("softbox", "sunlight", "spotlight", "ambient"), Field(description="Kind of light source")
    ]
    background: Annotated[
        str, one_of("transparent", "opaque"), Field(description="Keep the background or cut it out")
    ] = "opaque"
    output_compression: Annotated[
        Whole, Likely(0, 100), Field(description="Compression level; lower is smaller and risks quality")
    ] = 100
    output_format: Annotated[str, one_of("png", "jpeg", "webp"), Field(description="File format")] = "png"
    quality: Annotated[str, one_of("low", "medium", "high"), Field(description="Visual quality")] = "high"
    size: Annotated[
        str,
        one_of("1024x1024", "1536x1024", "1024x1536", "auto"),
        Field(description="Width x height in pixels; auto lets the model decide"),
    ] = "auto"
    use_case_config: Annotated[FreeText, Field(default=None, description="Undocumented; passed on as it is")]


def price(params: Mapping[str, Any]) -> Price:
    """The page publishes a range; how quality and size move within it is not known."""
    del params
    return fixed_range(0.033, 0.2582, 0.333)


ENDPOINT = Endpoint(
    slug="segmind-relighting-v2",
    title="Segmind Relighting V2",
    summary="Relight a photo: direction, type, temperature and intensity of the light.",
    parameters=Relighting,
    price=price,
    priced_by=("quality", "size"),
    price_note="$0.033 - $0.333 per generation (page badge); average $0.2582 (model directory, 2026-08-19)",
    latency_s=70.0,
    latency_note="68.7 - 77.4 s average in three crawls of the page",
    page="https://www.segmind.com/models/segmind-relighting-v2/api",
    seen="2026-08-19",
    digital_source=COMPOSITE,
)
