"""The only code that talks to the provider: paid calls over two transports, and everything free around them.

Owns HTTP and the wire format.  Knows nothing of ledger, policy, files or recipes.  Every failure leaves as a CallError
(a wrong address as a RecipeError, an impossible key as an AccountError).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import RecipeError
from pipeline.provider.backoff import Backoff
from pipeline.provider.hosts import Hosts
from pipeline.provider.interface import Pacing, Provider, Timeouts, Unpaced
from pipeline.provider.proxies import Proxies

if TYPE_CHECKING:
    from pipeline.provider.queue import QueueProvider
    from pipeline.provider.sync import SyncProvider

__all__ = [
    "Backoff",
    "Hosts",
    "Pacing",
    "Provider",
    "Proxies",
    "QueueProvider",
    "SyncProvider",
    "Timeouts",
    "Unpaced",
    "connect",
]


def connect(api: Literal["queue", "sync"], hosts: Hosts, key: str, **settings: Any) -> QueueProvider | SyncProvider:
    """Give the provider that speaks *api*; *settings* are those of `pipeline.provider.client.Client`."""
    match api:
        case "queue":
            from pipeline.provider.queue import QueueProvider

            return QueueProvider(hosts, key, **settings)
        case "sync":
            from pipeline.provider.sync import SyncProvider

            return SyncProvider(hosts, key, **settings)
        case _:
            raise RecipeError(f"there is no API {api!r}", hint="use queue or sync")


def __getattr__(name: str) -> Any:
    # aiohttp takes a fifth of a second to import: only who calls the provider pays it.
    if name == "QueueProvider":
        from pipeline.provider.queue import QueueProvider

        return QueueProvider
    if name == "SyncProvider":
        from pipeline.provider.sync import SyncProvider

        return SyncProvider
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
