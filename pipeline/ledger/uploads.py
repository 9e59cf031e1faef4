"""Uploads that the provider has: remembered by their content, and forgotten when a call failed for want of one.

The provider says nothing of how long it keeps an upload.  One that is forgotten too early is uploaded again, at no
cost; one that is kept too long fails every task that shares it.  Knows SQL, never the network.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pipeline.errors import ErrorClass

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

FOR_WANT_OF_ONE = frozenset({ErrorClass.INFERENCE_FAILED, ErrorClass.BAD_REQUEST, ErrorClass.REJECTED})
"""As what a call ends whose image the provider cannot fetch."""

_FETCH = re.compile(r"fetch|download|load|retriev|access|reach|expired|not found|\b40[34]\b|\b410\b", re.IGNORECASE)
_IMAGE = re.compile(r"image|picture|photo|\bfile|\burl", re.IGNORECASE)


def known(db: sqlite3.Connection, sha256: str, not_before: float) -> str | None:
    """The URL under which the provider has this content, unless it was uploaded before *not_before*."""
    query = "SELECT url FROM uploads WHERE sha256=? AND uploaded_at>=?"
    found = db.execute(query, (sha256, not_before)).fetchone()
    return None if found is None else str(found[0])


def remember(db: sqlite3.Connection, sha256: str, url: str, at: float) -> None:
    """The provider has this content under *url*."""
    db.execute("INSERT OR REPLACE INTO uploads VALUES (?,?,?)", (sha256, url, at))


def blamed(error_class: ErrorClass, text: str, sent: Collection[str]) -> bool:
    """Whether a call failed for want of an image: its error names one of the addresses *sent*, or says so."""
    if error_class not in FOR_WANT_OF_ONE:
        return False
    said = unquote(text)
    return any(_name(address) in said for address in sent) or bool(_FETCH.search(said) and _IMAGE.search(said))


def forget_blamed(db: sqlite3.Connection, attempt: int, error_class: ErrorClass, text: str) -> None:
    """Let the next try upload anew what *attempt* was sent with, when its error blames an image.

    All of it: an error names one image at a time, and the others are as old.
    """
    found = db.execute("SELECT sent FROM attempts WHERE id=?", (attempt,)).fetchone()
    sent = json.loads(found[0]).values() if found and found[0] else ()
    if blamed(error_class, text, sent):
        db.executemany("DELETE FROM uploads WHERE url=?", [(address,) for address in sent])


def _name(address: str) -> str:
    """The last part of its path: an error may leave out the host, or the rest of the address."""
    return unquote(urlsplit(address).path).rpartition("/")[2] or address
