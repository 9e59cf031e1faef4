"""Which provider a run talks to: the real one, a local stand-in, or the embedded sandbox.

A folder belongs to one provider.  Stand-ins on this computer all count as ``sandbox``: their ports change.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.provider import Hosts

REAL = "segmind"
SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Target:
    """A provider: what the folder calls it, where it is, and whether we start it ourselves."""

    name: str
    hosts: Hosts | None
    base_url: str
    embedded: bool = False

    @property
    def local(self) -> bool:
        """Whether it is a stand-in on this computer: then images may be on this computer as well."""
        return self.name == SANDBOX


def choose(base_url: str | None, *, sandbox: bool, remembered: tuple[str, str] | None = None) -> Target:
    """The provider to talk to.  ``remembered``: (name, base URL) of the folder, used when nothing else is said."""
    if sandbox:
        return Target(SANDBOX, None, "", embedded=True)
    if base_url is None and remembered is not None:
        name, base_url = remembered[0], remembered[1] or None
        if name == SANDBOX and base_url is None:
            return Target(SANDBOX, None, "", embedded=True)
    if base_url is None:
        return Target(REAL, Hosts.real(), "")
    hosts = Hosts.at(base_url)
    host = urlsplit(hosts.api).hostname or ""
    return Target(SANDBOX if _is_loopback(host) else host, hosts, base_url)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
