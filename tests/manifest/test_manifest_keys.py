"""The default key: first of key, sku, id, handle that is filled and unique, or the reasons why none is."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ManifestError
from pipeline.manifest import Manifest, open_manifest
from pipeline.manifest.keys import choose_key, duplicates


def manifest(text: str) -> Manifest:
    return open_manifest(io.BytesIO(text.encode()))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("id,SKU,key\n1,A,x\n2,B,y\n", "key"),
        ("id,SKU,key\n1,A,x\n2,B,x\n", "SKU"),
        ("id,SKU\n1,A\n2,\n", "id"),
        ("Handle,title\na,1\nb,2\n", "Handle"),
        ("sku,endpoint\nA,ic-light\nA,seg-swap\n", "sku"),
        ("sku,title\n", "sku"),
    ],
)
def test_the_first_that_is_filled_and_unique_is_chosen(text: str, column: str) -> None:
    assert choose_key(manifest(text)).column == column


def test_the_error_says_of_each_candidate_why_not_and_offers_a_way_out() -> None:
    rows = "".join(f"{sku},{n % 4},h,{n}\n" for n, sku in enumerate(["x", "A-1", "", "", "", "A-1"], start=1))

    with pytest.raises(ManifestError) as caught:
        choose_key(manifest(f"sku,id,Handle,Image Position\n{rows}"))

    assert "sku: empty in 3 of 6 rows, first row 3; duplicated: A-1 in rows 2 and 6." in str(caught.value)
    assert "id: duplicated: 1 in rows 1 and 5; 2 in rows 2 and 6" in str(caught.value)
    assert "Handle: duplicated: h in rows 1, 2, 3, 4 and further ones" in str(caught.value)
    assert "--key COLUMN" in caught.value.hint
    assert "--key '{Handle}-{Image Position}'" in caught.value.hint


def test_a_task_manifest_repeats_a_key_only_once_per_endpoint() -> None:
    with pytest.raises(ManifestError, match="A in rows 1 and 3"):
        choose_key(manifest("sku,endpoint\nA,x\nA,y\nA,x\n"))


def test_no_candidate_at_all_names_those_looked_for() -> None:
    with pytest.raises(ManifestError, match="none of the columns key, sku, id, handle"):
        choose_key(manifest("a,b\n1,2\n"))


def test_keys_that_differ_in_case_only_are_warned_about() -> None:
    found = manifest("sku\nAbc\nabc\nX\n")

    assert choose_key(found).column == "sku"
    assert found.warnings == ['column "sku": 1 keys differ from another only in upper and lower case']


@given(st.lists(st.sampled_from(["a", "b", "B", "c", ""]), max_size=8))
def test_the_proof_counts_what_is_there(keys: list[str]) -> None:
    proof = duplicates(manifest("sku,x\n" + "".join(f"{key},y\n" for key in keys)), lambda row: row.cells[0])

    filled = [key for key in keys if key]
    assert proof.empty == len(keys) - len(filled)
    assert proof.duplicate_keys == len({key for key in filled if filled.count(key) > 1})
    assert proof.holds == (len(filled) == len(keys) == len(set(keys)))
