"""The provider's own Python SDK works against the sandbox, in both modes and for everything around them."""

from __future__ import annotations

import asyncio
import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from segmind import SegmindClient
from segmind.exceptions import SegmindError
from segmind.files import Files
from segmind.v2 import InferenceFailed

from pipeline.sandbox import SANDBOX_KEY
from tests.sandbox.bodies import LIGHT, REPLACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sandbox.conftest import Start


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SegmindClient]:
    """The SDK pointed at a sandbox: its storage and history hosts can only be moved by these two names."""

    def at(base: str) -> SegmindClient:
        monkeypatch.setattr(Files, "STORAGE_BASE_URL", base)
        url = f"{base}/inference-request/request-history"
        monkeypatch.setattr(import_module("segmind.generations"), "REQUEST_HISTORY_URL", url)
        return SegmindClient(api_key=SANDBOX_KEY, base_url=f"{base}/v1", timeout=20)

    return at


async def in_thread(work: Callable[[], Any], client: SegmindClient) -> Any:
    def closed() -> Any:
        try:
            return work()
        finally:
            client._client.close()

    return await asyncio.to_thread(closed)


async def test_run_sync_returns_the_image(start: Start, sdk: Callable[[str], SegmindClient]) -> None:
    sandbox = await start(edit="simple")
    client = sdk(sandbox.base)

    response = await in_thread(lambda: client.run_sync("bg-replace", **REPLACE), client)

    assert Image.open(io.BytesIO(response.content)).format == "JPEG"
    assert float(response.headers["x-cost"]) == 0.01


async def test_run_submits_polls_and_returns_the_result(start: Start, sdk: Callable[[str], SegmindClient]) -> None:
    sandbox = await start()
    client = sdk(sandbox.base)

    result = await in_thread(lambda: client.run("ic-light", **LIGHT, number_of_images=2, seed=7), client)

    assert result["status"] == "COMPLETED"
    assert [image["url"] for image in result["images"]] == result["output"]
    assert result["seed"] == 7
    assert result["metrics"]["cost"] == 0.074
    assert result["metrics"]["remaining_credits"] == 10_000 - 0.074
    assert (await sandbox.get(result["output"][1])).status == 200


async def test_a_failed_inference_is_told_with_its_reason_and_is_free(
    start: Start, sdk: Callable[[str], SegmindClient]
) -> None:
    rule = {"match": {"kind": "submit"}, "fault": "422-failed", "message": "Prompt is Mandatory"}
    sandbox = await start(faults=(rule,))
    client = sdk(sandbox.base)

    with pytest.raises(InferenceFailed) as failed:
        await in_thread(lambda: client.run("ic-light", **LIGHT), client)

    assert failed.value.detail == "Prompt is Mandatory"
    assert "cost" not in failed.value.status_body["metrics"]
    assert sandbox.sandbox.bills == []


async def test_upload_then_use_then_look_up(start: Start, sdk: Callable[[str], SegmindClient], tmp_path: Path) -> None:
    sandbox = await start(edit="simple", strict_images=True)
    client = sdk(sandbox.base)
    Image.new("RGB", (40, 30), "navy").save(tmp_path / "product.png")

    def session() -> tuple[Any, ...]:
        [url] = client.files.upload(tmp_path / "product.png")["file_urls"]
        made = client.run("bg-replace", image=url, ref_image=url, prompt="a shelf")
        rows = client.generations.history(model_name="bg-", status="COMPLETED")["data"]
        one = client.generations.get(rows[0]["request_id"])
        balance = client._request("GET", "/get-user-credits").json()
        return made, rows, one, balance

    made, rows, one, balance = await in_thread(session, client)

    assert made["images"][0]["width"] == 40
    assert [row["generation_url"] for row in rows] == [made["output"]]
    assert one == rows[0]
    assert one["credits_deduction"] == made["metrics"]["cost"]
    assert balance == {"credits": 10_000 - 0.01, "free-credits": 0.0}


async def test_a_bad_key_is_an_error_with_the_providers_words(
    start: Start, sdk: Callable[[str], SegmindClient]
) -> None:
    sandbox = await start(keys=("SG_" + "00" * 8,))
    client = sdk(sandbox.base)

    with pytest.raises(SegmindError) as refused:
        await in_thread(lambda: client.run_sync("ic-light", **LIGHT), client)

    assert refused.value.status == 401
    assert "invalid or may have expired" in str(refused.value.detail)
