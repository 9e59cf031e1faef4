"""Input images come from storage, loopback, data URLs and base64; other hosts get a stand-in; edits are real."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from PIL import Image

from pipeline.endpoints import every
from pipeline.sandbox import standin
from tests.sandbox.bodies import LIGHT, PAGES, REPLACE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.sandbox.conftest import Start


def photo(color: str = "teal", size: tuple[int, int] = (60, 40), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, kind)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.fixture
async def shop() -> AsyncIterator[str]:
    """A little image server on loopback."""

    async def good(_: web.Request) -> web.Response:
        return web.Response(body=photo(), content_type="image/png")

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>log in</html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/good.png", good)
    app.router.add_get("/login.png", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_every_way_to_send_an_image_is_understood(start: Start, shop: str) -> None:
    client = await start(edit="simple", strict_images=True)
    uploaded = {"data_urls": [f"data:image/png;base64,{base64.b64encode(photo()).decode()}"]}
    [asset] = (await client.post("/upload-asset", uploaded)).json["file_urls"]
    earlier = (await client.run("bg-replace", {**REPLACE, "image": asset, "ref_image": asset})).json["output"]
    ways = [
        asset,
        earlier,
        f"{shop}/good.png",
        uploaded["data_urls"][0],
        base64.b64encode(photo()).decode(),
        asset.replace(client.base, "http://127.0.0.1:1"),  # kept from an earlier process on another port
    ]
    for way in ways:
        made = await client.post("/v1/bg-replace", {**REPLACE, "image": way, "ref_image": way})
        assert made.status == 200, way
        assert opened(made.body).size == (60, 40)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("{shop}/login.png", "not an image"),
        ("{shop}/missing.png", "404"),
        ("http://127.0.0.1:1/x.png", "cannot be fetched"),
        ("https://shop.example/a.jpg", "cannot be reached"),
        ("data:image/png;base64,aGVsbG8=", "not an image"),
        ("data:image/png,hello", "data URL"),
        ("./photos/a.jpg", "neither a URL nor base64"),
    ],
)
async def test_an_image_that_cannot_be_had_is_a_400_or_a_failed_job_and_free(
    start: Start, shop: str, image: str, words: str
) -> None:
    client = await start(strict_images=True)
    body = {**LIGHT, "subject_image": image.format(shop=shop)}

    refused = await client.post("/v1/ic-light", body)
    failed = await client.run("ic-light", body)

    assert refused.status == 400
    assert "Invalid input image" in refused.json["error"]
    assert words in refused.json["error"]
    assert (failed.status, failed.json["status"]) == (422, "FAILED")
    assert client.sandbox.bills == []


async def test_an_image_that_only_looks_like_one_fails_when_it_is_decoded(start: Start) -> None:
    client = await start(edit="simple")
    torn = base64.b64encode(photo()[:60]).decode()

    refused = await client.post("/v1/ic-light", {**LIGHT, "subject_image": torn})

    assert refused.status == 400
    assert "Invalid input image" in refused.json["error"]


def test_a_stand_in_is_the_same_for_the_same_url_and_another_for_another() -> None:
    first, again = (
        standin.draw("https://a.example/cup.jpg", "image"),
        standin.draw("https://a.example/cup.jpg", "image"),
    )
    other, mask = standin.draw("https://a.example/hat.jpg", "image"), standin.draw("https://a.example/m", "mask_image")

    assert first == again
    assert first != other
    assert opened(mask).mode == "L"
    assert {level for _, level in opened(mask).getcolors() or []} == {0, 255}


def brightness(image: Image.Image, box: tuple[int, int, int, int]) -> float:
    grey = image.convert("L").crop(box)
    levels = grey.histogram()
    return sum(level * count for level, count in enumerate(levels)) / sum(levels)


async def simple(start: Start, slug: str, **changes: Any) -> Image.Image:
    client = await start(edit="simple")
    grey = base64.b64encode(photo("grey", (200, 200))).decode()
    images = dict.fromkeys(every()[slug].images, grey)
    made = await client.post(f"/v1/{slug}", {**PAGES[slug], **images, **changes})
    assert made.status == 200, made.body
    return opened(made.body)


@pytest.mark.parametrize(
    ("side", "bright", "dark"),
    [
        ("left", (0, 0, 40, 200), (160, 0, 200, 200)),
        ("right", (160, 0, 200, 200), (0, 0, 40, 200)),
        ("top", (0, 0, 200, 40), (0, 160, 200, 200)),
    ],
)
async def test_the_simple_light_comes_from_the_side_that_was_asked_for(
    start: Start, side: str, bright: tuple[int, int, int, int], dark: tuple[int, int, int, int]
) -> None:
    lit = await simple(start, "segmind-relighting-v2", light_direction=side)

    assert brightness(lit, bright) > brightness(lit, dark) + 20


async def test_the_simple_output_has_the_size_that_was_asked_for(start: Start) -> None:
    assert (await simple(start, "segmind-relighting-v2", size="1536x1024")).size == (1536, 1024)
    assert (await simple(start, "ic-light", width=256, height=320, highres_scale=2)).size == (512, 640)
    assert (await simple(start, "seg-swap")).size == (200, 200)
    width, height = (await simple(start, "segmind-scenecraft-v01", aspect_ratio="2:3 (Classic Portrait)")).size
    assert width / height == pytest.approx(2 / 3, rel=0.01)
    assert width * height == pytest.approx(1_500_000, rel=0.01)


async def test_instant_pictures_have_the_asked_size_and_format_when_told_to(start: Start) -> None:
    client = await start(instant_size=None)

    made = await client.post("/v1/ic-light", {**LIGHT, "width": 256, "height": 256, "output_format": "png"})

    assert opened(made.body).size == (384, 384)
    assert opened(made.body).format == "PNG"
