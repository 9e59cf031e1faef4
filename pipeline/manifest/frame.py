"""A pandas data frame as a manifest: text of what is there, nothing invented.

Missing values are empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.manifest import columns as names
from pipeline.manifest import keycells
from pipeline.manifest.values import as_text, short_float_texts
from pipeline.task import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from pipeline.manifest.notices import Notices

_SHORT_FLOATS = {"float32": "float32", "float": "float32", "float16": "float16", "halffloat": "float16"}
"""By the name of their type in pandas' and in Arrow's words, that in numpy's: numbers of fewer digits than Python's."""


@dataclass(frozen=True)
class FrameReader:
    """A frame, read by position: its index is ignored."""

    frame: pd.DataFrame
    columns: tuple[str, ...]
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
        column = part.iloc[:, i]
        short = _SHORT_FLOATS.get(str(column.dtype).lower().removesuffix("[pyarrow]"))
        if short is not None:
            return short_float_texts(column.to_numpy(short, na_value=float("nan")))
        return [value if isinstance(value, str) else _text(value) for value in column.tolist()]


def open_frame(frame: pd.DataFrame, notices: Notices) -> FrameReader:
    """Describe *frame*; it is not copied, and must not be changed while it is read."""
    columns = names.clean([_label(label) for label in frame.columns])
    notices.note(f"data frame, {len(frame):,} rows, {len(columns)} columns")
    return FrameReader(frame, columns, notices)


def _label(label: Any) -> str:
    return " ".join(str(part) for part in label if str(part)) if isinstance(label, tuple) else str(label)


def _text(value: Any) -> str:
    if type(value).__name__ in {"NAType", "NaTType"}:
        return ""
    if hasattr(value, "tolist"):  # a numpy scalar or array inside an object column
        value = value.tolist()
    return as_text(value)
