"""Whether the results that were written from the ledger are still what it says.

``meta.results`` describes the files; the first change after that makes it ``stale``, in the same transaction, whoever
makes the change.  The triggers are made with the first results: until then they would only slow planning down.
"""

from __future__ import annotations

_FRESH = "(SELECT value FROM meta WHERE name='results') <> 'stale'"
_OTHER = "(old.cells <> new.cells OR old.live <> new.live OR old.header_id <> new.header_id)"
TRIGGERS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS stale_{table}_{event} AFTER {event} ON {table} WHEN {when}"  # noqa: S608  # own words only
    " BEGIN UPDATE meta SET value='stale' WHERE name='results'; END"
    for table, event, when in (
        ("tasks", "INSERT", _FRESH),
        ("tasks", "UPDATE", _FRESH),
        ("rows", "INSERT", _FRESH),
        ("rows", "UPDATE", f"{_OTHER} AND {_FRESH}"),
        ("outputs", "INSERT", _FRESH),
        ("outputs", "UPDATE", _FRESH),
        ("outputs", "DELETE", _FRESH),
    )
)
