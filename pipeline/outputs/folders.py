"""Decide which folder belongs to which key, on file systems that tell ``MB01`` from ``mb01`` and on those that do not.

Simple keys are their own folder name, so two keys that differ only in case would share a folder on Windows and macOS.
There the first one keeps the plain name and the other gets the hashed one; the folders on disk are the memory.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from pipeline.outputs.names import hashed_name, safe_name
from pipeline.outputs.place import make_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def is_case_blind(folder: Path) -> bool:
    """Whether *folder*, which exists, has its name in other letters as well."""
    twin = folder.with_name(folder.name.swapcase())
    return twin.exists() and twin.samefile(folder)


class KeyFolders:
    """Folder names under one root.  Thread-safe; ``case_blind`` None asks the file system when it first matters.

    It is asked by a folder that exists: *root*, or *beside* it one that is made for the first file (``sync``: durably).
    """

    def __init__(
        self,
        root: Path,
        *,
        beside: Path,
        sync: bool = True,
        case_blind: bool | None = None,
        ask: Callable[[Path], bool] = is_case_blind,
    ) -> None:
        self._root = root
        self._beside = beside
        self._sync = sync
        self._case_blind = case_blind
        self._ask = ask
        self._owners: dict[str, str] | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<KeyFolders {self._root}, case {'blind' if self._case_blind else 'kept'}>"

    def to_write(self, key: str) -> str:
        """The folder for a new file of *key*; from now on the name is taken."""
        return self._name(key, claim=True)

    def to_read(self, key: str) -> str:
        """The folder where files of *key* would be."""
        return self._name(key, claim=False)

    def _name(self, key: str, *, claim: bool) -> str:
        name = safe_name(key)
        if self._case_blind is False:
            return name
        with self._lock:
            if not self._is_case_blind(claim=claim):
                return name
            owners = self._folders_by_folded_name()
            long_name = hashed_name(key)
            if long_name.casefold() in owners or owners.get(name.casefold(), name) != name:
                name = long_name
            if claim:
                owners.setdefault(name.casefold(), name)
        return name

    def _is_case_blind(self, *, claim: bool) -> bool:
        if self._case_blind is None:
            asked_by = self._root
            if not asked_by.exists():
                if not claim:
                    return False  # nothing is stored yet, so nothing can be met
                asked_by = self._beside
                make_folder(os.fspath(asked_by), sync=self._sync)
            self._case_blind = self._ask(asked_by)
        return self._case_blind

    def _folders_by_folded_name(self) -> dict[str, str]:
        if self._owners is None:
            folders = self._root.iterdir() if self._root.exists() else ()
            self._owners = {folder.name.casefold(): folder.name for folder in folders}
        return self._owners
