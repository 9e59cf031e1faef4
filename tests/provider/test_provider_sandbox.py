"""The client against the whole local provider, over real sockets."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import CallError, ErrorClass
from pipeline.provider import Backoff, Hosts, Proxies, Timeouts, connect
from pipeline.provider.pictures import is_image
from pipeline.sandbox import SANDBOX_KEY, Sandbox, SandboxOptions
from pipeline.task import Accepted, Answer

if TYPE_CHECKING:
    from pipeline.provider.client import Client

LIGHT = {"prompt": "cat, photoshoot, 4k", "subject_image": "https://shop.example/cat.jpeg"}
REPLACE = {"image": "https://shop.example/a.jpg", "ref_image": "https://shop.example/b.jpg", "prompt": "a jungle"}


def sandbox(**options: Any) -> Sandbox:
    return Sandbox(SandboxOptions(**{"edit": "instant", "latency": 0.0, **options}))


def client(api: Any, base_url: str, **settings: Any) -> Client:
    chosen = {"backoff": Backoff(first_s=0.01, most_s=0.05), "proxies": Proxies({}), **settings}
    return connect(api, Hosts.at(base_url), SANDBOX_KEY, **chosen)


async def made(provider: Any, endpoint: str, body: dict[str, Any]) -> Answer:
    taken = await provider.submit(endpoint, body)
    return await provider.wait(endpoint, taken) if isinstance(taken, Accepted) else taken


@pytest.mark.parametrize("api", ["queue", "sync"])
async def test_a_call_is_made_and_billed_once(api: str) -> None:
    async with sandbox() as base_url, client(api, base_url) as provider:
        before = await provider.balance()
        answer = await made(provider, "ic-light", LIGHT)
        (picture,) = answer.pictures

        assert is_image(await provider.fetch(picture))
        assert answer.billed_nano is not None
        assert answer.remaining_nano == before - answer.billed_nano == await provider.balance()
        assert answer.request_id


@pytest.mark.parametrize("api", ["queue", "sync"])
@pytest.mark.parametrize(
    "options",
    [{}, {"v1_many": "urls", "v2_output": "list"}, {"v1_one": "json", "v2_output": "string"}, {"v2_images": False}],
)
async def test_several_images_come_in_every_shape(api: str, options: dict[str, Any]) -> None:
    body = {**REPLACE, "samples": 3}
    async with sandbox(**options) as base_url, client(api, base_url) as provider:
        answer = await made(provider, "bg-replace", body)
        images = [await provider.fetch(picture) for picture in answer.pictures]

    assert all(map(is_image, images))
    assert len(images) == 3


@pytest.mark.parametrize("body", ["repr", "json", "object"])
async def test_the_history_knows_what_was_sent(body: str) -> None:
    async with sandbox(history_body=body) as base_url, client("queue", base_url) as provider:
        since = time.time()
        answer = await made(provider, "bg-replace", {**REPLACE, "seed": 77, "samples": 2})
        (entry,) = await provider.history("bg-replace", since, time.time())

        assert await provider.history("ic-light", since, time.time()) == []
        assert entry == await provider.remembered(answer.request_id or "")
    assert (entry.request_id, entry.endpoint, entry.status) == (answer.request_id, "bg-replace", "COMPLETED")
    assert (entry.body["seed"], entry.billed_nano, len(entry.pictures)) == (77, answer.billed_nano, 2)
    assert entry.created_at == pytest.approx(since, abs=60)


async def test_an_expired_record_is_found_in_the_history() -> None:
    async with sandbox(record_ttl_s=0.0) as base_url, client("queue", base_url) as provider:
        taken = await provider.submit("ic-light", LIGHT)
        assert isinstance(taken, Accepted)
        answer = await provider.wait("ic-light", taken, submitted_s_ago=7200)

        assert answer.billed_nano is not None
        assert is_image(await provider.fetch(answer.pictures[0]))


async def test_an_uploaded_image_can_be_used() -> None:
    for shape in ("file_urls", "urls", "list"):
        async with sandbox(upload_answer=shape) as base_url, client("queue", base_url) as provider:
            image = await provider.fetch((await made(provider, "ic-light", LIGHT)).pictures[0])
            url = await provider.upload(image, "image/png")
            answer = await made(provider, "ic-light", {**LIGHT, "subject_image": url})

            assert answer.pictures


async def test_a_bad_key_and_a_bad_body_are_told_apart() -> None:
    async with sandbox() as base_url:
        async with client("queue", base_url) as provider:
            with pytest.raises(CallError) as bad_body:
                await provider.submit("ic-light", {"prompt": 7})
        async with connect("queue", Hosts.at(base_url), "SG_bad0123456789ab") as provider:
            with pytest.raises(CallError) as bad_key:
                await provider.balance()

    assert bad_body.value.error_class is ErrorClass.BAD_REQUEST
    assert bad_key.value.error_class is ErrorClass.BAD_KEY


async def test_a_job_that_fails_late_is_not_billed() -> None:
    async with sandbox(late_validation=True) as base_url, client("queue", base_url) as provider:
        before = await provider.balance()
        with pytest.raises(CallError) as caught:
            await made(provider, "ic-light", {"prompt": 7})

        assert caught.value.error_class is ErrorClass.INFERENCE_FAILED
        assert await provider.balance() == before


@pytest.mark.parametrize("reset_format", ["iso", "datetime", "epoch"])
async def test_a_rate_limit_says_when_it_resets(reset_format: str) -> None:
    async with sandbox(rpm=1, reset_format=reset_format) as base_url, client("queue", base_url) as provider:
        await provider.submit("ic-light", LIGHT)
        with pytest.raises(CallError) as caught:
            await provider.submit("ic-light", LIGHT)

    assert caught.value.error_class is ErrorClass.RATE_LIMITED
    assert caught.value.reset_at is not None
    assert -1 <= caught.value.reset_at - time.time() <= 61


async def test_many_tasks_need_few_polls() -> None:
    class Counting:
        polls = 0

        def polled(self) -> None:
            """Not of interest here."""

        async def before_poll(self) -> None:
            self.polls += 1

        def limited(self, error: CallError) -> None:
            raise AssertionError(error)

    pacing = Counting()
    settings = {"pacing": pacing, "latency_of": lambda _endpoint: 70.0, "timeouts": Timeouts(task_s=30)}
    async with sandbox(latency="fast") as base_url, client("queue", base_url, **settings) as provider:
        answers = await asyncio.gather(*(made(provider, "ic-light", {**LIGHT, "steps": 10 + n}) for n in range(30)))

    assert len({answer.request_id for answer in answers}) == 30
    assert pacing.polls <= 4 * 30
