"""The tries of one task: when it was begun, what used up an attempt, and what the policy said last.

Keeps count and asks; decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import CallError
from pipeline.policy import GiveUp, Patience, Retry, Step, next_step, no_line

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from pipeline.tools import Tools


class Story:
    """The tries of one task: what the policy said last, in the form that tenacity asks for."""

    def __init__(self, tools: Tools, patience: Patience) -> None:
        self._tools = tools
        self._patience = patience
        self._began: float | None = None
        self._tries = 0
        self._tries_without_line = 0
        self._step: Step = GiveUp()

    def begin(self) -> None:
        """Note the first try: what a task waited for before that says nothing about its endpoint."""
        if self._began is None:
            self._began = self._tools.clock()

    def judge(self, error: CallError) -> Step:
        """Ask the policy what follows *error*."""
        if no_line(error):
            self._tries_without_line += 1
        self._step = next_step(
            error,
            tries=self._tries_without_line if no_line(error) else self._tries + 1,
            elapsed_s=0.0 if self._began is None else self._tools.clock() - self._began,
            patience=self._patience,
            chance=self._tools.chance(),
        )
        if not isinstance(self._step, Retry) or self._step.counts:
            self._tries += 1
        return self._step

    def again(self, error: BaseException) -> bool:
        """Whether to try again."""
        return isinstance(error, CallError) and isinstance(self._step, Retry)

    def wait_s(self, _state: RetryCallState | None = None) -> float:
        """How long to wait before that."""
        return self._step.wait_s if isinstance(self._step, Retry) else 0.0
