"""A run in the foreground: what its signal handlers leave as it was, however the run ends."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from jobs.conducting import _signals

NAMES = [signal.SIGINT, signal.SIGTERM]


def handlers() -> list[object]:
    return [signal.getsignal(name) for name in NAMES]


class TakesNoHandlers(asyncio.SelectorEventLoop):
    """A loop as Windows has it."""

    def add_signal_handler(self, *_args: object) -> None:
        raise NotImplementedError


LOOPS = [TakesNoHandlers] if sys.platform == "win32" else [asyncio.SelectorEventLoop, TakesNoHandlers]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_fault_of_the_run_is_told_as_it_is_and_leaves_no_handler_behind(
    loop: type[asyncio.AbstractEventLoop],
) -> None:
    before = handlers()

    async def run() -> None:
        with _signals(lambda: None):
            assert not set(handlers()) & set(before)
            raise NotImplementedError("of the run")

    with pytest.raises(NotImplementedError, match=r"^of the run$"), asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())

    assert handlers() == before
