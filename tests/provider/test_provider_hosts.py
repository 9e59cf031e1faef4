"""Addresses, proxies and keys."""

from __future__ import annotations

import pytest

from pipeline.errors import AccountError, CallError, ErrorClass, RecipeError
from pipeline.provider import Hosts, Proxies, QueueProvider, SyncProvider, connect
from tests.provider.scripted import KEY


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
        ("http://127.0.0.1:8787/", "http://127.0.0.1:8787"),
        (" https://API.segmind.com ", "https://api.segmind.com"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_one_root_serves_for_everything(given: str, root: str) -> None:
    hosts = Hosts.at(given)

    assert (hosts.api, hosts.upload, hosts.history) == (root, root, root)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "api.segmind.com",
        "ftp://host",
        "https://",
        "https://host/v1",
        "https://host?x=1",
        "https://host#x",
        "https://user:secret@host",
        "https://host:port",
        "https://ho st",
        "https://host\\x",
        "http://[::1",
    ],
)
def test_anything_but_a_host_root_is_refused_in_words(given: str) -> None:
    with pytest.raises(RecipeError, match="base URL") as caught:
        Hosts.at(given)

    assert "http://127.0.0.1:8787" in caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["https://api.segmind.com.evil/x", "https://api.segmind.com@evil/x", "http://api.segmind.com/x", "/x", ""],
)
def test_only_the_api_host_itself_is_the_api_host(url: str) -> None:
    hosts = Hosts.real()

    assert hosts.is_api("https://api.segmind.com/v2/requests/1")
    assert not hosts.is_api(url)


def test_names_from_outside_cannot_leave_their_place_in_the_path() -> None:
    assert Hosts.real().status("../a?b") == "https://api.segmind.com/v2/requests/..%2Fa%3Fb/status"


def test_connect_gives_the_transport_by_name() -> None:
    assert isinstance(connect("queue", Hosts.real(), KEY), QueueProvider)
    assert isinstance(connect("sync", Hosts.real(), KEY), SyncProvider)
    with pytest.raises(RecipeError, match="there is no API"):
        connect("async", Hosts.real(), KEY)  # type: ignore[arg-type]  # what a wrong setting gives


@pytest.mark.parametrize("key", ["", "  ", "SG_1\nX: y", "SG_é", "two words"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(AccountError) as caught:
        connect("queue", Hosts.real(), key)

    assert "SEGMIND_API_KEY" in caught.value.hint
    assert "SG_1" not in str(caught.value)


def test_no_repr_shows_the_key() -> None:
    client = connect("queue", Hosts.real(), f" {KEY} ")

    assert repr(client) == "<QueueProvider https://api.segmind.com>"
    assert KEY not in repr(vars(client))


def test_the_environments_proxy_is_used_but_never_for_loopback() -> None:
    proxies = Proxies({"https": "http://me:s%20ecret@proxy:3128", "http": "proxy:3128"})

    found = proxies.of("https://api.segmind.com/v1/x")

    assert found is not None
    assert found.url == "http://proxy:3128"
    assert found.headers == {"Proxy-Authorization": "Basic bWU6cyBlY3JldA=="}
    assert "ecret" not in repr(found)
    assert proxies.of("http://127.0.0.1:8787/x") is None
    assert proxies.of("http://localhost:8787/x") is None
    assert proxies.of("http://[::1]:8787/x") is None
    assert Proxies({}).of("https://api.segmind.com/x") is None


def test_a_proxy_of_another_kind_is_named_and_nothing_is_sent() -> None:
    with pytest.raises(CallError, match="socks5 proxy") as caught:
        Proxies({"https": "socks5://me:secret@proxy:1080"}).of("https://api.segmind.com/v1/x")

    assert (caught.value.sent, caught.value.error_class) == (False, ErrorClass.CONNECTION)
    assert "secret" not in str(caught.value)
