"""Which proxy a host is reached through, as the environment says.

aiohttp's own ``trust_env`` asks the environment in a thread for every request, sends ``~/.netrc`` passwords, and would
send loopback traffic to the proxy; this asks once per host, and never for loopback.
"""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from pipeline.errors import CallError, ErrorClass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Proxy:
    """One HTTP proxy: its address without credentials, and the headers that carry them."""

    url: str
    headers: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return f"<Proxy {self.url}>"


class Proxies:
    """Proxies by scheme, like ``{"https": "http://proxy:3128"}``; ``Proxies({})`` uses none."""

    def __init__(self, by_scheme: Mapping[str, str] | None = None) -> None:
        self._by_scheme = getproxies() if by_scheme is None else by_scheme
        self._known: dict[tuple[str, str], Proxy | None] = {}

    def of(self, url: str) -> Proxy | None:
        """Give the proxy for *url*; None when it is reached directly.  Raises CallError for one of another kind."""
        if not self._by_scheme:
            return None
        parts = urlsplit(url)
        place = (parts.scheme, parts.netloc)
        if place not in self._known:
            self._known[place] = self._find(parts)
        return self._known[place]

    def _find(self, parts: SplitResult) -> Proxy | None:
        host = parts.hostname or ""
        address = self._by_scheme.get(parts.scheme)
        if not address or is_loopback(host) or proxy_bypass(host):
            return None
        return _proxy(address)


def is_loopback(host: str) -> bool:
    """Tell whether *host* is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy(address: str) -> Proxy:
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in {"http", "https"}:
        raise CallError(
            f"the proxy that the environment names is a {parts.scheme} proxy: only http and https ones can be used",
            ErrorClass.CONNECTION,
            sent=False,
            answered=False,
        )
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return Proxy(bare)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(bare, {"Proxy-Authorization": "Basic " + base64.b64encode(login.encode()).decode()})
