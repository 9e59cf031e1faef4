"""The family of our errors, sorted by what happens next; rooms add their own kinds.

PipelineError
├── InputError          the user's input is wrong      exit 2, nothing was spent
│   ├── ManifestError   ... in the manifest
│   ├── RecipeError     ... in the recipe, a flag or a setting
│   └── FolderError     ... the result folder cannot be used as asked
├── FolderBusy          another run holds the folder   exit 75, nothing was spent
├── AccountError        key, permission or credits     exit 5, resumable
├── Unreachable         no way to the provider         exit 10, nothing was sent
├── CallError           one call failed                the policy decides, the run goes on
└── LedgerError         our memory is unsafe           stop everything, send nothing more

Owns the classes and the words of the results ledger's ``error_class``.  Knows nothing else.
"""

from __future__ import annotations

from enum import StrEnum


class ErrorClass(StrEnum):
    """Why a task is not done: the ``error_class`` column of the results ledger."""

    BAD_REQUEST = "bad_request"
    BAD_KEY = "bad_key"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NO_CREDITS = "no_credits"
    REJECTED = "rejected"
    RETIRED = "retired"
    INFERENCE_FAILED = "inference_failed"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    GATEWAY = "gateway"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    BAD_OUTPUT = "bad_output"
    BAD_INPUT = "bad_input"
    CAP = "cap"
    DEADLINE = "deadline"
    INTERRUPTED = "interrupted"
    LOST = "lost"


PASSING = frozenset(
    {
        ErrorClass.RATE_LIMITED,
        ErrorClass.GATEWAY,
        ErrorClass.SERVER_ERROR,
        ErrorClass.TIMEOUT,
        ErrorClass.CONNECTION,
    }
)
"""Causes that pass by themselves and were not billed: `run` and `resume` take these failures up again."""


class PipelineError(Exception):
    """Base of every error we raise on purpose.  ``hint`` says what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputError(PipelineError):
    """What the user gave us is wrong; nothing was spent."""


class ManifestError(InputError):
    """The manifest cannot be read as it stands: names file, row and remedy."""


class RecipeError(InputError):
    """The recipe, a flag or a setting is wrong: names step, parameter and the nearest valid name."""


class FolderError(InputError):
    """The result folder cannot be used as asked: other provider, newer schema, not a result folder."""


class FolderBusy(PipelineError):
    """Another process works on the folder; the message says who and since when."""


class AccountError(PipelineError):
    """The account stops us: no key, a bad key, no permission, no credits."""

    def __init__(self, message: str, error_class: ErrorClass, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.error_class = error_class


class Unreachable(PipelineError):
    """There is no way to the provider at present; nothing was sent."""


class LedgerError(PipelineError):
    """The ledger cannot be written or trusted; nothing more may be sent."""


class CallError(PipelineError):
    """One exchange with the provider failed.

    ``answered`` is False when a request may have reached the provider and no answer came back: then nobody
    knows whether it was billed.  A connect error before anything was sent has ``sent = False``.
    """

    def __init__(
        self,
        message: str,
        error_class: ErrorClass,
        *,
        http_status: int | None = None,
        sent: bool = True,
        answered: bool = True,
        retry_after_s: float | None = None,
        reset_at: float | None = None,
        body_start: str = "",
        request_id: str | None = None,
        billed_nano: int | None = None,
        may_go_on: bool = False,
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.http_status = http_status
        self.sent = sent
        self.answered = answered
        self.retry_after_s = retry_after_s
        """Seconds to wait, from ``Retry-After``; None when the answer did not say."""
        self.reset_at = reset_at
        """Unix time at which the rate window resets, from ``x-rate-limit-reset-at-utc``."""
        self.body_start = body_start
        """The first bytes of the answer as text, for the ledger; never holds the key."""
        self.request_id = request_id
        """The provider's id when the answer still gave one: the job can be fetched by it, and may be billed."""
        self.billed_nano = billed_nano
        """What the answer says was charged, in nano-dollars; None when it did not say."""
        self.may_go_on = may_go_on
        """A gateway gave up on a blocking call behind which the work may go on, and be billed."""
