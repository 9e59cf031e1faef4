"""A sandbox with a folder remembers everything it has said when it is started again, or killed and started again."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from pipeline.errors import FolderBusy, FolderError
from pipeline.money import nano
from pipeline.sandbox import SANDBOX_KEY, Sandbox, SandboxOptions, serve
from tests.sandbox.bodies import LIGHT, REPLACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sandbox.conftest import Start


async def test_bills_jobs_outputs_and_assets_survive_a_restart(start: Start, tmp_path: Path) -> None:
    client = await start(state_dir=tmp_path, credits=5)
    made = (await client.run("bg-replace", {**REPLACE, "samples": 2})).json
    [asset] = (await client.post("/upload-asset", {"data_urls": ["data:image/png;base64,iVBORw0KGgo="]})).json[
        "file_urls"
    ]
    output = (await client.get(made["output"][0])).body
    await client.sandbox.stop()

    again = await start(state_dir=tmp_path, credits=5)
    path = made["output"][0].removeprefix(client.base)
    assert (await again.get(path)).body == output
    assert (await again.get(asset.removeprefix(client.base))).status == 200
    assert (await again.get(f"/v2/requests/{made['request_id']}")).json["status"] == "COMPLETED"
    assert len((await again.get("/inference-request/request-history")).json["data"]) == 2
    assert again.sandbox.bills == client.sandbox.bills
    assert again.sandbox.balance_nano == nano(5 - 0.02)


@pytest.mark.looptime
async def test_a_job_that_was_running_is_finished_by_the_next_process_and_billed_once(
    start: Start, tmp_path: Path, virtual_time: Callable[[], float]
) -> None:
    client = await start(state_dir=tmp_path, latency=60.0, clock=virtual_time)
    sent = (await client.post("/v2/ic-light", LIGHT)).json
    await asyncio.sleep(20)
    await client.sandbox.stop()
    assert client.sandbox.bills == []

    again = await start(state_dir=tmp_path, latency=60.0, clock=virtual_time)
    status = f"/v2/requests/{sent['request_id']}/status"
    assert (await again.get(status)).json["status"] in {"QUEUED", "PROCESSING"}
    assert again.sandbox.backend.account.reserved_nano == nano(0.037)
    await asyncio.sleep(41)
    assert (await again.get(status)).json["status"] == "COMPLETED"
    assert [bill.request_id for bill in again.sandbox.bills] == [sent["request_id"]]
    await again.sandbox.stop()

    third = await start(state_dir=tmp_path, clock=virtual_time)
    assert len(third.sandbox.bills) == 1


async def test_an_expired_record_stays_expired_after_a_restart(start: Start, tmp_path: Path) -> None:
    rule = {"match": {"kind": "result"}, "fault": "expired-record", "times": 1}
    client = await start(state_dir=tmp_path, faults=(rule,))
    sent = (await client.post("/v2/ic-light", LIGHT)).json
    await client.settled(sent)
    await client.sandbox.stop()

    again = await start(state_dir=tmp_path)
    assert (await again.get(f"/v2/requests/{sent['request_id']}")).status == 404


SERVER = """
import asyncio, sys
from pathlib import Path
from pipeline.sandbox import SandboxOptions, serve
options = SandboxOptions(edit="instant", latency=float(sys.argv[2]))
asyncio.run(serve(options, port=0, state_dir=Path(sys.argv[1]), announce=lambda url: print(url, flush=True)))
"""


class Process:
    """A sandbox in a process of its own."""

    def __init__(self, folder: Path, latency_s: float) -> None:
        command = [sys.executable, "-c", SERVER, str(folder), str(latency_s)]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    async def url(self) -> str:
        assert self.child.stdout is not None
        return (await asyncio.to_thread(self.child.stdout.readline)).strip()

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()
        assert self.child.stdout is not None
        self.child.stdout.close()


async def test_a_sandbox_that_is_killed_in_the_middle_keeps_its_word(tmp_path: Path) -> None:
    first = Process(tmp_path, 30.0)
    try:
        base = await first.url()
        async with aiohttp.ClientSession(headers={"x-api-key": SANDBOX_KEY}) as session:
            accepted = [
                (await (await session.post(f"{base}/v2/ic-light", json=LIGHT)).json())["request_id"] for _ in range(5)
            ]
    finally:
        first.kill()

    # The clock of the next one says that their time has come.
    later = Sandbox(SandboxOptions(edit="instant"), state_dir=tmp_path, clock=lambda: 4_000_000_000.0)
    async with later:
        jobs = later.backend.jobs
        assert all([await jobs.finished(jobs.by_id[request_id]) for request_id in accepted])
        assert {bill.request_id for bill in later.bills} == set(accepted)
        assert later.billed_nano == 5 * nano(0.037)


async def test_two_sandboxes_do_not_share_a_folder(start: Start, tmp_path: Path) -> None:
    await start(state_dir=tmp_path)

    command = [sys.executable, "-c", SERVER, str(tmp_path), "0"]
    second = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)

    assert second.returncode != 0
    assert FolderBusy.__name__ in second.stderr


async def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sandbox.db").write_bytes(os.urandom(5000))

    with pytest.raises(FolderError, match=r"sandbox\.db"):
        await Sandbox(state_dir=tmp_path).start()


async def test_serve_announces_itself_and_runs_until_it_is_cancelled() -> None:
    urls: list[str] = []
    announced = asyncio.Event()

    def announce(url: str) -> None:
        urls.append(url)
        announced.set()

    serving = asyncio.create_task(serve(SandboxOptions(), port=0, announce=announce))
    await announced.wait()
    async with aiohttp.ClientSession() as session, session.get(urls[0]) as answer:
        assert "sandbox" in await answer.text()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


def test_importing_the_package_is_cheap() -> None:
    code = "import sys, pipeline.sandbox; print(sorted({'aiohttp', 'PIL', 'numpy', 'sqlite3'} & set(sys.modules)))"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


def test_the_database_is_open_to_any_sql_tool(tmp_path: Path) -> None:
    async def once() -> None:
        async with Sandbox(SandboxOptions(edit="instant"), state_dir=tmp_path):
            pass

    asyncio.run(once())

    with sqlite3.connect(tmp_path / "sandbox.db") as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    assert tables == {"jobs", "bills"}
