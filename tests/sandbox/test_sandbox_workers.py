"""The studio's edits run beside the event loop: in processes that come and go with the sandbox."""

from __future__ import annotations

import asyncio
import base64
import io
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from pipeline.endpoints import get
from pipeline.sandbox.workers import Workers
from tests.sandbox.bodies import LIGHT, PAGES, REPLACE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox.conftest import Start


def png(size: tuple[int, int] = (90, 60)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "olive").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("slug", PAGES)
async def test_the_studio_answers_every_page(start: Start, slug: str) -> None:
    client = await start(edit="studio")

    made = await client.post(f"/v1/{slug}", PAGES[slug])

    assert made.status == 200, made.body
    Image.open(io.BytesIO(made.body)).load()
    assert len(client.sandbox.bills) == 1


async def test_the_sandbox_answers_while_the_studio_works(start: Start) -> None:
    client = await start(edit="studio")
    working = asyncio.create_task(client.post("/v1/bg-replace", {**REPLACE, "samples": 4}))

    meanwhile = 0
    while not working.done():
        assert (await client.get("/v1/get-user-credits")).status == 200
        meanwhile += not working.done()

    assert (await working).status == 200
    assert meanwhile > 3


async def test_several_images_have_seeds_of_their_own(start: Start) -> None:
    client = await start(edit="studio")

    made = (await client.run("ic-light", {**LIGHT, "seed": 5, "number_of_images": 3, "output_format": "png"})).json

    bodies = [(await client.get(url)).body for url in made["output"]]
    assert len(set(bodies)) == 3


async def test_an_image_that_the_studio_cannot_read_is_refused_and_free(start: Start) -> None:
    client = await start(edit="studio")
    torn = base64.b64encode(png()[:70]).decode()

    refused = await client.post("/v1/ic-light", {**LIGHT, "subject_image": torn})

    assert refused.status == 400
    assert refused.json["error"].startswith("Invalid input image: subject_image")
    assert client.sandbox.bills == []


async def test_a_worker_that_dies_costs_its_job_and_no_other(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    client = await start(edit="studio")
    await client.post("/v1/bg-replace", REPLACE)
    workers = client.sandbox.backend._renderer._workers
    workers._idle[0].kill()
    await workers._idle[0].wait()

    lost = await client.post("/v1/bg-replace", REPLACE)
    after = await client.post("/v1/bg-replace", REPLACE)

    assert (lost.status, after.status) == (500, 200)
    assert "has died" in caplog.text
    assert len(client.sandbox.bills) == 2


async def test_no_more_workers_than_allowed_are_started() -> None:
    workers = Workers(most=1)
    params = {**get("bg-replace").defaults(), "prompt": "x"}
    images = {"image": png(), "ref_image": png()}

    made = await asyncio.gather(*(workers.paint("bg-replace", params, images) for _ in range(3)))

    assert len(made) == 3
    assert len(workers._idle) == 1
    await workers.close()


SCRIPT = """
import asyncio, sys
import aiohttp
from pipeline.sandbox import SANDBOX_KEY, Sandbox

async def main():
    async with Sandbox() as base, aiohttp.ClientSession(headers={"x-api-key": SANDBOX_KEY}) as session:
        async with session.post(base + "/v1/bg-replace", json=REPLACE) as answer:
            print(answer.status, flush=True)
        if "--stay" in sys.argv:
            await asyncio.Event().wait()

print("script runs", flush=True)
asyncio.run(main())
"""


def script(tmp_path: Path) -> list[str]:
    path = tmp_path / "rehearse.py"
    path.write_text(f"REPLACE = {REPLACE!r}\n{SCRIPT}", encoding="utf-8")
    return [sys.executable, str(path)]


async def test_a_script_without_a_main_guard_is_run_once(tmp_path: Path) -> None:
    ran = await asyncio.to_thread(
        subprocess.run, script(tmp_path), capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.split("\n") == ["script runs", "200", ""]
    assert ran.stderr == ""


async def test_workers_end_when_the_sandbox_is_killed(tmp_path: Path) -> None:
    def killed() -> str:
        command = [*script(tmp_path), "--stay"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            while "200" not in process.stdout.readline():
                pass
            process.kill()
            # The worker shares this pipe: its end comes only when the worker has gone too.
            return process.stderr.read()

    assert await asyncio.to_thread(killed) == ""
