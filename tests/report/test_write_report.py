"""The report folder: what is written, what is kept, and what it survives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from pipeline.errors import ErrorClass, FolderError
from pipeline.ledger import gallery
from pipeline.report import helpers
from pipeline.report.causes import Causes, pattern
from pipeline.report.dataset import script
from pipeline.report.pictures import PREVIEW_SIDE, THUMB_SIDE
from pipeline.report.write import write_report
from tests.images.pictures import png_with_an_impossible_chunk
from tests.report.conftest import picture

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from tests.report.conftest import Shop


def value(text: str) -> Any:
    """What a data script hands over last."""
    return json.loads("[" + text[text.index("(") + 1 : text.rindex(")")] + "]")[-1]


def data(shop: Shop, name: str) -> Any:
    return value((shop.out / "report" / "data" / f"{name}.js").read_text(encoding="utf-8"))


def test_the_page_knows_every_task_and_its_details(shop: Shop) -> None:
    shop.make("MUG")
    shop.fail("VASE", "scene", "content policy")

    page = write_report(shop.out)

    assert page == shop.out / "report" / "index.html"
    meta, entries, details = data(shop, "meta"), data(shop, "entries-0"), data(shop, "details-0")
    assert (meta["entries"], meta["tasks"]["done"], meta["tasks"]["failed"]) == (4, 1, 1)
    assert entries["columns"]["key"] == ["MUG", "MUG", "VASE", "VASE"]
    assert entries["columns"]["path"] == ["jpg", "", "", ""]
    assert details[3]["error"] == "content policy"
    assert details[0]["row"] == {"sku": "MUG", "title": "Mug", "image": "mug.jpg"}
    assert meta["causes"][0]["remedy"].startswith("The provider refused the content")


def test_small_copies_are_made_once_and_again_only_for_what_is_new(shop: Shop) -> None:
    shop.make("MUG", size=(800, 400))
    asked: list[tuple[int, int]] = []
    write_report(shop.out, progress=lambda done, everything: asked.append((done, everything)))
    assert asked[-1] == (3, 3)

    asked.clear()
    write_report(shop.out, progress=lambda done, everything: asked.append((done, everything)))
    assert asked == []
    shop.make("VASE")
    write_report(shop.out, progress=lambda done, everything: asked.append((done, everything)))

    assert asked == [(1, 1)]
    sizes = set()
    for path in (shop.out / "report" / "thumbs").glob("*/*.webp"):
        with Image.open(path) as small:
            sizes.add(small.size)
    assert (THUMB_SIDE, THUMB_SIDE // 2) in sizes
    assert all(max(size) <= PREVIEW_SIDE for size in sizes)


def test_copies_of_what_is_no_longer_shown_are_removed(shop: Shop) -> None:
    shop.make("MUG")
    write_report(shop.out)
    before = set((shop.out / "report" / "thumbs").glob("*/*.webp"))
    shop.write(("VASE", "Vase", "vase.jpg"))
    shop.plan()

    write_report(shop.out)

    after = set((shop.out / "report" / "thumbs").glob("*/*.webp"))
    assert len(before) == 3
    assert len(after) == 1


def test_an_input_that_changed_since_is_not_shown_as_what_was_sent(shop: Shop) -> None:
    shop.make("MUG")
    (shop.home / "mug.jpg").write_bytes(picture("red"))

    write_report(shop.out)

    entries = data(shop, "entries-0")
    assert entries["tables"]["before"][entries["columns"]["before"][0]] == ""


def test_a_damaged_output_costs_its_picture_and_not_the_report(shop: Shop) -> None:
    shop.make("MUG")
    shop.make("VASE", colour="#8f8f14")
    (shop.out / "images" / "MUG" / "studio.jpg").write_bytes(b"\xff\xd8\xff not any more")

    write_report(shop.out)

    entries = data(shop, "entries-0")
    assert [bool(thumb) for thumb in entries["columns"]["thumb"]] == [False, False, True, False]
    assert "studio.jpg" in data(shop, "meta")["notes"][0]


def test_an_output_over_which_its_decoder_stumbles_costs_its_picture_and_not_the_report(shop: Shop) -> None:
    shop.make("MUG")
    (shop.out / "images" / "MUG" / "studio.jpg").write_bytes(png_with_an_impossible_chunk())

    write_report(shop.out)

    assert "studio.jpg: broken PNG file" in data(shop, "meta")["notes"][0]


def test_a_missing_output_is_told(shop: Shop) -> None:
    shop.make("MUG")
    (shop.out / "images" / "MUG" / "studio.jpg").unlink()

    write_report(shop.out)

    assert "No such file" in data(shop, "meta")["notes"][0]


def test_looks_are_kept_and_thresholds_of_the_newest_recipe_apply(shop: Shop) -> None:
    shop.make("MUG", colour="red")
    write_report(shop.out)
    assert data(shop, "meta")["flagged"]["colour"] == 1
    looks = (shop.out / "report" / "looks.jsonl").read_text(encoding="utf-8")

    shop.plan({**shop.recipe, "checks": {"delta_e": 0}})
    write_report(shop.out)

    assert data(shop, "meta")["flagged"]["colour"] == 0
    assert (shop.out / "report" / "looks.jsonl").read_text(encoding="utf-8") == looks


def test_a_torn_line_among_the_looks_is_looked_at_again(shop: Shop) -> None:
    shop.make("MUG")
    write_report(shop.out)
    looks = shop.out / "report" / "looks.jsonl"
    looks.write_bytes(looks.read_bytes()[:-20] + b"\n")

    write_report(shop.out)

    assert json.loads(looks.read_text(encoding="utf-8").splitlines()[-1])["after"]


def test_wrong_thresholds_in_the_ledger_do_not_stop_the_report(shop: Shop) -> None:
    shop.plan({**shop.recipe, "checks": {"blnk": 1}})

    write_report(shop.out)

    assert "unknown entry 'blnk'; did you mean blank?" in data(shop, "meta")["notes"][0]


def test_the_ledger_is_only_read(shop: Shop) -> None:
    shop.make("MUG")
    before = shop.ledger.run(lambda db: list(db.iterdump()))

    write_report(shop.out)

    assert shop.ledger.run(lambda db: list(db.iterdump())) == before


def test_a_folder_without_a_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"no result folder: it has no ledger\.db"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_ledger_gives_an_empty_page(tmp_path: Path) -> None:
    from pipeline.ledger import Ledger

    Ledger(tmp_path).close()

    page = write_report(tmp_path)

    assert page.exists()
    assert not (tmp_path / "report" / "data" / "entries-0.js").exists()


def test_text_of_any_kind_stands_in_a_script_as_data() -> None:
    nasty = "</script><!--\u2028 \\ \" ' \ud800"

    text = script("entries", 0, {"key": nasty})

    assert "<" not in text
    assert "\u2028" not in text
    assert value(text)["key"] == nasty


def test_an_inline_image_is_cut_short_in_the_details(shop: Shop) -> None:
    def swell(db: sqlite3.Connection) -> None:
        db.execute("UPDATE tasks SET params=json_set(params, '$.image', ?)", ("data:image/png;base64," + "A" * 10**6,))

    shop.ledger.run(swell)
    write_report(shop.out)

    assert (shop.out / "report" / "data" / "details-0.js").stat().st_size < 50_000


def test_many_pictures_are_made_by_several_processes_and_a_crash_costs_one(tmp_path: Path) -> None:
    jobs = []
    for number in range(12):
        source = tmp_path / f"{number}.jpg"
        source.write_bytes(picture() if number != 5 else b"no picture")
        jobs.append({"source": str(source), "targets": {str(tmp_path / f"{number}.webp"): 64}})

    answers = dict(helpers.done(jobs, processes=2))

    assert sorted(answers) == list(range(12))
    assert [place for place, answer in answers.items() if "error" in answer] == [5]
    assert len(list(tmp_path.glob("*.webp"))) == 11


def test_a_library_that_prints_between_the_answers_costs_pictures_and_nobody_waits_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('a library says hello')\n")
    monkeypatch.syspath_prepend(tmp_path)

    answers = dict(helpers.done([{"source": "x", "targets": {}}] * helpers.FEW, processes=2))

    assert answers == dict.fromkeys(range(helpers.FEW), helpers.CRASHED)


def test_errors_that_differ_in_names_and_numbers_have_one_cause() -> None:
    causes = Causes()
    texts = [
        "row 12, column image: /photos/a 1.jpg is 12 bytes",
        "row 9, column image: /photos/b 22.jpg is 7 bytes",
        "the same call failed: /photos/c 3.jpg is 5 bytes",
    ]

    ids = {causes.of("failed", "ic-light", ErrorClass.BAD_INPUT, text) for text in texts}
    other = causes.of("failed", "ic-light", ErrorClass.BAD_INPUT, "it is empty")

    assert len(ids) == 1
    assert [cause.count for cause in causes.found] == [3, 1]
    assert other not in ids


def test_more_causes_than_anybody_reads_are_summed_up_by_class() -> None:
    causes = Causes()
    for number in range(500):
        causes.of("failed", "x", "rejected", f"{chr(0x4E00 + number)} is wrong")

    assert len(causes.found) == 201
    assert sum(cause.count for cause in causes.found) == 500


@pytest.mark.parametrize(
    ("reason", "body"),
    [("it is an HTML page", "<html> <title>it's 502</title>"), ("it is cut off", "\\xff\\xd8\\xe0JF'IF")],
)
def test_a_bad_output_is_explained_and_not_quoted(reason: str, body: str) -> None:
    error = f"the provider's output is unusable: {reason}; it begins with {body!r}"

    assert pattern(error) == f"the provider's output is unusable: {reason}"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("HTTP 406: Invalid value 7 for steps", "HTTP 406: Invalid value … for steps"),
        ("row 3, column image_url: the server answers 404 Not Found", "the server answers 404 Not Found"),
        (
            "the scheme ftp:// is not supported; use https://, s3://, gs:// or a file path",
            "the scheme ftp:// is not supported; use https://, s3://, gs:// or a file path",
        ),
        ("https://shop.example/12/a.jpg: gone after 1,204 s", "… gone after … s"),
        ("s3://bucket-7/a/b.jpg is missing", "… is missing"),
    ],
)
def test_what_belongs_to_a_cause_stays_in_its_words(error: str, cause: str) -> None:
    assert pattern(error) == cause


def test_every_error_class_says_what_to_do() -> None:
    from pipeline.report.causes import REMEDIES

    assert set(REMEDIES) == {each.value for each in ErrorClass}
    assert pattern("") == "no message"


def test_a_run_whose_calls_are_all_open_has_a_timeline(shop: Shop) -> None:
    shop._sent("MUG", "studio")

    found = shop.ledger.run(lambda db: gallery.timeline(db, "run-1"))

    assert found is not None
    assert (found.sent, found.limited, found.failed) == ([1], [0], [0])
