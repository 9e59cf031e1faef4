from __future__ import annotations

import asyncio
import threading

import pytest

from pipeline.uncut import uncut


async def test_who_is_cancelled_waits_for_the_end_and_hears_of_it_then() -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    async def closing() -> None:
        result, cut = await uncut(lambda: (begun.set(), go_on.wait(10), "whole")[-1])
        done.append(result)
        if cut is not None:
            raise cut

    task = asyncio.create_task(closing())
    await asyncio.to_thread(begun.wait)
    for _ in range(3):  # somebody impatient
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert done == ["whole"]


async def test_a_result_and_an_error_come_as_they_are() -> None:
    assert await uncut(lambda: 7) == (7, None)
    with pytest.raises(ZeroDivisionError):
        await uncut(lambda: 1 // 0)
