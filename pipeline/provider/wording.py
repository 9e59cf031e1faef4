"""What a body says, in words that may be shown: short, without mark-up, never with the key.

Pure.  Knows no status.
"""

from __future__ import annotations

import html
import json
import re
from html.entities import html5
from typing import Any

WORDS_MOST = 500
START_MOST = 200

HIDDEN = "[key]"

_FIELDS = ("error", "message", "detail", "error_description", "msg", "reason")
_SKIPPED = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body|title|h1|center|p|div)\b", re.IGNORECASE)


def _written(marks: str) -> str:
    """A pattern of one of *marks*, as it is or escaped as in JSON, HTML and URLs: whoever reads on decodes that.

    Eight backslashes at most: without a bound a body of nothing else takes minutes.
    """
    codes = [ord(mark) for mark in marks]
    hexes = "|".join(f"{code:02x}" for code in codes)
    named = "".join(f"|{name.rstrip(';')}" for mark in marks for name, value in html5.items() if value == mark)
    entity = rf"&(?:amp;)*(?:\#0*(?:{'|'.join(map(str, codes))})|\#x0*(?:{hexes}){named});?"
    plain = "|".join(map(re.escape, marks))
    return rf"(?:{plain}|\\{{1,8}}(?:(?:u00|x)(?i:{hexes})|[{re.escape(marks)}])|(?i:{entity}|%(?:25)*(?:{hexes})))"


KEY_SHAPE = re.compile(r"SG_[0-9a-fA-F]{16,}")
KEY_WRITTEN = re.compile("".join(map(_written, "SG_")) + _written("0123456789abcdefABCDEF") + "{16,}")


class Hider:
    """Takes a key out of texts, and everything else that looks like one."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._written = re.compile("".join(map(_written, key)) or "(?!)")

    def __repr__(self) -> str:
        return "<Hider>"

    def __call__(self, text: str) -> str:
        """Give *text* without any key, however it is escaped."""
        if self._key:
            text = text.replace(self._key, HIDDEN)
        text = KEY_SHAPE.sub(HIDDEN, text)
        if any(mark in text for mark in "\\&%"):  # else nothing is escaped; megabytes of base64 are not searched
            text = KEY_WRITTEN.sub(HIDDEN, self._written.sub(HIDDEN, text))
        return text


def parsed(body: bytes | str) -> Any:
    """Give the JSON document of *body*; None when it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def text_of(body: bytes) -> str:
    """Decode *body* as text, whatever it is."""
    return body.decode("utf-8", errors="replace").lstrip("\ufeff")


def start_of(text: str) -> str:
    """Give the first characters of a body for the ledger, without characters that spoil a line."""
    return "".join(mark if mark.isprintable() else "\N{MIDDLE DOT}" for mark in text[:START_MOST])


def words_of(text: str) -> str:
    """Give what *text*, the body of an error, says to a person: at most 500 characters; empty when nothing."""
    document = parsed(text)
    said = _said(document, depth=4) if isinstance(document, dict | list) else _plain(text)
    said = " ".join(said.split()).encode("utf-8", "replace").decode()  # half a character has no place in a ledger
    return said if len(said) <= WORDS_MOST else said[: WORDS_MOST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _said(value: Any, depth: int) -> str:
    match value:
        case str():
            return _plain(value)
        case dict() if depth:
            parts = [_said(value[name], depth - 1) for name in _FIELDS if value.get(name)]
            return ": ".join(dict.fromkeys(part for part in parts if part)) or _compact(value)
        case list() if depth:
            return "; ".join(part for part in (_said(item, depth - 1) for item in value[:5]) if part)
        case None:
            return ""
        case _:
            return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:WORDS_MOST]


def _plain(text: str) -> str:
    if not _HTML.match(text):
        return text[: 2 * WORDS_MOST]
    return html.unescape(_TAG.sub(" ", _SKIPPED.sub(" ", text[:20_000])))
