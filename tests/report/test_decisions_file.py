"""What spreadsheets and people make of decisions.csv."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.errors import InputError
from pipeline.report.decisions import Decision, parse_changes, parse_decisions, read_decisions

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "key,step,decision,note,set\n"


def test_a_plain_file_is_read_in_order() -> None:
    found = parse_decisions(HEAD + "A,studio,approve,,\nB,studio,reject,too dark,light_direction=right;quality=high\n")

    assert found == [
        Decision("A", "studio", "approve", "", {}, 2),
        Decision("B", "studio", "reject", "too dark", {"light_direction": "right", "quality": "high"}, 3),
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("\ufeffkey;step;decision;note;set\r\nÖL;s;reject;;\r\n".encode(), id="mark and semicolons"),
        pytest.param("key\tstep\tdecision\tnote\tset\nÖL\ts\tREJECT\t\t\n".encode("utf-16"), id="utf-16 and tabs"),
        pytest.param("Step,Decision,Key\ns,rejected,ÖL".encode(), id="other order, no note and no set"),
        pytest.param(
            '"key","step","decision","extra"\n"ÖL"," s ","Reject","x"\n,,,\n'.encode(), id="quotes, blank line"
        ),
    ],
)
def test_what_spreadsheets_write_is_understood(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "decisions.csv"
    file.write_bytes(data)

    (found,) = read_decisions(file)

    assert (found.key, found.step, found.decision) == ("ÖL", "s", "reject")


def test_the_apostrophe_that_guards_a_formula_is_no_part_of_the_key() -> None:
    (found,) = parse_decisions(HEAD + "'=A1,s,reject,'-5 stops,\n")

    assert (found.key, found.note) == ("=A1", "-5 stops")


def test_the_task_that_was_looked_at_may_be_named() -> None:
    head = "key,step,decision,note,set,task_id\n"

    assert [each.task for each in parse_decisions(head + "A,s,reject,,,7\nB,s,reject,,,\n")] == [7, None]
    with pytest.raises(InputError, match="line 2: task_id 'T-7' is no number"):
        parse_decisions(head + "A,s,reject,,,T-7\n")
    with pytest.raises(InputError, match="decided differently in line 2"):
        parse_decisions(head + "A,s,reject,,,7\nA,s,reject,,,8\n")


def test_lines_without_a_decision_are_skipped() -> None:
    assert parse_decisions(HEAD + "A,s,,looked at it,\n") == []


def test_every_wrong_line_is_named_with_its_remedy() -> None:
    text = HEAD + "A,s,aprove,,\n,s,reject,,\nB,s,approve,,seed=1\nC,s,reject,,seed\n"

    with pytest.raises(InputError) as caught:
        parse_decisions(text)

    lines = str(caught.value).splitlines()
    assert "line 2: decision 'aprove' is neither approve nor reject; did you mean approve?" in lines[0]
    assert lines[1] == "line 3: key is empty"
    assert lines[2].startswith("line 4: an approved output is not made again")
    assert lines[3].startswith("line 5: set: 'seed' is not NAME=VALUE")
    assert "nothing was applied" in caught.value.hint


def test_a_note_of_two_lines_does_not_shift_the_line_numbers() -> None:
    with pytest.raises(InputError, match="line 4: decision"):
        parse_decisions(HEAD + 'A,s,reject,"too\ndark",\nB,s,maybe,,\n')


def test_the_same_line_twice_counts_once_and_two_opinions_are_refused() -> None:
    assert len(parse_decisions(HEAD + "A,s,reject,,\nA,s,reject,,\n")) == 1
    with pytest.raises(InputError, match="line 3, 'A' at step 's' is decided differently in line 2"):
        parse_decisions(HEAD + "A,s,reject,,\nA,s,approve,,\n")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match=r"there is no column 'decision'; did you mean decison\?") as caught:
        parse_decisions("key,step,decison\n")
    assert "key,step,decision,note,set" in caught.value.hint


def test_text_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    file.write_bytes(HEAD.encode() + "ÖL,s,reject,,\n".encode("cp1252"))

    with pytest.raises(InputError, match="line 2 is not utf-8 text"):
        read_decisions(file)


def test_a_missing_file_is_told_and_not_traced(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        read_decisions(tmp_path / "nowhere.csv")


def test_changes_may_hold_semicolons_equal_signs_and_nothing() -> None:
    assert parse_changes(r"prompt=a = b\; c ; seed=") == {"prompt": "a = b; c", "seed": ""}
    assert parse_changes(" ; ") == {}


@pytest.mark.parametrize("text", ["seed", "=5", "a b=5", "seed=1;seed=2"])
def test_changes_that_are_no_pairs_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="set: "):
        parse_changes(text)
