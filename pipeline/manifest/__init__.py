"""Everything that turns a source into rows: shop exports, tables, feeds, folders and data frames.

    open_manifest(source) -> Manifest -> batches of Row(number, cells)

Text stays text: ``007`` stays ``007``, ``NA`` stays ``NA``.  What cannot be read for certain is refused with file,
row and remedy, before anything is spent.  Knows nothing about endpoints, recipes or HTTP.
"""

from __future__ import annotations

from pipeline.manifest.opening import BATCH_ROWS, Manifest, open_manifest

__all__ = ["BATCH_ROWS", "Manifest", "open_manifest"]
