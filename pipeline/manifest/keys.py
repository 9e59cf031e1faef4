"""Which column names the rows: the default key, and proof that it is filled and unique.

A key is a row's name in outputs and ledger, so it must stand in every row once (once per endpoint, in a task
manifest).  The proof holds one 64-bit hash per row and decides exactly in a second look where hashes meet.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.errors import ManifestError
from pipeline.manifest import columns as names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.manifest.opening import Manifest
    from pipeline.task import Row

CANDIDATES = ("key", "sku", "id", "handle")
_SHOWN = 3
_KEPT_KEYS = 100
_KEPT_ROWS = 5
_SAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """The column that names the rows, and why."""

    column: str
    index: int
    reason: str


@dataclass(slots=True)
class KeyProof:
    """What one look at the keys of all rows has shown."""

    rows: int = 0
    empty: int = 0
    first_empty_row: int = 0
    duplicates: dict[str, list[int]] = field(default_factory=dict)
    """Keys that stand in several rows, with their row numbers; the first few of both."""
    duplicate_keys: int = 0
    """How many keys stand in several rows."""
    differ_in_case: int = 0
    """How many keys differ from another one in upper and lower case only."""

    @property
    def holds(self) -> bool:
        """True when every row has a key of its own."""
        return not self.empty and not self.duplicate_keys

    def __str__(self) -> str:
        parts = []
        if self.empty:
            parts.append(f"empty in {self.empty:,} of {self.rows:,} rows, first row {self.first_empty_row}")
        if self.duplicate_keys:
            shown = "; ".join(f"{key} in rows {_and(rows)}" for key, rows in self.duplicates.items())
            more = self.duplicate_keys - len(self.duplicates)
            parts.append(f"duplicated: {shown}{f' and {more:,} more' if more > 0 else ''}")
        return "; ".join(parts) or "filled and unique"


def choose_key(manifest: Manifest, *, rows: int | None = None) -> KeyChoice:
    """Find the default key: the first of ``key, sku, id, handle`` that is filled and unique.

    Reads the manifest once per candidate tried, mostly once; only its first *rows*, when given.  ManifestError says
    of every candidate why not.
    """
    if rows is not None and manifest.limit is None:
        manifest = replace(manifest, limit=rows)
    present = [(name, index) for name in CANDIDATES if (index := names.find(manifest.columns, name)) is not None]
    endpoint = names.find(manifest.columns, "endpoint")
    reasons = []
    for name, index in present:
        column = manifest.columns[index]
        proof = duplicates(manifest, lambda row, index=index: row.cells[index], within=endpoint)  # type: ignore[misc]
        if proof.holds:
            _warn_of_case(manifest, column, proof)
            return KeyChoice(column, index, f"first of {', '.join(CANDIDATES)} that is filled and unique: {name}")
        reasons.append(f"{column}: {proof}")
    raise ManifestError(f"{manifest.name}: no column can name the rows. {_why_none(reasons)}", hint=_way_out(manifest))


def duplicates(manifest: Manifest, key: Callable[[Row], str], *, within: int | None = None) -> KeyProof:
    """Look at the key of every row; *within* is the index of the column inside whose values keys must be unique."""
    proof = KeyProof()
    exact, folded = array("q"), array("q")
    for row in manifest.rows():
        value = key(row).strip()
        proof.rows += 1
        if value:
            scope = row.cells[within] if within is not None else ""
            exact.append(hash((value, scope)))
            folded.append(hash((value.casefold(), scope)))
        else:
            proof.empty += 1
            proof.first_empty_row = proof.first_empty_row or row.number
    repeated = _repeated(exact)
    proof.differ_in_case = len(_repeated(folded)) - len(repeated)
    if repeated:
        _find(proof, manifest, key, within, repeated)
    return proof


def _repeated(hashes: array[int]) -> frozenset[int]:
    import numpy as np

    values = np.frombuffer(hashes, np.int64)
    values.sort()  # in place: the array's memory is shared, and its order is not needed again
    return frozenset(values[1:][values[1:] == values[:-1]].tolist())


def _find(
    proof: KeyProof, manifest: Manifest, key: Callable[[Row], str], within: int | None, repeated: frozenset[int]
) -> None:
    """Name the first keys that were seen twice, and their rows: exact, where hashes only suggested."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in manifest.rows():
        whole = (key(row).strip(), row.cells[within] if within is not None else "")
        if not whole[0] or hash(whole) not in repeated:
            continue
        if whole in found or len(found) < _KEPT_KEYS:
            rows = found.setdefault(whole, [])
            if len(rows) < _KEPT_ROWS:
                rows.append(row.number)
    twice = [(name, rows) for (name, _), rows in found.items() if len(rows) > 1]
    proof.duplicate_keys = len(twice) if len(found) == len(repeated) else len(repeated)
    proof.duplicates = dict(twice[:_SHOWN])


def unique_column(manifest: Manifest) -> str | None:
    """A column that could name the rows; of several the one with the shortest values."""
    alive: dict[int, set[str]] = {index: set() for index in range(len(manifest.columns))}
    for row in islice(manifest.rows(), _SAMPLE_ROWS):
        for index in list(alive):
            value = row.cells[index].strip()
            if not value or value in alive[index]:
                del alive[index]
            else:
                alive[index].add(value)
    for index in sorted(alive, key=lambda index: sum(map(len, alive[index]))):
        if alive[index] and duplicates(manifest, lambda row, index=index: row.cells[index]).holds:  # type: ignore[misc]
            return manifest.columns[index]
    return None


def _and(rows: Sequence[int]) -> str:
    if len(rows) == _KEPT_ROWS:
        return f"{', '.join(map(str, rows[:-1]))} and further ones"
    return f"{', '.join(map(str, rows[:-1]))} and {rows[-1]}"


def _warn_of_case(manifest: Manifest, column: str, proof: KeyProof) -> None:
    if proof.differ_in_case > 0:
        manifest.notices.warn(
            f'column "{column}": {proof.differ_in_case:,} keys differ from another only in upper and lower case'
        )


def _why_none(reasons: Sequence[str]) -> str:
    if reasons:
        return ". ".join(reasons)
    return f"It has none of the columns {', '.join(CANDIDATES)}"


def _way_out(manifest: Manifest) -> str:
    lowered = {names.fold(column): column for column in manifest.columns}
    if "handle" in lowered and "image position" in lowered:
        return "name a column with --key COLUMN, or several with --key '{Handle}-{Image Position}'"
    unique = unique_column(manifest)
    found = f' ("{unique}" is filled and unique)' if unique else ""
    example = "-".join(f"{{{column}}}" for column in manifest.columns[:2])
    return f"name a column with --key COLUMN{found}, or several with --key '{example}'"
