"""A real browser: Debian's Chromium through Playwright, watched for errors and for requests that leave."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = shutil.which("chromium")
SWITCHES = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 800}


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; skips the test where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs Debian's Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


def until(page: Any, truth: str) -> None:
    """Wait for *truth*, an expression; Playwright's own waiting would need eval, which the page forbids."""
    while not page.evaluate(truth):
        page.wait_for_timeout(30)


@contextmanager
def visit(browser: Any, address: str, *, viewport: dict[str, int] | None = None, **context: Any) -> Iterator[Any]:
    """A page at *address* that is ready; fails for any error on it and any request to somewhere else."""
    home = address.rsplit("/report/", 1)[0]
    wrong: list[str] = []
    page_context = browser.new_context(viewport=viewport or DESKTOP, accept_downloads=True, **context)
    page = page_context.new_page()
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on(
        "console", lambda said: wrong.append(f"console: {said.text}") if said.type in ("error", "warning") else None
    )
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((home, "blob:")) else wrong.append(f"request: {asked.url}"),
    )
    try:
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        yield page
        assert not wrong, "\n".join(wrong)
    finally:
        page_context.close()
