"""Looking at remote images through real sockets: what is there, what is not, what changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from pipeline.images.addresses import why_private
from pipeline.images.decode import Limits
from pipeline.images.guard import Guard
from pipeline.images.remote import HEAD_BYTES, HostPace, check_remote
from pipeline.images.remote_facts import RemoteFacts, Validators
from tests.images.pictures import encoded, picture, png_that_claims

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable
    from ipaddress import IPv4Address, IPv6Address

SMALL = encoded()
LARGE = encoded(picture(size=(400, 300)), compress_level=0)
LOGIN = b"<!doctype html><title>Sign in</title>"


class Names(AbstractResolver):
    """A resolver that knows a few names, and remembers what it was asked."""

    def __init__(self, **addresses: str) -> None:
        self._addresses = addresses
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily | int = 0) -> list[ResolveResult]:
        del family
        self.asked.append(host)
        if host not in self._addresses:
            raise OSError(None, f"no address for {host}")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=2, proto=0, flags=0)
            for address in self._addresses[host].split()
        ]

    async def close(self) -> None:
        pass


class Shop:
    """A server with every kind of image URL that catalogues hold."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.flaky = 1
        app = web.Application(middlewares=[self._remember])
        app.router.add_get("/{name}", self._answer)
        self.server = TestServer(app)

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.port}/{name}"

    @web.middleware
    async def _remember(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.seen.append(request)
        response: web.StreamResponse = await handler(request)
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911  # a table of answers
        name = request.match_info["name"]
        if name in ("small", "large"):
            return self._ranged(request, SMALL if name == "small" else LARGE)
        if name == "tagged":
            if request.headers.get("If-None-Match") == '"v1"':
                return web.Response(status=304)
            return web.Response(body=SMALL, headers={"ETag": '"v1"'})
        if name.startswith("to-"):
            raise web.HTTPFound(f"/{name[3:]}")
        if name == "away":
            raise web.HTTPFound(request.query["to"])
        if name == "flaky":
            self.flaky -= 1
            return web.Response(status=503 if self.flaky >= 0 else 200, body=SMALL)
        if name == "dislikes":
            return web.Response(status=416) if "Range" in request.headers else web.Response(body=SMALL)
        if name == "none":
            return web.Response(status=416, headers={"Content-Range": "bytes */0"})
        bodies = {"login": LOGIN, "empty": b"", "cut": SMALL[:-30], "bomb": png_that_claims(50_000, 50_000)}
        if name in bodies:
            return web.Response(body=bodies[name], content_type="image/png")
        return web.Response(status=int(name), body=SMALL)

    def _ranged(self, request: web.Request, data: bytes) -> web.Response:
        end = int(request.headers["Range"].rpartition("-")[2]) + 1
        headers = {"Content-Range": f"bytes 0-{min(end, len(data)) - 1}/{len(data)}"}
        return web.Response(status=206, body=data[:end], headers=headers)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    await shop.server.start_server()
    yield shop
    await shop.server.close()


def only_two_is_private(address: IPv4Address | IPv6Address) -> str:
    return "it points into a private network" if str(address) == "127.0.0.2" else ""


async def look(url: str, **options: Any) -> RemoteFacts:
    [facts] = [each async for each in check_remote([url], **{"allow_private": True, "per_host_per_s": 1000, **options})]
    return facts


async def test_an_image_is_measured_from_its_first_bytes(shop: Shop) -> None:
    facts = await look(shop.url("large"))

    assert (facts.problem, facts.kind, facts.width, facts.height) == ("", "PNG", 400, 300)
    assert facts.validators.size_bytes == len(LARGE) > HEAD_BYTES
    assert shop.seen[0].headers["Range"] == f"bytes=0-{HEAD_BYTES - 1}"
    assert not {"Cookie", "Authorization", "x-api-key"} & set(shop.seen[0].headers)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("login", 'an HTML page ("Sign in")'),
        ("to-login", 'an HTML page ("Sign in"), behind a redirect to http://127.0.0.1'),
        ("empty", "empty (0 bytes)"),
        ("none", "empty (0 bytes)"),
        ("cut", "cut off"),
        ("bomb", "2500 megapixels"),
        ("404", "the server answers 404 Not Found"),
        ("403", "403 Forbidden: it needs a login"),
        ("410", "410 Gone"),
    ],
)
async def test_what_is_no_image_is_found_before_it_costs(shop: Shop, name: str, words: str) -> None:
    facts = await look(shop.url(name))

    assert words in facts.problem
    assert not facts.passing
    assert len({request.path for request in shop.seen}) == len(shop.seen)


async def test_an_image_that_is_too_large_is_found_by_its_length(shop: Shop) -> None:
    assert "more than the limit" in (await look(shop.url("large"), limits=Limits(max_bytes=100_000))).problem


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_in_trouble_is_asked_twice_and_says_nothing_about_the_image(shop: Shop, status: int) -> None:
    facts = await look(shop.url(str(status)))

    assert facts.passing
    assert str(status) in facts.problem
    assert len(shop.seen) == 2


async def test_trouble_that_passes_is_forgotten(shop: Shop) -> None:
    assert (await look(shop.url("flaky"))).problem == ""


async def test_a_server_that_dislikes_ranges_is_asked_without(shop: Shop) -> None:
    assert (await look(shop.url("dislikes"))).problem == ""


async def test_redirects_are_followed_to_the_image_and_not_for_ever(shop: Shop) -> None:
    found = await look(shop.url("to-to-small"))
    lost = await look(shop.url("to-" * 7 + "small"))

    assert (found.problem, found.final_url) == ("", shop.url("small"))
    assert "redirects more than 5 times" in lost.problem


@pytest.mark.parametrize("to", ["ftp://shop.example/a.jpg", "file:///etc/passwd"])
async def test_a_redirect_out_of_the_web_is_not_followed(shop: Shop, to: str) -> None:
    assert "no web address" in (await look(shop.url(f"away?to={to}"))).problem


async def test_an_image_is_known_again_by_its_etag(shop: Shop) -> None:
    first = await look(shop.url("tagged"))
    again = await look(shop.url("tagged"), known=lambda _: first.validators)
    other = await look(shop.url("tagged"), known=lambda _: Validators(etag='"v0"'))

    assert (first.unchanged, again.unchanged, other.unchanged) == (False, True, False)
    assert again.validators == first.validators


async def test_an_image_without_validators_is_known_again_by_its_bytes(shop: Shop) -> None:
    first = await look(shop.url("small"))

    assert (await look(shop.url("small"), known=lambda _: first.validators)).unchanged
    assert not (await look(shop.url("large"), known=lambda _: first.validators)).unchanged


@pytest.mark.parametrize("renewed", [{"etag": '"2"'}, {"last_modified": "Tue, 02 Nov 2027 10:00:00 GMT"}])
async def test_the_same_bytes_under_renewed_validators_are_the_same_image(shop: Shop, renewed: dict[str, str]) -> None:
    first = await look(shop.url("large"))
    earlier = replace(first.validators, **renewed)

    again = await look(shop.url("large"), known=lambda _: earlier)

    assert again.unchanged
    assert again.validators == first.validators


@pytest.mark.parametrize(
    ("later", "same"),
    [
        (Validators('"2"', "", 100_000, "aa"), True),
        (Validators('"1"', "", 100_001, "aa"), False),
        (Validators('"1"', "", 100_000, "bb"), False),
        (Validators('"1"', "", None, "bb"), True),
        (Validators('"2"', "", None, "aa"), False),
    ],
)
def test_size_and_first_bytes_decide_and_where_one_is_unknown_the_etag(later: Validators, *, same: bool) -> None:
    assert Validators('"1"', "", 100_000, "aa").same_image(later) is same


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"])
async def test_a_private_address_is_not_fetched_from_unless_allowed(shop: Shop, host: str) -> None:
    facts = await look(shop.url("small", host), allow_private=False)

    assert "--allow-private" in facts.problem
    assert shop.seen == []


async def test_a_name_that_leads_into_a_private_network_is_refused(shop: Shop) -> None:
    for address in ("127.0.0.1", "10.0.0.7 192.168.1.1"):
        guard = Guard(Names(**{"shop.example": address}), why_private)
        assert "--allow-private" in (await look(shop.url("small", "shop.example"), guard=guard)).problem

    assert shop.seen == []


async def test_only_the_public_addresses_of_a_name_are_connected_to(shop: Shop) -> None:
    names = Names(**{"shop.example": "127.0.0.2 127.0.0.1"})

    facts = await look(shop.url("small", "shop.example"), guard=Guard(names, only_two_is_private))

    assert facts.problem == ""
    assert names.asked == ["shop.example"]


@pytest.mark.parametrize("host", ["127.0.0.2", "inside.example"])
async def test_a_redirect_into_a_private_network_is_refused_at_its_hop(shop: Shop, host: str) -> None:
    names = Names(**{"shop.example": "127.0.0.1", "inside.example": "127.0.0.2"})
    url = shop.url(f"away?to={shop.url('small', host)}", "shop.example")

    facts = await look(url, guard=Guard(names, only_two_is_private))

    assert "private network" in facts.problem
    assert [request.path for request in shop.seen] == ["/away"]


async def test_a_host_that_does_not_exist_or_answer_is_named(shop: Shop) -> None:
    url = shop.url("small")
    await shop.server.close()

    nowhere = await look("http://nowhere.example/a.jpg", guard=Guard(Names()))
    silent = await look(url)

    assert (nowhere.problem, nowhere.passing) == ("there is no host nowhere.example", False)
    assert silent.passing


@pytest.mark.parametrize("to", ["https://xn--/a.jpg", "https://xn--a.com/a.jpg"])
async def test_a_redirect_to_no_valid_url_is_the_images_fault(shop: Shop, to: str) -> None:
    facts = await look(shop.url(f"away?to={to}"))

    assert (facts.problem, facts.passing) == ("it is no valid URL", False)


@pytest.mark.parametrize("url", ["https://c\u200bdn.shop.com/a.jpg", "https://xn--/a.jpg", "https://xn--a.com/a.jpg"])
async def test_a_host_that_cannot_be_is_the_images_fault(url: str) -> None:
    facts = await look(url)

    assert "its host" in facts.problem
    assert not facts.passing


@pytest.mark.parametrize("url", ["", "photos/mug.jpg", "s3://bucket/a.jpg", "http://[x/a", "http://shop.com:99999/"])
async def test_what_is_no_url_is_not_asked_for(url: str) -> None:
    facts = await look(url)

    assert facts.problem
    assert not facts.passing


async def test_thousands_of_urls_are_looked_at_a_few_at_a_time(shop: Shop) -> None:
    taken = 0

    def urls() -> Any:
        nonlocal taken
        for number in range(300):
            taken = number
            yield shop.url(f"small?{number}")

    ahead = 0
    facts = []
    async for each in check_remote(urls(), allow_private=True, per_host_per_s=100_000, concurrency=8):
        facts.append(each)
        ahead = max(ahead, taken - len(facts))

    assert len({each.url for each in facts}) == 300
    assert not any(each.problem for each in facts)
    assert ahead <= 8


async def test_stopping_half_way_leaves_no_request_behind(shop: Shop) -> None:
    urls = (shop.url(f"small?{number}") for number in range(50))
    looks = check_remote(urls, allow_private=True, concurrency=4, per_host_per_s=100_000)

    async for _ in looks:
        break
    await looks.aclose()  # type: ignore[attr-defined]  # an async generator

    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("check ")] == []


async def test_each_host_is_paced_by_itself() -> None:
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(round(seconds, 3))

    now: Callable[[], float] = lambda: 100.0  # noqa: E731  # a clock that stands
    pace = HostPace(4, now=now, sleep=sleep)
    for host in ("a", "a", "b", "a", "b"):
        await pace.admit(host)

    assert naps == [0.25, 0.5, 0.25]
