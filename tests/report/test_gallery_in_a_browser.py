"""The gallery as a person uses it: in Chromium, opened from disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import ErrorClass
from pipeline.report.decisions import read_decisions
from pipeline.report.redrive import apply_decisions
from pipeline.report.write import write_report
from tests.report.browsing import DESKTOP, PHONE, chromium, until, visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.report.conftest import Shop

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
HOSTILE = '<img src=x onerror="document.title=1">'
SCRIPT = "</script><script>document.title='pwned'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def gallery(shop: Shop) -> str:
    """Two done, one failed, one open."""
    shop.make("MUG")
    shop.make("VASE", colour="#8f8f14")
    shop.make("MUG", "scene", size=(300, 200))
    shop.fail("VASE", "scene", "content policy: 'vase' is not allowed")
    shop.finish_run()
    return write_report(shop.out).as_uri()


def tiles(page: Any) -> list[str]:
    return [node.inner_text() for node in page.query_selector_all("[role=option] > .hidden")]


def test_every_task_is_a_tile_in_the_order_of_the_manifest(browser: Any, gallery: str) -> None:
    with visit(browser, gallery) as page:
        assert tiles(page) == [
            "MUG, studio, done",
            "MUG, scene, done, look at: wrong shape",
            "VASE, studio, done",
            "VASE, scene, failed",
        ]
        until(page, "[...document.querySelectorAll('.tile img')].every(image => image.naturalWidth > 0)")
        assert "rehearsal" in page.inner_text("#rehearsal")


def test_filters_and_search_narrow_what_is_shown_and_survive_a_reload(browser: Any, gallery: str) -> None:
    with visit(browser, gallery) as page:
        page.get_by_role("checkbox", name="studio").check()
        assert page.inner_text("#shown") == "2 of 4 tasks"

        page.keyboard.press("/")
        page.keyboard.type("vas")
        until(page, "document.querySelector('#shown').textContent === '1 of 4 tasks'")
        page.reload()
        page.wait_for_selector("body[data-ready]")

        assert tiles(page) == ["VASE, studio, done"]


def test_refused_polls_are_counted_as_in_the_runs_own_summary(browser: Any, shop: Shop) -> None:
    shop.make("MUG")
    shop.finish_run(requests={"submit": 1, "poll": 9, "http_429": 7, "http_5xx": 0})
    with visit(browser, write_report(shop.out).as_uri()) as page:
        page.click("[data-view=money]")

        assert "7 answered 429" in page.inner_text("#money")


def test_a_failure_is_grouped_explained_and_leads_to_its_tasks(browser: Any, gallery: str) -> None:
    with visit(browser, gallery) as page:
        page.click("[data-view=failures]")
        words = page.inner_text("#failures")
        assert "content policy: … is not allowed" in words
        assert "The provider refused the content, or a parameter" in words

        page.click("text=Show 1 task")

        assert tiles(page) == ["VASE, scene, failed"]


def test_money_and_time_are_drawn_with_words_for_those_who_do_not_see_them(browser: Any, gallery: str) -> None:
    with visit(browser, gallery) as page:
        page.click("[data-view=money]")

        assert "segmind-relighting-v2" in page.inner_text("#money table")
        labels = [node.get_attribute("aria-label") for node in page.query_selector_all("svg[role=img]")]
        assert any("half of the calls took up to 4.0 s" in label for label in labels)
        assert any("4 calls" in label for label in labels)


def test_the_slider_uncovers_what_was_before(browser: Any, gallery: str) -> None:
    with visit(browser, gallery) as page:
        page.click("[role=option]")
        until(page, "[...document.querySelectorAll('.layer img')].every(image => image.naturalWidth > 0)")
        range_ = page.locator(".split")
        cut = "getComputedStyle(document.querySelectorAll('.layer')[1]).clipPath"
        assert range_.input_value() == "50"
        before = page.evaluate(cut)

        range_.focus()
        page.keyboard.press("ArrowRight")
        box = page.locator(".frame").bounding_box()
        assert range_.input_value() == "51"
        page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + 40)

        assert range_.input_value() == "90"
        assert page.evaluate(cut) != before
        page.keyboard.press("Escape")
        assert not page.locator("#viewer").is_visible()


def test_the_picture_zooms_and_fits_again(browser: Any, gallery: str) -> None:
    with visit(browser, gallery) as page:
        page.click("[role=option]")
        page.keyboard.press("+")
        assert page.inner_text(".level") == "150 %"
        page.keyboard.press("0")
        assert page.inner_text(".level") == "fit"


def test_keys_work_before_anything_was_clicked(browser: Any, gallery: str) -> None:
    with visit(browser, gallery) as page:
        page.keyboard.press("r")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("a")
        until(page, "document.querySelector('#decided').textContent === '1 approved, 1 rejected'")
        page.keyboard.press("Enter")
        until(page, "document.querySelector('#viewer')?.open === true")


def test_decisions_are_made_by_keyboard_exported_and_drive_the_next_run(
    browser: Any, gallery: str, shop: Shop, tmp_path: Path
) -> None:
    with visit(browser, gallery) as page:
        page.focus("#grid")
        page.keyboard.press("a")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_selector(".redo")
        page.keyboard.press("r")
        page.keyboard.press("n")
        page.keyboard.type("too, dark\n=1")
        page.click("text=Reject with other parameters")
        page.get_by_label("aspect_ratio").select_option("4:5 (Artistic Frame)")
        page.get_by_label("prompt", exact=True).fill("a mug; a table")
        page.keyboard.press("Escape")
        assert page.inner_text("#decided") == "1 approved, 1 rejected"

        page.reload()
        page.wait_for_selector("body[data-ready]")
        assert tiles(page)[:2] == ["MUG, studio, done, approved", "MUG, scene, done, rejected, look at: wrong shape"]
        with page.expect_download() as waiting:
            page.click("#export")
        waiting.value.save_as(tmp_path / "decisions.csv")

    decisions = read_decisions(tmp_path / "decisions.csv")
    assert [each.task for each in decisions] == [shop.task("MUG").id, shop.task("MUG", "scene").id]
    assert (
        (tmp_path / "decisions.csv")
        .read_text(encoding="utf-8")
        .startswith("key,step,decision,note,set,task_id\nMUG,studio")
    )
    assert apply_decisions(shop.ledger, decisions, store=shop.store, now=shop.now).rejected == 1
    assert shop.states()["MUG", "scene"] == "planned"
    assert json.loads(shop.task("MUG", "scene").params)["prompt"] == "a mug; a table"
    assert shop.task("MUG").decision == "approve"


def test_a_rejected_output_shows_as_being_made_anew_and_what_it_was(browser: Any, gallery: str, shop: Shop) -> None:
    with visit(browser, gallery) as page:
        page.focus("#grid")
        page.keyboard.press("r")
        text = page.evaluate("photobatch.decisions.csv()")
    (shop.home / "d.csv").write_text(text, encoding="utf-8")
    apply_decisions(shop.ledger, read_decisions(shop.home / "d.csv"), store=shop.store, now=shop.now)
    write_report(shop.out)

    with visit(browser, gallery) as page:
        assert tiles(page)[0] == "MUG, studio, planned, rejected, not made yet"
        page.click("[role=option]")
        page.wait_for_selector("text=Rejected before")
        assert page.locator(".more-images img").count() == 1


def test_the_same_words_twice_are_told_apart_in_the_export(browser: Any, gallery: str, shop: Shop) -> None:
    for expected in ("MUG,studio,reject,,", "MUG,studio,reject,(2),"):
        with visit(browser, gallery) as page:
            page.focus("#grid")
            page.keyboard.press("r")
            text = page.evaluate("photobatch.decisions.csv()")
        assert text.endswith(f"\n{expected},{shop.task('MUG').id}\n")
        (shop.home / "d.csv").write_text(text, encoding="utf-8")
        apply_decisions(shop.ledger, read_decisions(shop.home / "d.csv"), store=shop.store, now=shop.now)
        shop.make("MUG", colour="black")
        write_report(shop.out)

    assert shop.ledger.run(lambda db: db.execute("SELECT count(*) FROM decisions").fetchone()[0]) == 2


def test_text_from_manifest_and_provider_is_shown_as_text(browser: Any, shop: Shop) -> None:
    shop.write((HOSTILE, SCRIPT, "mug.jpg"), ("=1+1", "x", "mug.jpg"))
    shop.plan()
    shop.make(HOSTILE)
    shop.fail(HOSTILE, "scene", f"{SCRIPT}<h1>502 Bad Gateway</h1>", ErrorClass.GATEWAY)
    page_address = write_report(shop.out).as_uri()

    with visit(browser, page_address) as page:
        assert HOSTILE in page.inner_text(".tile b")
        page.click("[role=option] >> nth=1")
        page.wait_for_selector("text=502 Bad Gateway")
        assert SCRIPT in page.inner_text("#viewer")
        page.keyboard.press("Escape")
        page.click("[data-view=failures]")
        page.click("[data-view=products]")
        assert page.locator("main img[src='x'], dialog img[src='x'], main script").count() == 0
        assert page.title().endswith("photobatch report")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_fault_in_any_view(
    browser: Any, gallery: str, size: dict[str, int], scheme: str
) -> None:
    with visit(browser, gallery, viewport=size, color_scheme=scheme, bypass_csp=True) as page:
        page.add_script_tag(content=AXE)
        found = {}
        for view in ("images", "products", "failures", "money"):
            page.click(f"[data-view={view}]")
            found[view] = faults(page)
        page.click("[data-view=images]")
        page.click("[role=option]")
        page.wait_for_selector(".redo summary")
        page.click(".redo summary")
        found["viewer"] = faults(page)

    assert found == {view: [] for view in ("images", "products", "failures", "money", "viewer")}


def faults(page: Any) -> list[str]:
    """Rules that are broken seriously, and where."""
    result = page.evaluate("axe.run(document, {preload: false})")
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in result["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def test_a_phone_shows_two_columns_and_no_sideways_scrolling(browser: Any, gallery: str) -> None:
    with visit(browser, gallery, viewport=PHONE, has_touch=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.querySelectorAll('.line')[0].children.length") == 2
        page.tap("#show-filters")
        page.get_by_role("checkbox", name="scene 2").check()
        assert page.inner_text("#shown") == "2 of 4 tasks"


def test_a_page_without_its_data_says_what_to_do(browser: Any, gallery: str, shop: Shop) -> None:
    (shop.out / "report" / "data" / "meta.js").write_text("", encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(gallery)
    page.wait_for_selector("text=run `photobatch report` again")
    assert page.locator("[role=option]").count() == 0
    context.close()


def test_without_small_copies_the_images_themselves_are_shown(browser: Any, shop: Shop) -> None:
    shop.make("MUG")
    with visit(browser, write_report(shop.out, thumbnails=False).as_uri()) as page:
        until(page, "document.querySelector('.tile img').naturalWidth === 300")
        assert page.locator(".tile").count() == 4
