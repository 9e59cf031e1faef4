"""Tell the addresses of the public internet from those of this computer and of private networks."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

_AZURE_PLATFORM = IPv4Address("168.63.129.16")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddress(OSError):
    """A host stands in a private network, and those are not fetched from."""


def why_private(address: IPv4Address | IPv6Address) -> str:
    """Why *address* is not one of the public internet; empty when it is."""
    address = _inner(address)
    if address.is_loopback or address.is_unspecified:
        return f"it points to this computer ({address})"
    if address.is_link_local or address == _AZURE_PLATFORM:
        return f"it points to a link-local or cloud metadata address ({address})"
    if not address.is_global or address.is_multicast:
        return f"it points into a private network ({address})"
    return ""


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
