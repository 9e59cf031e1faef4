"""Blocking work that is waited for even by who is cancelled meanwhile: half closed is worse than late."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


async def uncut(work: Callable[[], Result]) -> tuple[Result, asyncio.CancelledError | None]:
    """The result of *work*, done in a thread, and the cancellation that came meanwhile.

    The caller puts things in order and raises it.  Raises what *work* raises.
    """
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    cut: asyncio.CancelledError | None = None
    while not doing.done():
        try:
            await asyncio.wait([doing])
        except asyncio.CancelledError as error:
            cut = error
    return doing.result(), cut
