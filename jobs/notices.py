"""Telling people how the night went, through apprise: Slack, mail, Teams and a hundred more.

Addresses often hold a password, so they may stand in the environment: ``$NAME`` in an address is replaced.  A notice
that cannot be sent is said in the log and never fails the job.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from jobs.console import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Unset(ValueError):
    """An address names a variable of the environment that is not set."""


def notify(
    addresses: Iterable[str],
    title: str,
    body: str,
    *,
    failed: bool,
    say: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Send one notice to each of *addresses*; returns how many went out.  Never raises."""
    sent = 0
    for number, address in enumerate(addresses, 1):
        try:
            _send(filled(address, environment), redacted(title), redacted(body), failed=failed)
        except Exception as error:  # noqa: BLE001  # a notice must not fail a job that is done; it is said instead
            say(f"notice {number} ({hidden(address)}) was not sent: {redacted(str(error))}")
        else:
            sent += 1
    return sent


def filled(address: str, environment: Mapping[str, str]) -> str:
    """*address* with its variables replaced; raises Unset."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if not environment.get(name):
            raise Unset(f"the variable {name} is not set")
        return environment[name]

    return VARIABLE.sub(value, address)


def hidden(address: str) -> str:
    """*address* without what may be secret: its scheme, and the variables that it names."""
    if VARIABLE.fullmatch(address):
        return address
    scheme, mark, _ = address.partition("://")
    return f"{scheme}://…" if mark else "…"


def _send(address: str, title: str, body: str, *, failed: bool) -> None:
    try:
        import apprise
    except ImportError as error:
        raise RuntimeError("apprise is not installed: pip install 'photobatch[notify]'") from error
    messenger = apprise.Apprise()
    if not messenger.add(address):
        raise ValueError("apprise does not know this kind of address")
    kind = apprise.NotifyType.FAILURE if failed else apprise.NotifyType.SUCCESS
    if not messenger.notify(title=title, body=body, notify_type=kind):
        raise RuntimeError("the service did not take it")
