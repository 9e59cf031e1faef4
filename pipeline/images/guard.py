"""Keep our own requests away from private networks, whatever a manifest's URL, redirect or DNS answer says.

The check sits in the resolver: the address that was checked is the address that is connected to, so a name that
answers differently the second time gains nothing.  Addresses written as numbers never reach a resolver and are
checked by the caller (`Guard.refuse_literal`).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from aiohttp.abc import AbstractResolver, ResolveResult

from pipeline.images.addresses import PrivateAddress, why_private

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from ipaddress import IPv4Address, IPv6Address


class Guard(AbstractResolver):
    """A resolver that hands on only addresses that *why_refused* has nothing against."""

    def __init__(
        self, resolver: AbstractResolver, why_refused: Callable[[IPv4Address | IPv6Address], str] = why_private
    ) -> None:
        self._resolver = resolver
        self._why_refused = why_refused

    def refuse_literal(self, host: str) -> None:
        """Raise PrivateAddress when *host* is a refused address written as numbers."""
        try:
            problem = self._why_refused(ipaddress.ip_address(host))
        except ValueError:
            return  # a name: the resolver's turn
        if problem:
            raise PrivateAddress(problem)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily | int = 0) -> list[ResolveResult]:
        """The addresses of *host* that may be connected to.  Raises PrivateAddress when none is left."""
        found = await self._resolver.resolve(host, port, family)  # type: ignore[arg-type]  # 0 is "any" for both
        problems = [self._why_refused(ipaddress.ip_address(each["host"])) for each in found]
        allowed = [each for each, problem in zip(found, problems, strict=True) if not problem]
        if found and not allowed:
            raise PrivateAddress(problems[0])
        return allowed

    async def close(self) -> None:
        """Close the resolver behind."""
        await self._resolver.close()
