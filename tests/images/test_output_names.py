"""Names that every file system takes."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.outputs.names import hashed_name, safe_name

WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)

SIMPLE = ["mug-01", "MB01", "007", "v1.0", "a", "A_b-c.d", "-1", "_", "CONSOLE", "x" * 100, "a..b"]
CHANGED = [
    "", ".", "..", "...", " ", "a/b", "../../etc/passwd", "a\\b", "C:\\x", "/abs", "CON", "con.txt", "NUL", "COM1",
    "lpt9.png", "COM¹", "a.", "a ", " a", ".hidden", "a:b", 'a"b', "a*b", "a?b", "a<b>c|d", "tab\there",
    "new\nline", "nul\0byte",
    "\u202egnp.exe", "\u200b", "é", "e\u0301", "名前", "ß", "İ", "\ud800", "x" * 101, "é" * 200,
    "a~b", "mug-01~abcdefghij", "🙂",
]  # fmt: skip


@pytest.mark.parametrize("key", SIMPLE)
def test_a_simple_key_is_its_own_name(key: str) -> None:
    assert safe_name(key) == key


@pytest.mark.parametrize("key", CHANGED)
def test_any_other_key_keeps_what_can_be_kept_and_gets_a_hash(key: str) -> None:
    assert re.search(r".~[a-z2-7]{10}$", safe_name(key))


def test_names_are_told_apart_and_stay_readable() -> None:
    assert safe_name('Tasse "blau" 1/2').startswith("Tasse-blau-1-2~")
    assert safe_name("名前 01").startswith("名前-01~")
    assert safe_name("con.txt").startswith("_con.txt~")
    assert safe_name("é") != safe_name("e\u0301")
    assert len({name.casefold() for name in map(safe_name, CHANGED)}) == len(CHANGED)


@given(st.text(st.characters(exclude_categories=()), max_size=400))
@example("aux ")
@example("con\u0301")
@example("nul" + "." * 300)
def test_every_name_is_safe_on_every_file_system(key: str) -> None:
    name = safe_name(key)

    assert name == safe_name(key)
    assert 1 <= len(name.encode()) <= 100
    assert not re.search(r'[/\\:*?"<>|\s]', name)
    assert name[0] != "."
    assert name[-1] not in ". "
    assert not WINDOWS_DEVICE.match(name)
    assert unicodedata.normalize("NFC", name) == name
    assert not any(unicodedata.category(char)[0] == "C" for char in name)


@given(st.lists(st.text("aA.-_ /é~1", max_size=4), unique=True, min_size=2))
def test_two_keys_never_share_a_name(keys: list[str]) -> None:
    assert len({safe_name(key) for key in keys}) == len(keys)
    assert not {safe_name(key) for key in keys} & {hashed_name(key) for key in keys if safe_name(key) == key}
