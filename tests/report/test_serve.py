"""The gallery on loopback: for its person alone, with decisions straight into the ledger and a run to watch."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from pipeline.control import Command, Control, Pulse
from pipeline.errors import FolderError
from pipeline.report.live import AT_ONCE, Live
from pipeline.report.serve import serving
from tests.report.browsing import chromium, until, visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.report.conftest import Shop

TOKEN = "secret-token"


@asynccontextmanager
async def visitor(shop: Shop) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A client, and the address up to the token."""
    async with (
        serving(shop.out, token=TOKEN, clock=lambda: shop.now, poll_s=0.02) as address,
        aiohttp.ClientSession() as client,
    ):
        yield client, address.removesuffix("/report/index.html")


async def test_the_page_and_the_images_are_served_and_nothing_else_of_the_folder(shop: Shop) -> None:
    shop.make("MUG")
    async with visitor(shop) as (client, root):
        status = {}
        for path in (
            "report/index.html",
            "report/page/main.js",
            "report/data/meta.js",
            "images/MUG/studio.jpg",
            "ledger.db",
            "results.csv",
            ".lock",
            "images/../ledger.db",
            "images/%2e%2e/ledger.db",
            "images/..%2fledger.db",
            "report/.data.part/meta.js",
            "images/MUG",
            "%2fetc/passwd",
        ):
            async with client.get(aiohttp.client.URL(f"{root}/{path}", encoded=True)) as answer:
                status[path] = answer.status
        async with client.get(f"{root}/report/page/served.js") as answer:
            assert await answer.text() == "photobatch.served = true;\n"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Referrer-Policy"] == "no-referrer"

    assert [path for path, code in status.items() if code == 200] == [
        "report/index.html",
        "report/page/main.js",
        "report/data/meta.js",
        "images/MUG/studio.jpg",
    ]


@pytest.mark.parametrize("token", ["", "secret", "secret-tokem", "secret-token2", "%E2%82%AC", "null"])
async def test_without_the_token_there_is_nothing(shop: Shop, token: str) -> None:
    async with visitor(shop) as (client, root):
        answer = await client.get(root.replace(TOKEN, token) + "/report/index.html")
        assert answer.status == 404
        assert "photobatch" not in await answer.text()


async def test_another_host_name_is_turned_away(shop: Shop) -> None:
    async with visitor(shop) as (client, root):
        answer = await client.get(f"{root}/report/index.html", headers={"Host": "evil.example"})
        assert answer.status == 404


async def test_another_site_cannot_decide(shop: Shop) -> None:
    shop.make("MUG")
    body = json.dumps({"task": shop.task("MUG").id, "decision": "approve"})
    async with visitor(shop) as (client, root):
        elsewhere = {"Origin": "https://evil.example", "Content-Type": "application/json"}
        async with client.post(f"{root}/api/decide", data=body, headers=elsewhere) as answer:
            assert answer.status == 403
        async with client.post(f"{root}/api/decide", data=body, headers={"Content-Type": "text/plain"}) as answer:
            assert answer.status == 403
    assert shop.task("MUG").decision is None


async def decide(client: aiohttp.ClientSession, root: str, **asked: Any) -> dict[str, Any]:
    async with client.post(f"{root}/api/decide", json=asked) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_decisions_go_straight_into_the_ledger_and_can_be_taken_back(shop: Shop) -> None:
    shop.make("MUG")
    old = shop.task("MUG").id
    async with visitor(shop) as (client, root):
        said = await decide(client, root, task=old, decision="reject", note="too  dark", set={"quality": "low"})

        new = shop.task("MUG")
        assert (new.state, json.loads(new.params)["quality"]) == ("planned", "low")
        assert said["entries"]["columns"]["id"] == [new.id]
        assert said["entries"]["columns"]["redo"] == [1]
        stale = await decide(client, root, task=old, decision="approve")
        assert stale == {"error": "the output was replaced meanwhile: look at the new one"}

        await decide(client, root, task=new.id, decision="")
        assert shop.task("MUG").id == old
        await decide(client, root, task=old, decision="approve", note="fine")
        assert (shop.task("MUG").decision, shop.task("MUG").note) == ("approve", "fine")


async def test_rejecting_the_new_output_with_the_same_words_is_meant_anew(shop: Shop) -> None:
    shop.make("MUG")
    async with visitor(shop) as (client, root):
        await decide(client, root, task=shop.task("MUG").id, decision="reject", note="dark")
        shop.make("MUG", colour="black")
        await decide(client, root, task=shop.task("MUG").id, decision="reject", note="dark")

    assert shop.task("MUG").state == "planned"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"task": 1, "decision": "perhaps"}, "that is no decision"),
        ({"task": "1", "decision": "approve"}, "that is no decision"),
        ({"decision": "approve"}, "that is no decision"),
        ({"task": 1, "decision": "reject", "set": {"quality": 5}}, "changes are text by parameter name"),
        ({"task": 1, "decision": "reject", "set": {"qualty": "low"}}, "did you mean quality?"),
        ({"task": 99, "decision": "approve"}, "the output was replaced meanwhile"),
    ],
)
async def test_a_wrong_decision_is_answered_with_its_reason(shop: Shop, asked: dict[str, Any], reason: str) -> None:
    shop.make("MUG")
    async with visitor(shop) as (client, root):
        said = await decide(client, root, **asked)
    assert reason in said["error"]
    assert shop.task("MUG").state == "done"


async def test_details_come_on_request(shop: Shop) -> None:
    shop.make("MUG")
    async with visitor(shop) as (client, root):
        async with client.get(f"{root}/api/entry/{shop.task('MUG').id}") as answer:
            found = await answer.json()
        for wrong in ("0", "x", "9" * 30, "-1"):
            async with client.get(f"{root}/api/entry/{wrong}") as answer:
                assert answer.status == 404
    assert found["params"]["light_direction"] == "left"
    assert found["row"]["title"] == "Mug"


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.content:
        text = line.decode().strip()
        if text.startswith("event: "):
            name = text[7:]
        elif text.startswith("data: "):
            yield name, json.loads(text[6:])


async def next_event(stream: AsyncIterator[tuple[str, Any]], wanted: str) -> Any:
    async for name, data in stream:
        if name == wanted:
            return data
    raise AssertionError(f"the stream ended without {wanted}")


async def test_a_run_in_another_process_is_seen_as_it_goes(shop: Shop) -> None:
    control = Control(shop.out, clock=lambda: shop.now)
    async with visitor(shop) as (client, root), client.get(f"{root}/api/events") as answer:
        stream = events(answer)
        await next_event(stream, "figures")
        control.beat(Pulse(f"run-{shop.runs}", shop.now, "running", 3, 60.0))
        shop.make("MUG")
        said = await next_event(stream, "entries")
        assert (said["chunk"]["columns"]["key"], said["fresh"]) == (["MUG"], True)
        assert said["chunk"]["columns"]["thumb"][0]
        while True:
            figures = await next_event(stream, "figures")
            if figures["figures"]["tasks"]["done"] and figures["run"]:
                break
        assert (figures["run"]["state"], figures["run"]["per_minute"]) == ("running", 60.0)


def test_more_changes_of_one_moment_than_fit_one_message_are_all_told(shop: Shop) -> None:
    shop.write(*((f"SKU-{number}", "Mug", "mug.jpg") for number in range(AT_ONCE)))
    since = shop.now
    shop.plan()
    live = Live(shop.out, since=since, clock=lambda: shop.now)
    try:
        told = [each.id for each in live.news()]
        while live.more:
            told += [each.id for each in live.news()]
        assert live.news() == []
    finally:
        live.close()

    assert len(told) == len(set(told)) == 2 * AT_ONCE


async def test_buttons_ask_the_run_that_goes_on_and_no_other(shop: Shop) -> None:
    control = Control(shop.out, clock=lambda: shop.now)
    async with visitor(shop) as (client, root):
        async with client.post(f"{root}/api/control", json={"command": "pause"}) as answer:
            assert await answer.json() == {"error": "no run goes on in this folder"}
        control.beat(Pulse("run-1", shop.now, "running"))
        for command in Command:
            async with client.post(f"{root}/api/control", json={"command": command.value}) as answer:
                assert await answer.json() == {"asked": command.value}
            assert control.read("run-1") is command
            assert control.read("run-2") is Command.RUN
        async with client.post(f"{root}/api/control", json={"command": "explode"}) as answer:
            assert answer.status == 400


async def test_a_folder_without_a_ledger_is_refused(tmp_path: Any) -> None:
    with pytest.raises(FolderError, match="no result folder"):
        async with serving(tmp_path):
            pass


@contextmanager
def served(shop: Shop) -> Iterator[str]:
    """The server in a thread of its own, as it is in a process of its own."""
    address: list[str] = []
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def stay() -> None:
        async with serving(shop.out, clock=lambda: shop.now, poll_s=0.05) as found:
            address.append(found)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(stay()))
    thread.start()
    try:
        assert ready.wait(30)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@pytest.mark.browser
def test_a_person_watches_a_run_pauses_it_and_rejects_what_it_made(shop: Shop) -> None:
    control = Control(shop.out, clock=lambda: shop.now)
    with chromium() as browser, served(shop) as address, visit(browser, address) as page:
        control.beat(Pulse("run-1", shop.now, "running", 2, 60.0))
        page.wait_for_selector("#run-pause")
        shop.make("MUG")
        control.beat(Pulse("run-1", shop.now, "running", 2, 60.0))
        page.wait_for_selector("#live .line-2 img")
        until(page, "document.querySelector('[role=option]')?.firstChild.textContent.includes('MUG, studio, done')")

        page.click("#run-pause")
        until(page, "document.querySelector('.run-state').textContent !== ''")
        while control.read("run-1") is not Command.PAUSE:
            page.wait_for_timeout(30)
        control.beat(Pulse("run-1", shop.now, "paused", 0, 60.0))
        page.wait_for_selector("#run-run")

        page.focus("#grid")
        page.keyboard.press("a")
        until(page, "document.querySelector('[role=option]')?.firstChild.textContent.includes('approved')")
        page.keyboard.press("n")
        page.locator("#note:focus").fill("as it should be")
        page.keyboard.press("Tab")
        while shop.task("MUG").note != "as it should be":
            page.wait_for_timeout(30)
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        until(page, "document.querySelector('[role=option]')?.firstChild.textContent.includes('not made yet')")
        assert shop.task("MUG").state == "planned"
        page.keyboard.press("u")
        until(page, "document.querySelector('[role=option]')?.firstChild.textContent === 'MUG, studio, done'")
        assert shop.task("MUG").state == "done"
