"""A pandas data frame as a manifest: text of what is there, nothing invented.

Missing values are empty; integers that a missing value turned into floats (7.0) are ``7`` again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.manifest import columns as names
from pipeline.manifest import keycells
from pipeline.manifest.values import as_text
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from pipeline.manifest.notices import Notices


@dataclass(frozen=True)
class FrameReader:
    """A frame, read by position: its index is ignored."""

    frame: pd.DataFrame
    columns: tuple[str, ...]
    counted_columns: frozenset[int]
    notices: Notices

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows in the frame's order, at most *size* at a time."""
        guarded = keycells.guarded(self.columns)
        for start in range(0, len(self.frame), size):
            part = self.frame.iloc[start : start + size]
            texts = [self._texts(part, i) for i in range(len(self.columns))]
            rows = [Row(n, cells) for n, cells in enumerate(zip(*texts, strict=True), start=start + 1)]
            yield keycells.restored(rows, guarded, self.columns, self.notices)

    def _texts(self, part: pd.DataFrame, i: int) -> list[str]:
        values = part.iloc[:, i].tolist()
        if i in self.counted_columns:
            return ["" if _missing(value) else str(int(value)) for value in values]
        return [value if isinstance(value, str) else _text(value) for value in values]


def open_frame(frame: pd.DataFrame, notices: Notices) -> FrameReader:
    """Describe *frame*; it is not copied, and must not be changed while it is read."""
    columns = names.clean([_label(label) for label in frame.columns])
    counted = frozenset(i for i in range(len(columns)) if _is_counted(frame.iloc[:, i]))
    notices.note(f"data frame, {len(frame):,} rows, {len(columns)} columns")
    return FrameReader(frame, columns, counted, notices)


def _label(label: Any) -> str:
    return " ".join(str(part) for part in label if str(part)) if isinstance(label, tuple) else str(label)


def _is_counted(column: pd.Series[Any]) -> bool:
    if column.dtype.kind != "f" or not column.isna().any():
        return False
    present = column.dropna()
    return bool(((present % 1) == 0).all())


def _missing(value: Any) -> bool:
    """True for None, NaN, NaT and NA: none of them equals itself, or says so."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in {"NAType", "NaTType"}


def _text(value: Any) -> str:
    if _missing(value):
        return ""
    if hasattr(value, "tolist"):  # a numpy scalar or array inside an object column
        value = value.tolist()
    return repr(value) if isinstance(value, float) else as_text(value)
