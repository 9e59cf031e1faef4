"""Exit codes: what a shell, a scheduler or a person reads from the end of a command.  Knows nothing else."""

from __future__ import annotations

DONE, OURS, INPUT, PARTLY, CAP, ACCOUNT, DOUBT, STOPPED, BUSY, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 10, 75, 130

EXIT_CODES = {
    DONE: "every task is done",
    OURS: "a fault of ours, or of the disk; resumable",
    INPUT: "usage, manifest or recipe is wrong; nothing was spent",
    PARTLY: "finished, some tasks failed or were invalid, or paid outputs are still to be fetched, or the manifest"
    " was found to be wrong after calls were sent; resumable",
    CAP: "the cap stopped the run; resumable",
    ACCOUNT: "the account stopped the run: key, permission, credits; resumable",
    DOUBT: "finished, some tasks are in doubt",
    STOPPED: "the deadline or the failure limit stopped the run, or there was no connection; resumable",
    BUSY: "another run holds the folder; nothing was spent",
    INTERRUPTED: "interrupted; what was paid for was finished first, or is fetched by the next run; resumable",
}
"""Exit codes and their meaning.  Where several apply: 130, 5, 4, 10, 6, 3."""

BY_STOP = {
    "interrupted": INTERRUPTED,
    "account": ACCOUNT,
    "cap": CAP,
    "deadline": STOPPED,
    "failures": STOPPED,
    "connection": STOPPED,
    "manifest": INPUT,
    "storage": OURS,
    "ledger": OURS,
    "fault": OURS,
}
PRIORITY = (
    "fault",
    "ledger",
    "storage",
    "manifest",
    "interrupted",
    "account",
    "cap",
    "deadline",
    "failures",
    "connection",
)


def first_of(words: set[str]) -> str | None:
    """The stop that counts where several apply."""
    return next((word for word in PRIORITY if word in words), None)
