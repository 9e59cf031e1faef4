"""Whether the next call may be paid: the cap over what was billed and what is held for calls under way.

A call reserves its worst price before it is sent and settles at what was billed.  A reservation whose outcome is
unknown stays.  What does not fit while other calls are under way waits for them: they usually cost less than their
worst.  Several processes may share one cap through a file (`pipeline.capfile`).  Knows neither rate nor tasks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.caps import Limit
from pipeline.money import show
from pipeline.words import many

if TYPE_CHECKING:
    from collections.abc import Callable


class CapReached(Exception):
    """The call does not fit under the cap, and nothing under way could make room for it."""

    def __init__(
        self, limit: Limit, *, needed_nano: int, free_nano: int, cap_nano: int, held_nano: int, holders: int
    ) -> None:
        super().__init__(
            f"the {limit.named} is reached: {show(cap_nano - free_nano)} of {show(cap_nano)} used,"
            f" {show(needed_nano)} needed, {show(max(0, free_nano))} free,"
            f" {show(held_nano)} reserved by {many(holders, 'call')}"
        )
        self.limit = limit
        self.needed_nano = needed_nano


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call.  ``name`` is its entry in a shared cap file."""

    nano: int
    name: str | None = None
    inherited: bool = False
    """True when an earlier run set it aside: a cap over a stretch of time keeps counting it whole."""
    billed_nano: int | None = None
    """What the call was billed, when that is known already: its output is only fetched once more."""

    def bill(self, told_nano: int | None) -> int | None:
        """What the call costs after *told_nano* was said of it: a bill that is known is replaced, never taken back."""
        return told_nano if told_nano or self.billed_nano is None else self.billed_nano

    def extra_nano(self, told_nano: int | None) -> int | None:
        """The part of that which nobody knew of before."""
        bill = self.bill(told_nano)
        return None if bill is None else bill - (self.billed_nano or 0)


@dataclass(slots=True)
class Allowance:
    """A cap over a stretch of time, such as one night: never more than ``cap_nano`` for calls sent within it."""

    cap_nano: int
    spent_nano: int = 0
    """What calls of this stretch were billed, or hold."""

    def fits(self, nano: int) -> bool:
        """Whether another *nano* may be set aside."""
        return self.spent_nano + nano <= self.cap_nano


class SharedCap(Protocol):
    """A cap that several processes share.  Money in nano-dollars."""

    limit: Limit
    cap_nano: int

    async def reserve(self, nano: int) -> str | None:
        """Set *nano* aside; the entry's name, or None when it does not fit at present."""

    async def settle(self, name: str, billed_nano: int, *, known_nano: int = 0) -> None:
        """Replace what was set aside, or an earlier bill, by what was billed; ``known_nano`` of it is no news."""

    async def wait(self) -> bool:
        """Wait until something may have changed; False when no other process holds anything that could."""

    async def standing(self) -> tuple[int, int, int]:
        """(free, held, holders) over all processes."""

    async def leave(self) -> None:
        """Say that nothing more will be settled by this process: nobody needs to wait for it."""


class Budget:
    """The cap of one run.  ``cap_nano`` None means no cap.  One per event loop."""

    def __init__(
        self,
        cap_nano: int | None,
        *,
        billed_nano: int = 0,
        held_nano: int = 0,
        held_count: int = 0,
        shared: SharedCap | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        """``billed_nano`` and ``held_nano`` are what the folder has spent and holds already."""
        self.cap_nano = cap_nano
        self.allowance = allowance
        self.billed_nano = billed_nano
        self.held_nano = held_nano
        self._held_count = held_count
        self._under_way = 0
        self._shared = shared
        self._turn = asyncio.Lock()
        self._moved = asyncio.Event()
        self.refusal: CapReached | None = None
        """The smallest need that was refused: the run stops because of it."""

    @property
    def capped(self) -> bool:
        """Whether there is any cap."""
        return self.cap_nano is not None or self._shared is not None or self.allowance is not None

    @property
    def free_nano(self) -> int | None:
        """What may still be reserved; None without a cap of the folder or of a stretch of time."""
        return min((nano for nano, *_ in self._free()), default=None)

    def _free(self) -> list[tuple[int, Limit, int]]:
        """What each cap of this process leaves, and the cap."""
        free: list[tuple[int, Limit, int]] = []
        if self.cap_nano is not None:
            free.append((self.cap_nano - self.billed_nano - self.held_nano, Limit.FOLDER, self.cap_nano))
        if self.allowance is not None:
            free.append((self.allowance.cap_nano - self.allowance.spent_nano, Limit.NIGHT, self.allowance.cap_nano))
        return free

    def hopeless(self, nano: int) -> bool:
        """True when *nano* is at least what was already refused: nobody needs to ask again."""
        return self.refusal is not None and nano >= self.refusal.needed_nano

    async def reserve(self, nano: int, *, gone: Callable[[], bool] = lambda: False) -> Reservation | None:
        """Set *nano* aside, waiting for calls under way; None when *gone* became true meanwhile.

        Raises CapReached when it does not fit.
        """
        while not gone():
            moved = self._moved
            async with self._turn:
                reservation = await self._try(nano)
            if reservation is not None:
                return reservation
            if self._under_way:
                await moved.wait()
            elif not await self._others_may_make_room(nano):
                raise await self._refuse(nano)
        return None

    def take_over(self, nano: int, name: str | None, billed_nano: int | None = None) -> Reservation:
        """The reservation that an earlier run left for a task that is still under way, or its bill."""
        self._under_way += 1
        return Reservation(nano, name, inherited=True, billed_nano=billed_nano)

    async def settle(self, reservation: Reservation, billed_nano: int | None) -> None:
        """Replace *reservation* by what was billed (0: nothing); None: unknown, it stays held.

        What is known to be billed stays so, and is not added a second time.
        """
        billed_nano, extra_nano = reservation.bill(billed_nano), reservation.extra_nano(billed_nano)
        if billed_nano is not None and self._shared and reservation.name:
            known_nano = reservation.billed_nano or 0
            await self._shared.settle(reservation.name, billed_nano, known_nano=known_nano)
        self._under_way -= 1
        if billed_nano is not None and extra_nano is not None:
            self.held_nano -= reservation.nano
            self._held_count -= reservation.nano > 0
            self.billed_nano += extra_nano
            if self.allowance is not None and not reservation.inherited:
                self.allowance.spent_nano += billed_nano - reservation.nano
        self.stir()

    async def close(self) -> None:
        """Take leave of a shared cap; what is still held stays held."""
        if self._shared is not None:
            await self._shared.leave()

    def stir(self) -> None:
        """Let waiting calls look again: money was settled, or the run is stopping."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def _try(self, nano: int) -> Reservation | None:
        if not self._fits(nano):
            return None
        name = await self._shared.reserve(nano) if self._shared else None
        if self._shared is not None and name is None:
            return None
        self.held_nano += nano
        self._held_count += nano > 0
        self._under_way += 1
        if self.allowance is not None:
            self.allowance.spent_nano += nano
        return Reservation(nano, name)

    def _fits(self, nano: int) -> bool:
        if self.allowance is not None and not self.allowance.fits(nano):
            return False
        return self.cap_nano is None or self.billed_nano + self.held_nano + nano <= self.cap_nano

    async def _others_may_make_room(self, nano: int) -> bool:
        return self._shared is not None and self._fits(nano) and await self._shared.wait()

    async def _refuse(self, nano: int) -> CapReached:
        if self._shared and self._fits(nano):
            limit, cap = self._shared.limit, self._shared.cap_nano
            free, held, holders = await self._shared.standing()
        else:
            free, limit, cap = min(self._free())
            held, holders = self.held_nano, self._held_count
        refusal = CapReached(limit, needed_nano=nano, free_nano=free, cap_nano=cap, held_nano=held, holders=holders)
        if self.refusal is None or nano < self.refusal.needed_nano:
            self.refusal = refusal
        return refusal
