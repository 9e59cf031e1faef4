"""The snippets of the five endpoint pages run against the sandbox, unchanged but for host and key."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from PIL import Image

from pipeline.sandbox import SANDBOX_KEY
from tests.sandbox.bodies import PAGES

if TYPE_CHECKING:
    from tests.sandbox.conftest import Start

TYPES = {
    "segmind-relighting-v2": "PNG",
    "ic-light": "WEBP",
    "seg-swap": "PNG",
    "segmind-scenecraft-v01": "JPEG",
    "bg-replace": "JPEG",
}


def page(url: str, data: dict[str, Any]) -> requests.Response:
    """The call as every page shows it."""
    headers = {"x-api-key": SANDBOX_KEY, "Content-Type": "application/json"}
    return requests.post(url, headers=headers, json=data)


@pytest.mark.parametrize("slug", PAGES)
async def test_the_call_of_a_page_gets_its_image_and_the_accounting_headers(start: Start, slug: str) -> None:
    client = await start(edit="simple")

    response = await asyncio.to_thread(page, f"{client.base}/v1/{slug}", PAGES[slug])

    assert response.status_code == 200
    image = Image.open(io.BytesIO(response.content))
    image.load()
    assert image.format == TYPES[slug]
    assert response.headers["Content-Type"] == f"image/{TYPES[slug].lower()}"
    [bill] = client.sandbox.bills
    assert float(response.headers["x-cost"]) == bill.as_json()["cost_usd"]
    assert response.headers["x-request-id"] == bill.request_id
    assert json.loads(response.headers["x-output-metadata"]) == {"height": image.height, "width": image.width}
    assert ("x-seed-value" in response.headers) == (slug != "segmind-relighting-v2")


@pytest.mark.parametrize("slug", PAGES)
async def test_the_json_that_the_snippet_prints_is_there_when_asked_for(start: Start, slug: str) -> None:
    client = await start(v1_one="json")

    response = await asyncio.to_thread(page, f"{client.base}/v1/{slug}", PAGES[slug])

    assert response.status_code == 200
    assert list(response.json()) == ["image"]


async def test_the_snippet_prints_the_providers_error_text(start: Start) -> None:
    client = await start()

    response = await asyncio.to_thread(page, f"{client.base}/v1/ic-light", {**PAGES["ic-light"], "cfg": 99})

    assert response.status_code == 400
    assert "cfg" in response.json()["error"]
    assert client.sandbox.bills == []
