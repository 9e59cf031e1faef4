"""Every status of the contract, in the provider's words and envelope, and none of them billed."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

from pipeline.errors import InputError
from pipeline.sandbox import SANDBOX_KEY, SandboxOptions
from tests.sandbox.bodies import LIGHT, REPLACE

if TYPE_CHECKING:
    from tests.sandbox.conftest import Start

MODES = ("/v1", "/v2")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**LIGHT, "stepz": 20}, "Unknown parameter: stepz"),
        ({"prompt": "x"}, "Missing required field: subject_image"),
        ({**LIGHT, "cfg": 33}, "cfg"),
        ({**LIGHT, "light_source": "Moon"}, "light_source"),
        ({**LIGHT, "steps": "25"}, "steps"),
        ({**LIGHT, "prompt": 7}, "prompt"),
        ([LIGHT], "JSON object"),
    ],
)
async def test_a_wrong_body_is_refused_by_name(start: Start, mode: str, body: Any, words: str) -> None:
    client = await start()

    refused = await client.post(f"{mode}/ic-light", body)

    assert refused.status == 400
    assert words in refused.json["error"]
    assert client.sandbox.backend.jobs.by_id == {}


async def test_the_status_of_each_sort_of_wrong_body_can_be_chosen(start: Start) -> None:
    client = await start(unknown_status=422, missing_status=406, value_status=500)

    assert (await client.post("/v1/ic-light", {**LIGHT, "stepz": 20})).status == 422
    assert (await client.post("/v1/ic-light", {"prompt": "x"})).status == 406
    assert (await client.post("/v1/ic-light", {**LIGHT, "cfg": 33})).status == 500


async def test_the_queue_may_accept_everything_and_fail_later(start: Start) -> None:
    client = await start(late_validation=True)

    failed = await client.run("ic-light", {**LIGHT, "cfg": 33})

    assert failed.status == 422
    assert failed.json["status"] == "FAILED"
    assert "cfg" in failed.json["error"]
    assert client.sandbox.bills == []


async def test_broken_json_is_a_bad_request(start: Start) -> None:
    client = await start()

    refused = await client.get("/v1/ic-light")
    broken = await client._reply(
        "POST", "/v1/ic-light", data=b'{"prompt": ', headers={"Content-Type": "application/json"}
    )

    assert refused.status == 405
    assert refused.headers["content-type"].startswith("text/html")
    assert broken.status == 400


async def test_a_missing_content_type_is_406_in_words_of_its_own(start: Start) -> None:
    client = await start()

    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/octet-stream"}):
        refused = await client._reply("POST", "/v1/ic-light", data=b"{}", headers=headers)
        assert (refused.status, refused.json) == (406, {"error": "Invalid content type"})


async def test_a_form_with_a_file_is_a_call_too(start: Start) -> None:
    client = await start(edit="simple")
    photo = io.BytesIO()
    Image.new("RGB", (24, 16), "red").save(photo, "PNG")
    form = aiohttp.FormData()
    form.add_field("prompt", "a cat")
    form.add_field("steps", "20")
    form.add_field("subject_image", photo.getvalue(), filename="cat.png", content_type="image/png")

    made = await client._reply("POST", "/v1/ic-light", data=form)

    assert made.status == 200
    assert made.headers["content-type"] == "image/webp"


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "Missing Authorization or x-api-key in header"),
        ({"x-api-key": ""}, "Missing Authorization or x-api-key in header"),
        ({"x-api-key": "SG_bad0123456789ab"}, "Unauthorized"),
        ({"x-api-key": "sk-live"}, "Unauthorized"),
        ({"Authorization": f"Bearer {SANDBOX_KEY}"}, "Unauthorized"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/get-user-credits", "/inference-request/request-history", "/v2/requests/x"])
async def test_a_call_without_a_good_key_is_401(start: Start, headers: dict[str, str], words: str, path: str) -> None:
    client = await start()

    async with aiohttp.ClientSession(headers=headers) as session, session.get(client.base + path) as answer:
        assert answer.status == 401
        assert words in (await answer.json())["error"]


async def test_unknown_forbidden_and_retired_models_have_their_own_status(start: Start) -> None:
    client = await start(forbidden=("seg-swap",), retired=("bg-replace",))

    assert (await client.post("/v2/no-such-model", LIGHT)).status == 404
    assert (await client.post("/v2/seg-swap", {})).status == 403
    assert (await client.post("/v2/bg-replace", REPLACE)).status == 410
    catalogue = {
        one["slug"]: one["is_depreciated"] for one in (await client.get("/inference-model-information/list")).json
    }
    assert catalogue["bg-replace"]
    assert not catalogue["ic-light"]


async def test_unknown_requests_and_paths_are_404_as_json(start: Start) -> None:
    client = await start()

    assert (await client.get("/v2/requests/nope/status")).json == {"error": "Request nope not found"}
    assert (await client.get("/v3/anything")).status == 404
    assert (await client.get("/outputs/../sandbox.db")).status == 404
    assert (await client.get("/inference-request/request-history/nope")).status == 404


async def test_base64_is_answered_as_json_in_the_form_that_was_asked_for(start: Start) -> None:
    client = await start()

    one = await client.post("/v1/bg-replace", {**REPLACE, "base64": True})
    many = await client.post("/v1/bg-replace", {**REPLACE, "base64": True, "samples": 3})

    assert base64.b64decode(one.json["image"]).startswith(b"\xff\xd8\xff")
    assert len(many.json["image"]) == 3


async def test_several_images_of_one_call_come_as_a_list_of_base64_or_of_urls(start: Start) -> None:
    for form, prefix in (("list", "/9j/"), ("urls", "http://")):
        client = await start(v1_many=form)
        several = await client.post("/v1/bg-replace", {**REPLACE, "samples": 2})
        assert [text.startswith(prefix) for text in several.json["image"]] == [True, True]
        assert several.headers["x-cost"] == "0.02"


async def test_the_result_names_its_output_as_text_or_list_as_chosen(start: Start) -> None:
    auto, text, many = await start(), await start(v2_output="string"), await start(v2_output="list", v2_images=False)

    assert isinstance((await auto.run("bg-replace", REPLACE)).json["output"], str)
    assert isinstance((await text.run("bg-replace", {**REPLACE, "samples": 2})).json["output"], str)
    listed = (await many.run("bg-replace", REPLACE)).json
    assert isinstance(listed["output"], list)
    assert "images" not in listed


async def test_urls_are_absolute_on_the_name_that_the_client_used(start: Start) -> None:
    client = await start()
    port = client.base.rpartition(":")[2]

    sent = (await client.post(f"http://localhost:{port}/v2/ic-light", LIGHT)).json

    assert sent["status"] == "QUEUED"
    for name in ("poll_url", "status_url", "response_url"):
        assert sent[name].startswith(f"http://localhost:{port}/v")
    assert (await client.settled(sent)).json["output"].startswith("http://localhost:")
    assert (await client.get(sent["poll_url"])).json["status"] == "COMPLETED"


async def test_outputs_and_assets_need_no_key_and_the_log_shows_whether_one_came(start: Start) -> None:
    client = await start()
    url = (await client.run("ic-light", LIGHT)).json["output"]

    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        assert answer.content_type == "image/webp"

    logged = (await client.get("/sandbox/requests")).json["requests"]
    assert [(one["kind"], one["key_sent"]) for one in logged][-1] == ("output", False)


async def test_an_upload_is_answered_in_the_chosen_shape(start: Start) -> None:
    body = {"data_urls": ["data:image/png;base64,iVBORw0KGgo=", "data:image/jpeg;base64,/9j/AAAA"]}
    for shape, pick in (("file_urls", "file_urls"), ("urls", "urls"), ("list", None)):
        client = await start(upload_answer=shape)
        told = (await client.post("/upload-asset", body)).json
        urls = told if pick is None else told[pick]
        assert [url.rpartition(".")[2] for url in urls] == ["png", "jpg"]
        assert (await client.get(urls[0])).body == base64.b64decode("iVBORw0KGgo=")


async def test_an_upload_may_be_a_form_and_a_bad_one_is_refused(start: Start) -> None:
    client = await start()
    form = aiohttp.FormData()
    form.add_field("file", b"\x89PNG\r\n\x1a\n", filename="a.png")

    kept = await client._reply("POST", "/upload-asset", data=form)
    assert (await client.get(kept.json["file_urls"][0])).status == 200

    for wrong in ({}, {"data_urls": []}, {"data_urls": ["file:///etc/passwd"]}, {"data_urls": ["data:,x"]}):
        assert (await client.post("/upload-asset", wrong)).status == 400


def test_an_option_that_makes_no_sense_is_refused_in_words() -> None:
    for wrong in ({"latency": "quick"}, {"rpm": -1}, {"edit": "instnat"}, {"prices": "free"}, {"prices": {"x": -1}}):
        with pytest.raises(InputError, match="sandbox option"):
            SandboxOptions(**wrong)
