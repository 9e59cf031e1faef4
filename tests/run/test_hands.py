from __future__ import annotations

import asyncio
import threading

import pytest

from pipeline.outputs.hands import Hands, alone


async def test_work_is_done_on_a_thread_and_its_result_handed_back() -> None:
    with Hands(2) as hands:
        names = await asyncio.gather(*(hands.do(lambda: threading.current_thread().name) for _ in range(20)))

    assert set(names) <= {"saver-1", "saver-2"}


async def test_an_error_reaches_the_caller_and_the_thread_works_on() -> None:
    with Hands(1) as hands:
        with pytest.raises(ZeroDivisionError):
            await hands.do(lambda: 1 // 0)

        assert await hands.do(lambda: "still here") == "still here"


async def test_work_whose_caller_has_gone_is_not_begun() -> None:
    begun = threading.Event()
    go_on = threading.Event()
    done: list[str] = []
    with Hands(1) as hands:
        first = asyncio.create_task(hands.do(lambda: (begun.set(), go_on.wait(), done.append("first"))))
        await asyncio.to_thread(begun.wait)
        second = asyncio.create_task(hands.do(lambda: done.append("second")))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        go_on.set()
        await first

    assert done == ["first"]


async def test_closing_waits_for_work_that_was_begun() -> None:
    begun = threading.Event()
    done: list[str] = []
    hands = Hands(1)
    task = asyncio.create_task(hands.do(lambda: (begun.set(), done.append("saved"))))
    await asyncio.to_thread(begun.wait)

    hands.close()

    assert done == ["saved"]
    await task


async def test_hands_can_be_used_again_after_they_were_closed() -> None:
    hands = Hands(1)
    with hands:
        assert await hands.do(lambda: 1) == 1
    with hands:
        assert await hands.do(lambda: 2) == 2


async def test_work_on_a_thread_of_its_own_hands_back_its_result_or_its_error() -> None:
    assert await alone(lambda: threading.current_thread().name, name="reader") == "reader"
    with pytest.raises(ZeroDivisionError):
        await alone(lambda: 1 // 0, name="reader")


async def test_work_on_a_thread_of_its_own_keeps_nobody_from_ending() -> None:
    alive: list[bool] = []
    begun, go_on = threading.Event(), threading.Event()
    task = asyncio.create_task(
        alone(lambda: (alive.append(threading.current_thread().daemon), begun.set(), go_on.wait()), name="reader")
    )
    await asyncio.to_thread(begun.wait)

    task.cancel()

    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
    assert alive == [True]
    go_on.set()
