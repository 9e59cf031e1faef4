"""`--check-images`: what servers really hold is found out before money is spent; against a server on loopback."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.catalogue.commands import RELIGHT, Said, csv_file, photo, photobatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Shop:
    """A web server: paths to (status, content type, body), and what was asked of it."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, str, bytes]] = {}
        self.asked: list[str] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked.append(self.path)
                status, kind, body = shop.pages.get(self.path, (404, "text/html", b"<html>gone</html>"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def show(self, path: str, body: bytes, *, status: int = 200, kind: str = "image/jpeg") -> str:
        self.pages[path] = (status, kind, body)
        return self.url + path


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.server.shutdown()
    shop.server.server_close()


@pytest.fixture
def catalogue(shop: Shop, tmp_path: Path) -> Path:
    """Two good images, three that are none, and one whose server is out of order."""
    urls = {
        "good": shop.show("/good.jpg", photo((9, 9, 200))),
        "other": shop.show("/other.jpg?v=2", photo((9, 200, 9))),
        "login": shop.show("/login.jpg", b"<!DOCTYPE html><html>log in</html>"),
        "zero": shop.show("/zero.jpg", b""),
        "gone": f"{shop.url}/gone.jpg",
        "ill": shop.show("/ill.jpg", b"", status=503),
    }
    return csv_file(tmp_path / "c.csv", "sku,image_url", *(f"{key},{url}" for key, url in urls.items()))


def plan(catalogue: Path, *flags: str) -> Said:
    return photobatch("plan", catalogue, *RELIGHT, "--json", *flags)


def run(catalogue: Path, *flags: str) -> Said:
    return photobatch("run", catalogue, *RELIGHT, "--sandbox", "--out", "out", "--json", *flags)


def test_pages_holes_and_empty_files_are_found_and_an_ill_server_is_only_a_warning(catalogue: Path) -> None:
    said = plan(catalogue, "--check-images", "--allow-private")

    reasons = {bad["key"]: bad["reason"] for bad in said.summary["invalid_rows"]}
    assert said.code == 3
    assert reasons.keys() == {"login", "zero", "gone"}
    for key, word in (("login", "HTML"), ("zero", "empty"), ("gone", "404")):
        assert word in reasons[key]
    assert any("503" in warning and "/ill.jpg" in warning for warning in said.summary["warnings"])


def test_nobody_is_asked_without_the_flag(catalogue: Path, shop: Shop) -> None:
    said = plan(catalogue, "--allow-private")

    assert (said.code, shop.asked) == (0, [])


def test_private_addresses_are_not_fetched_from(catalogue: Path, shop: Shop) -> None:
    said = plan(catalogue, "--check-images")

    assert (said.code, said.summary["invalid"], shop.asked) == (2, 6, [])


def test_a_run_sends_only_what_was_found_good(catalogue: Path) -> None:
    said = run(catalogue, "--check-images")

    tasks = said.summary["tasks"]
    assert (tasks["invalid"], said.summary["requests"]["submit"]) == (3, 3)  # the ill server may be well again
    assert tasks["done"] == 2


def test_an_image_that_changed_behind_its_url_is_made_anew(catalogue: Path, shop: Shop) -> None:
    run(catalogue, "--check-images")
    shop.show("/good.jpg", photo((1, 1, 1)))

    said = run(catalogue, "--check-images")

    assert said.summary["tasks"]["done"] == 2
    assert said.summary["requests"]["submit"] == 1


def test_a_mended_image_runs(catalogue: Path, shop: Shop) -> None:
    run(catalogue, "--check-images")
    for path in ("/login.jpg", "/zero.jpg", "/gone.jpg", "/ill.jpg"):
        shop.show(path, photo((len(path), 9, 9)))

    said = run(catalogue, "--check-images")

    assert said.summary["tasks"]["invalid"] == 0
    assert said.summary["tasks"]["done"] == 5  # all but the one that was sent and refused: that failure is final


def test_a_paid_output_outlives_its_image(catalogue: Path, shop: Shop) -> None:
    run(catalogue, "--check-images")
    del shop.pages["/good.jpg"]

    said = run(catalogue, "--check-images")

    assert (said.summary["tasks"]["done"], said.summary["requests"]["submit"]) == (2, 0)


def test_a_catalogue_from_standard_input_is_checked_as_well(catalogue: Path) -> None:
    said = photobatch(
        "plan", "-", *RELIGHT, "--json", "--check-images", "--allow-private", stdin=catalogue.read_bytes()
    )

    assert said.summary["invalid"] == 3


def test_formats_that_pass_us_by_unconverted_are_warned_about(shop: Shop, tmp_path: Path) -> None:
    url = shop.show("/scan.tif", photo(kind="TIFF"), kind="image/tiff")
    catalogue = csv_file(tmp_path / "c.csv", "sku,image_url", f"A,{url}")

    warnings = plan(catalogue, "--check-images", "--allow-private").summary["warnings"]

    assert any("neither PNG, JPEG nor WebP" in warning for warning in warnings)
