"""Verify an output, name it, and put it into the result folder so that no crash and no name can harm another.

``inspect`` says what arrived, ``safe_name`` makes a name that every file system takes, ``OutputStore`` writes.
Never knows the ledger, the provider or what an image cost.
"""

from pipeline.images.decode import Limits
from pipeline.outputs.check import BadOutput, ImageFacts, inspect
from pipeline.outputs.errors import StorageError, StorageFull
from pipeline.outputs.names import safe_name
from pipeline.outputs.store import OutputStore

__all__ = [
    "BadOutput",
    "ImageFacts",
    "Limits",
    "OutputStore",
    "StorageError",
    "StorageFull",
    "inspect",
    "safe_name",
]
