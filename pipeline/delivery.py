"""What was paid for becomes files and ledger entries: the second half of the order of writes.

    5 `submitted(request_id)` is durable  ▶  wait for the result
    6 fetch, verify, write aside, sync, rename
    7 `done(billed, hash, path)` is durable  ▶  tasks with the same body get the output as well

Everything here is free and may be repeated.  Never sends a paid request.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline import endpoints
from pipeline.errors import CallError, ErrorClass
from pipeline.ledger.events import Receipt, Verdict
from pipeline.ledger.reopen import KEPT_S
from pipeline.outputs import BadOutput
from pipeline.outputs.hands import Hands
from pipeline.policy import last_step
from pipeline.task import Accepted, Answer, Picture, SavedImage, State, Task
from pipeline.tools import Attempt

if TYPE_CHECKING:
    from pipeline.tools import Habits, Tools

FETCHES = 3
"""Downloads of one output before it counts as bad, with a pause between: each is free."""
ONLY_ECHO = "the answer names no image but the one that was sent"
FRUITLESS = frozenset({ErrorClass.INFERENCE_FAILED, ErrorClass.BAD_OUTPUT, ErrorClass.LOST})
"""Causes after which an accepted task will never give anything."""

ACCOUNT = frozenset({ErrorClass.BAD_KEY, ErrorClass.NO_CREDITS})
"""Refusals that say something of the account: they hold for every task."""


class Delivery:
    """Waits for accepted tasks, saves and records what they made."""

    def __init__(self, tools: Tools, habits: Habits) -> None:
        self.tools = tools
        self.habits = habits
        self.hands = Hands()

    async def take_up(self, task: Task) -> None:
        """Finish a task that an earlier run paid for.  It is never sent again."""
        assert task.request_id is not None
        reservation = self.tools.budget.take_over(*await self.tools.ledger.held(task.attempt_id or 0))
        began = task.submitted_at or self.tools.clock()
        await self.finish(task, Attempt(task.attempt_id or 0, reservation, began), Accepted(task.request_id))

    async def finish(self, task: Task, attempt: Attempt, accepted: Accepted, *, first: CallError | None = None) -> None:
        """Wait for an accepted task, then receive it.  *first* is what was wrong with its first answer."""
        try:
            answer = await self.wait(task, attempt, accepted)
        except CallError as error:
            lost = error.error_class is ErrorClass.LOST
            if lost and (images := await self._adopted(task)):
                await self._record(task, attempt, Answer((), accepted.request_id), images)
            else:
                await self.in_vain(task, attempt, first if lost and first else error)
        else:
            await self.receive(task, attempt, answer)

    async def wait(self, task: Task, attempt: Attempt, accepted: Accepted) -> Answer:
        """The finished answer of an accepted task; raises CallError."""
        ago = max(0.0, self.tools.clock() - attempt.began) if task.request_id else 0.0
        return await self.tools.provider.wait(task.endpoint, accepted, submitted_s_ago=ago)

    async def receive(self, task: Task, attempt: Attempt, answer: Answer, *, first: bool = False) -> None:
        """Steps 6 and 7: a paid answer becomes files and an entry.

        A damaged image inside the *first* answer may be whole where the provider keeps it.
        """
        if answer.remaining_nano is not None:
            self.tools.observer.balance(answer.remaining_nano)
        answer = answer.without(task.params.values())
        if not answer.pictures:
            await self.in_vain(task, attempt, _paid(ONLY_ECHO, ErrorClass.BAD_OUTPUT, answer))
            return
        taken_up = task.request_id is not None  # it may have been finished for hours
        latency_s = None if taken_up else self.tools.clock() - attempt.began
        try:
            images = await self._save(task, answer)
        except BadOutput as error:
            text = self.tools.provider.hide(f"{error}; it begins with {error.body_start!r}")
            damage = _paid(text, ErrorClass.BAD_OUTPUT, answer)
            if first and answer.request_id and any(picture.data for picture in answer.pictures):
                await self.finish(task, attempt, Accepted(answer.request_id), first=damage)
            else:
                await self.in_vain(task, attempt, damage)
        except CallError as error:
            error.billed_nano = answer.billed_nano
            await self.in_vain(task, attempt, error)
        else:
            await self._record(task, attempt, answer, images, latency_s)

    async def in_vain(self, task: Task, attempt: Attempt, error: CallError) -> None:
        """An accepted task will give nothing; or cannot be had at present, and is left for a later run."""
        if error.error_class not in FRUITLESS:
            await self._put_off(task, attempt, error)
            return
        told = 0 if error.error_class is ErrorClass.INFERENCE_FAILED else error.billed_nano
        billed = attempt.reservation.bill(told)
        verdict = Verdict.of(error, self.tools.clock())
        twins = await self.tools.ledger.gave_up(task, attempt.id, verdict, billed_nano=billed)
        await self.tools.budget.settle(attempt.reservation, billed)
        for _ in range(1 + twins):
            self.tools.observer.ended(task, State.FAILED, error.error_class, None)

    async def _put_off(self, task: Task, attempt: Attempt, error: CallError) -> None:
        """Keep *task* accepted, and why it could not be had: the next run asks again first of all."""
        now = self.tools.clock()
        if error.error_class in ACCOUNT:  # what a server says of one old task says nothing of new calls
            self.tools.stop_for(task, error, last_step(error))
        if now - attempt.began < KEPT_S:  # what the provider need not have any more stops no run, night after night
            self.tools.observer.ended(task, State.SUBMITTED, error.error_class, None)
        await self.tools.ledger.put_off(task, Verdict.of(error, now))
        await self.tools.budget.settle(attempt.reservation, None)

    async def share(self, twin: Task, source_id: int, images: list[SavedImage] | None = None) -> None:
        """Give *twin* the output of the paid task *source_id*: the same body, no second payment."""
        try:
            await self._make_way(twin)  # first: what makes way may be the very output that is shared
            originals = images if images is not None else await self.tools.ledger.outputs(source_id)
            copies = [await self._copied(original, twin, n) for n, original in enumerate(originals, 1)]
        except (FileNotFoundError, BadOutput):
            return  # the original is gone or damaged: the twin stays open until that is mended
        await self.tools.ledger.reused(twin, source_id, self.habits.run_id, copies)
        self.tools.observer.ended(twin, State.DONE, None, None)

    async def _save(self, task: Task, answer: Answer) -> list[SavedImage]:
        """Step 6 for every picture, in order."""
        await self._make_way(task)
        return [await self._save_one(task, picture, n) for n, picture in enumerate(answer.pictures, 1)]

    async def _save_one(self, task: Task, picture: Picture, n: int) -> SavedImage:
        name = await self._name(task, n)
        moved: list[tuple[str, str]] = []
        for tries in range(1, FETCHES + 1):
            data = await self.tools.provider.fetch(picture)
            save = partial(
                self.tools.store.save,
                data,
                key=task.key,
                step=task.step,
                n=n,
                name=name,
                digital_source=endpoints.get(task.endpoint).digital_source,
                superseded=task.out_of_date,
                full=self.habits.full_decode,
                moved=moved,
            )
            try:
                image = await self.hands.do(save)
            except BadOutput:
                if picture.data is not None or tries == FETCHES:
                    raise
                await asyncio.sleep(self.habits.patience.backoff_s(tries, self.tools.chance()))
            else:
                return await self._mirrored(image)
            finally:
                await self._tell_moved(moved)
        raise AssertionError("the loop returns or raises")

    async def _make_way(self, task: Task) -> None:
        """Move the output that *task* replaces aside, and say so in the ledger."""
        if task.replaces is None or task.out_of_date:
            return
        for image in await self.tools.ledger.outputs(task.replaces):
            if image.path.startswith("images/"):
                moved = await asyncio.to_thread(self.tools.store.supersede, image.path)
                if moved is not None:
                    await self.tools.ledger.moved(image.path, moved, task.replaces)
                    if self.tools.mirror is not None:
                        await self.tools.mirror.move(image.path, moved)

    async def _tell_moved(self, moved: list[tuple[str, str]]) -> None:
        """Say in the ledger where outputs stand that made way for others, whatever task they are of."""
        while moved:
            await self.tools.ledger.moved(*moved.pop())

    async def _record(
        self,
        task: Task,
        attempt: Attempt,
        answer: Answer,
        images: list[SavedImage],
        latency_s: float | None = None,
    ) -> None:
        """Step 7, then the tasks that share the body."""
        money, told = attempt.reservation, answer.billed_nano
        learned = self.tools.prices.billed(task, told if money.billed_nano is None else None)
        receipt = Receipt(
            at=self.tools.clock(),
            billed_nano=money.bill(told),
            request_id=answer.request_id,
            seed=answer.seed,
            latency_s=latency_s,
            signature=learned if money.billed_nano is None else None,
        )
        twins = await self.tools.ledger.done(task, attempt.id, receipt, images)
        await self.tools.budget.settle(money, told)
        if money.billed_nano is not None:  # only what nobody knew of before is new
            receipt = replace(receipt, billed_nano=money.extra_nano(told))
        self.tools.observer.ended(task, State.DONE, None, receipt)
        for twin in twins:
            await self.share(twin, task.id, images)

    async def _name(self, task: Task, n: int) -> str | None:
        return None if self.tools.naming is None else await self.tools.naming.of(task, n)

    async def _mirrored(self, image: SavedImage) -> SavedImage:
        """*image*, once its second home has confirmed it as well."""
        if self.tools.mirror is not None:
            await self.tools.mirror.put(image)
        return image

    async def _copied(self, original: SavedImage, twin: Task, n: int) -> SavedImage:
        name = await self._name(twin, n)
        moved: list[tuple[str, str]] = []
        try:
            image = await asyncio.to_thread(self._copy, original, twin, n, name, moved)
        finally:
            await self._tell_moved(moved)
        return await self._mirrored(image)

    def _copy(
        self, original: SavedImage, twin: Task, n: int, name: str | None, moved: list[tuple[str, str]]
    ) -> SavedImage:
        data = (self.tools.ledger.folder / original.path).read_bytes()
        return self.tools.store.save(data, key=twin.key, step=twin.step, n=n, name=name, full=False, moved=moved)

    async def _adopted(self, task: Task) -> list[SavedImage]:
        """Files that a crash left between rename and entry: all that the task makes, or none."""
        if task.out_of_date:
            return []
        count = endpoints.get(task.endpoint).images_made(task.params)
        found = [
            await asyncio.to_thread(self.tools.store.adopt, task.key, task.step, n, name=await self._name(task, n))
            for n in range(1, count + 1)
        ]
        images = [image for image in found if image is not None]
        if len(images) != count or await self.tools.ledger.owned([image.path for image in images], task.id):
            return []
        return [await self._mirrored(image) for image in images]


def _paid(text: str, error_class: ErrorClass, answer: Answer) -> CallError:
    return CallError(text, error_class, request_id=answer.request_id, billed_nano=answer.billed_nano)
